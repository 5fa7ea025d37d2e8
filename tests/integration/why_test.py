"""Why a build failed, what is kept of it, and why a build rebuilt what it rebuilt."""

import json
import os
import shutil

import harness
import wire

CONFIGURE = """\
#!/bin/sh
cat > config.log <<END
configure:10: checking for frobnicate in -lfrobnicate
configure:11: cc -o conftest conftest.c -lfrobnicate >&5
/usr/bin/ld: cannot find -lfrobnicate: No such file or directory
configure:12: error: frobnicate is needed by $(pwd)
END
mkdir -p .deps
echo leftover > .deps/leftover
ln -s .deps/leftover link
echo "configure: error: frobnicate is needed" >&2
exit 1
"""
MAKEFILE = """\
CFLAGS =
all: hello
hello: main.o greet.o
\tcc -o $@ main.o greet.o
main.o: main.c greet.h
\tcc $(CFLAGS) -c -o $@ main.c
greet.o: greet.c greet.h
\tcc $(CFLAGS) -c -o $@ greet.c
"""


class Why(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def makefile_project(self):
        self.write("Makefile", MAKEFILE)
        self.write("greet.h", "int greet(void);\n")
        self.write("greet.c", '#include "greet.h"\nint greet(void) { return 0; }\n')
        self.write("main.c", '#include "greet.h"\nint main(void) { return greet(); }\n')

    def configure_project(self):
        self.write("configure", CONFIGURE, 0o755)

    def build_dir(self):
        return next((self.agent.state / "workspaces").glob("*/src/builddir/native"))

    def report(self, *args):
        return json.loads(self.ctl("why", *args, "--output", "json").out)

    def step(self, report):
        """The only step, which must have run."""
        (step,) = report["steps"]
        self.assertFalse(step["ended"].get("skipped", False))
        return step["ended"]

    def test_a_missing_header_is_named_as_its_library(self):
        self.makefile_project()
        self.write("greet.c", "#include <zlib.h>\n")
        failed = self.ctl("submit", "--target", "native", "--make-arg", "CFLAGS=-nostdinc -I.", "--output", "plain", code=1)
        end = failed.err[failed.err.index("failed: native: make"):]
        self.assertIn("zlib is missing: greet.c:1", end.splitlines()[0])
        self.assertIn("zlib1g-dev", end)
        self.assertNotIn("--evidence", end)
        # The same words again, and what led to it.
        told = self.ctl("why").out
        self.assertTrue(told.startswith(end), f"{told}\n---\n{end}")
        self.assertIn("native/make", told)
        self.assertIn("no evidence", self.ctl("fetch", "--evidence", code=2).err)

    def test_config_log_of_a_failed_configure_is_brought_back(self):
        self.configure_project()
        failed = self.ctl("submit", "--target", "native", "--output", "plain", code=1)
        self.assertIn("frobnicate is needed", failed.err)
        self.assertIn("install -lfrobnicate", failed.err)
        id = json.loads(self.ctl("show", "--output", "json").out)["request"]["buildId"][:8]
        self.assertIn(f"config.log as a whole: wasmctl fetch {id} --evidence", failed.err)
        log = (self.build_dir() / "config.log").read_bytes()
        fetched = self.src / "builddir/native.failed/config.log"
        said = self.ctl("fetch", id, "--evidence").err
        self.assertIn(str(fetched), said)
        self.assertEqual(fetched.read_bytes(), log)
        self.assertFalse((self.src / "builddir/native").exists())
        # It outlives the agent's end, a collection that leaves nothing else, and the workspace.
        fetched.unlink()
        self.agent.stop()
        self.age_the_store()
        self.agent.start()
        self.collect_garbage()
        self.assertEqual(list((self.agent.state / "workspaces").glob("ws-*")), [])
        self.ctl("fetch", id, "--evidence", "--out", self.scratch / "out")
        self.assertEqual((self.scratch / "out/native.failed/config.log").read_bytes(), log)
        self.assertIn("no longer has workspace", self.ctl("fetch", id, "--build-dir", "--out", self.scratch / "dir", code=7).err)

    def age_the_store(self):
        """Nothing in it was used lately."""
        for path in (self.agent.state / "store").rglob("*"):
            if path.is_file():
                os.utime(path, (1000, 1000))

    def collect_garbage(self):
        """Everything that nothing refers to goes, and every workspace."""
        with wire.grpc.insecure_channel(self.agent.address) as channel:
            agent = wire.Stub(channel, wire.agent_service, "AgentService")
            request = wire.agent_service.CollectGarbageRequest(blob_budget_bytes=0, workspaces=True)
            self.assertGreater(agent.CollectGarbage(request, timeout=harness.PATIENCE).removed_blobs, 0)

    def test_a_failed_build_dir_is_brought_back_as_a_whole(self):
        self.configure_project()
        self.submit(code=1)
        out = self.scratch / "failed"
        self.assertIn("--out", self.ctl("fetch", "--build-dir", code=2).err)
        self.ctl("fetch", "--build-dir", "--out", out)
        there = self.build_dir()
        for path in ("config.log", ".deps/leftover"):
            self.assertEqual((out / path).read_bytes(), (there / path).read_bytes())
        self.assertEqual((out / "link").readlink(), (there / "link").readlink())
        id = json.loads(self.ctl("show", "--output", "json").out)["request"]["buildId"][:8]
        self.assertIn("no target 'nonesuch'", self.ctl("fetch", id, "--build-dir", "--target", "nonesuch", "--out", out, code=7).err)
        # It is as good after a restart, and gone with the next build of the checkout.
        self.agent.stop()
        self.agent.start()
        shutil.rmtree(out)
        self.ctl("fetch", id, "--build-dir", "--out", out)
        self.assertTrue((out / "config.log").is_file())
        self.submit(code=1)
        refused = self.ctl("fetch", id, "--build-dir", "--out", self.scratch / "other", code=7).err
        self.assertIn("has been used by build", refused)
        self.assertFalse((self.scratch / "other").exists())

    def test_why_tells_a_cold_build_from_a_warm_one(self):
        self.makefile_project()
        self.submit()
        report = self.report()
        self.assertFalse(report["synced"].get("warm", False))
        self.assertIn("not built here before", report["synced"]["reason"])
        self.assertEqual(report["synced"]["added"], "4")
        self.assertEqual((self.step(report)["compiled"], self.step(report)["linked"]), ("2", "1"))
        self.assertEqual(self.step(report)["reason"], "the build dir is new")
        told = self.ctl("why").out
        self.assertIn("new: there was none of this checkout", told)
        self.assertIn("2 compiled, 1 linked", told)

        self.submit()
        report = self.report()
        self.assertTrue(report["synced"]["warm"])
        self.assertNotIn("changed", report["synced"])
        self.assertNotIn("compiled", self.step(report))
        told = self.ctl("why").out
        self.assertIn("4 files, none of them changed", told)
        self.assertIn("nothing compiled", told)

        self.write("greet.h", "int greet(void);  // more\n")
        self.write("new.c", "int new;\n")
        (self.src / "greet.c").write_text('#include "greet.h"\nint greet(void) { return 1 - 1; }\n')
        events = self.submit().events
        report = self.report()
        self.assertEqual(report["synced"]["changedPaths"], ["greet.c", "greet.h"])
        self.assertEqual(report["synced"]["addedPaths"], ["new.c"])
        self.assertEqual(self.step(report)["compiled"], "2")
        # What is told of it later is what happened.
        self.assertEqual(harness.first(events, "synced"), report["synced"])
        told = self.ctl("why", report["build"]["request"]["buildId"][:8]).out
        self.assertIn("5 files: 2 changed, 1 added, 0 removed\n  changed  greet.c\n  changed  greet.h\n  added    new.c\n", told)

        (self.src / "new.c").unlink()
        self.submit("--make-arg", "V=1")
        report = self.report()
        self.assertEqual(report["synced"]["removedPaths"], ["new.c"])
        self.assertEqual(self.step(report)["reason"], "inputs, arguments, environment or toolchain have changed")

    def test_why_says_why_configure_ran_or_did_not(self):
        self.write("configure", "#!/bin/sh\necho 'all:' > Makefile\n", 0o755)
        self.submit(code=None)
        self.submit(code=None)
        told = self.ctl("why").out
        self.assertIn("native/configure  skipped: configured already with the same inputs", told)
        self.submit("--configure-arg", "--more", code=None)
        self.assertIn("(inputs, arguments, environment or toolchain have changed)", self.ctl("why").out)

    def test_a_watcher_can_leave_the_log_out(self):
        """What why reads: all events but the log's, in their order."""
        self.makefile_project()
        events = self.submit().events
        with wire.grpc.insecure_channel(self.agent.address) as channel:
            builds = wire.Stub(channel, wire.build_service, "BuildService")
            id = json.loads(self.ctl("show", "--output", "json").out)["request"]["buildId"]
            request = wire.build_service.WatchBuildRequest(build_id=id, without_log=True)
            got = [event.sequence for answer in builds.WatchBuild(request, timeout=harness.PATIENCE) for event in answer.events]
        self.assertEqual(got, [int(event["sequence"]) for event in events if "log" not in event])
        self.assertLess(len(got), len(events))


if __name__ == "__main__":
    harness.main()
