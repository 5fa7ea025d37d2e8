"""The life of a build with the real agent and the real client on small native projects."""

import json
import os
import select
import subprocess
import threading

import harness
import waiting

MAKEFILE = """\
CFLAGS = -O0
all: hello
hello: main.o part.o
\tcc -o $@ main.o part.o
%.o: %.c part.h
\t@echo compile $<
\tcc $(CFLAGS) -c -o $@ $<
"""


class Hello(harness.Case):
    """A Makefile project that says which files it compiles."""

    def setUp(self):
        super().setUp()
        self.write("Makefile", MAKEFILE)
        self.write("main.c", '#include <stdio.h>\n#include "part.h"\nint main(void) { puts(part()); return 0; }\n')
        self.write("part.c", '#include "part.h"\nconst char *part(void) { return TEXT; }\n')
        self.write("part.h", '#define TEXT "one"\nconst char *part(void);\n')
        self.write("wasmbuild.yaml", """\
version: 1
targets:
  native:
    description: hello
    toolchain: native
    build_dir: .
    steps:
      - name: make
        kind: make
        argv: [make, "-j${jobs}"]
    artifacts: [hello]
    runner: {runtime: native, program: hello}
""")
        self.start_agent()

    def build(self, code=0):
        """Builds, and returns what was compiled and what the program prints."""
        result = self.submit(code=code)
        log = harness.log_of(result.events).decode()
        compiled = sorted(line.split()[1] for line in log.splitlines() if line.startswith("compile "))
        program = self.src / "builddir/native/hello"
        said = subprocess.run([program], capture_output=True, text=True).stdout.strip() if code == 0 else None
        return compiled, said

    def test_submit_brings_back_what_was_built(self):
        """Artifacts appear in builddir/TARGET, executable and the caller's."""
        self.assertEqual(self.build(), (["main.c", "part.c"], "one"))
        info = (self.src / "builddir/native/hello").stat()
        self.assertEqual(subprocess.run([harness.WASMCTL, "run", "--target", "native"], cwd=self.src, env=self.env, text=True,
                                        capture_output=True).stdout, "one\n")
        self.assertTrue(info.st_mode & 0o100)
        self.assertEqual(info.st_uid, os.getuid())

    def test_a_build_without_change_compiles_nothing(self):
        self.build()
        self.assertEqual(self.build(), ([], "one"))

    def test_each_kind_of_edit_rebuilds_what_make_by_hand_would(self):
        """Edit, header edit, revert, add, delete, rename, chmod, link: the objects that are rebuilt and the program's bytes are those of
        make by hand in a copy that is edited alike."""
        by_hand = self.scratch / "by-hand"
        subprocess.run(["cp", "-a", self.src, by_hand], check=True)

        def hand():
            made = subprocess.run(["make"], cwd=by_hand, capture_output=True, text=True, check=True).stdout
            return sorted(line.split()[1] for line in made.splitlines() if line.startswith("compile "))

        def both(edit):
            for root in (self.src, by_hand):
                edit(root)
            compiled, _ = self.build()
            self.assertEqual(compiled, hand(), edit)
            self.assertEqual((self.src / "builddir/native/hello").read_bytes(), (by_hand / "hello").read_bytes())

        self.build()
        hand()
        both(lambda root: (root / "part.c").write_text('#include "part.h"\nconst char *part(void) { return TEXT "!"; }\n'))
        both(lambda root: (root / "part.h").write_text('#define TEXT "two"\nconst char *part(void);\n'))
        both(lambda root: (root / "part.h").write_text('#define TEXT "one"\nconst char *part(void);\n'))
        both(lambda root: (root / "unused.c").write_text("int unused;\n"))
        both(lambda root: (root / "unused.c").unlink())
        both(lambda root: (root / "Makefile").write_text(MAKEFILE.replace("part.o\n", "part.o extra.o\n").replace(
            "main.o part.o\n", "main.o part.o extra.o\n")) and (root / "extra.c").write_text("int extra;\n"))
        both(lambda root: (root / "extra.c").rename(root / "moved.c") and (root / "Makefile").write_text(MAKEFILE))
        both(lambda root: (root / "main.c").chmod(0o755) or os.utime(root / "main.c"))
        both(lambda root: (root / "moved.c").unlink() or (root / "moved.c").symlink_to("main.c"))

    def test_an_edit_of_the_same_size_and_time_is_seen(self):
        """Right bytes: digests decide, never size and time alone."""
        self.build()
        header = self.src / "part.h"
        before = header.stat()
        header.write_text(header.read_text().replace("one", "two"))
        os.utime(header, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(self.build()[1], "two")

    def test_a_failing_build_names_its_first_error(self):
        self.write("part.c", '#include "part.h"\nconst char *part(void) { return 1 +; }\n')
        result = self.submit(code=1)
        ended = harness.first(result.events, "ended")
        self.assertEqual(ended["outcome"], "OUTCOME_FAILED")
        self.assertIn("part.c:2", json.dumps(ended["cause"]))
        self.assertEqual(harness.first(result.events, "diagnostic")["file"], "part.c")
        # Mended, it builds: nothing of the failure stays.
        self.write("part.c", '#include "part.h"\nconst char *part(void) { return TEXT; }\n')
        self.assertEqual(self.build()[1], "one")

    def test_wrong_usage_and_unknown_targets_have_their_exit_codes(self):
        self.assertEqual(self.ctl("submit", "--no-such-flag", code=None).code, 2)
        result = self.submit(target="nonesuch", code=None)
        self.assertEqual(result.code, 7, result)
        self.assertIn("native", result.err)

    def test_an_agent_that_is_not_there_is_exit_code_3(self):
        self.agent.stop()
        result = self.submit(code=3)
        self.assertIn(str(self.agent.socket), result.err)

    def test_verify_proves_that_the_workspace_is_the_checkout(self):
        self.build()
        self.ctl("verify")
        workspace = next((self.agent.state / "workspaces").glob("ws-*"))
        (workspace / "src/part.h").write_text("tampered")
        result = self.ctl("verify", code=1)
        self.assertIn("part.h", result.out + result.err)

    def test_plan_runs_nothing(self):
        result = self.ctl("plan", "--target", "native")
        self.assertIn("make", result.out)
        self.assertFalse(list((self.agent.state / "workspaces").iterdir()))


class Slow(waiting.Case):
    """What outlives a client, an agent, a connection."""

    def test_a_killed_client_misses_no_byte(self):
        """Accepted is kept, and every byte of the log: the client is killed, another one watches from the start."""
        process, _ = self.begin()
        process.kill()
        process.wait()
        self.open_gate()
        events = self.watch()
        expected = "begun\n" + "".join(f"{i}\n" for i in range(1, 40001))
        self.assertEqual(harness.log_of(events).decode(), expected)
        self.assertEqual([int(event["sequence"]) for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")
        self.ctl("fetch", self.build_id())
        self.assertEqual((self.src / "builddir/native/product").read_text(), "done\n")

    def test_two_builds_of_one_checkout_at_once(self):
        """One build at a time in a workspace: the second takes another, while the first runs, and both are right."""
        self.agent.stop()
        self.start_agent("--slots", "2")
        gates = [self.scratch / f"gate{i}" for i in range(2)]
        for gate in gates:
            os.mkfifo(gate)
        running = [self.begin("--out", self.scratch / f"out{i}", "--env", f"GATE={gate}") for i, gate in enumerate(gates)]
        workspaces = {harness.first(events, "started")["workspace"] for _, events in running}
        self.assertEqual(len(workspaces), 2, workspaces)
        for gate in gates:
            self.open_gate(gate)
        for i, (process, _) in enumerate(running):
            _, errors = process.communicate(timeout=harness.PATIENCE)
            self.assertEqual(process.returncode, 0, errors)
            self.assertEqual((self.scratch / f"out{i}/native/product").read_text(), "done\n")

    def test_a_detached_build_goes_on(self):
        result = self.ctl("submit", "--target", "native", "--detach")
        self.assertIn(self.build_id(), result.out)
        self.open_gate()
        self.assertEqual(self.watch()[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")

    def test_cancel_a_running_build(self):
        """Ended means ended: the outcome is cancelled, the client says so, no process is left."""
        process, _ = self.begin()
        self.ctl("cancel", self.build_id())
        process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(process.returncode, 4)
        left = subprocess.run(["pgrep", "-f", str(self.gate)], capture_output=True, text=True).stdout
        self.assertEqual(left, "")

    def test_cancel_a_queued_build(self):
        process, _ = self.begin()
        self.ctl("submit", "--target", "native", "--detach")
        queued = self.build_id()
        self.ctl("cancel", queued)
        self.assertEqual(self.ctl("watch", queued, "--output", "json", code=4).events[-1]["ended"]["outcome"], "OUTCOME_CANCELLED")
        self.open_gate()
        process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(process.returncode, 0)

    def test_cancel_an_ended_build_changes_nothing(self):
        process, _ = self.begin()
        self.open_gate()
        process.communicate(timeout=harness.PATIENCE)
        self.ctl("cancel", self.build_id(), code=None)
        self.assertEqual(self.watch()[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")

    def test_a_time_limit_is_an_outcome(self):
        result = self.submit("--timeout", "1s", code=5)
        self.assertEqual(result.events[-1]["ended"]["outcome"], "OUTCOME_TIMED_OUT")

    def test_a_killed_agent_runs_the_build_again(self):
        """Accepted is kept: kill -9, then a restart. The build runs again, its journal says so, the client goes on watching."""
        process, events = self.begin()
        self.agent.kill()
        self.agent.start()
        gate = threading.Thread(target=self.open_gate)
        gate.start()
        rest, error = process.communicate(timeout=harness.PATIENCE)
        gate.join()
        events += [json.loads(line) for line in rest.splitlines()]
        self.assertEqual(process.returncode, 0, error)
        self.assertEqual([int(event["sequence"]) for event in events], list(range(1, len(events) + 1)))
        self.assertIn("restarted", harness.first(events, "notice")["text"])
        self.assertEqual([event["started"].get("attempt") for event in events if "started" in event], [1, 2])

    def test_a_killed_agent_leaves_no_process(self):
        """Ended means ended, also for an agent that is killed: its launcher kills what it started."""
        self.begin()
        self.agent.kill()
        left = subprocess.run(["pgrep", "-f", str(self.gate)], capture_output=True, text=True).stdout.split()
        for pid in left:
            try:
                fd = os.pidfd_open(int(pid))
            except ProcessLookupError:
                continue
            ready, _, _ = select.select([fd], [], [], harness.PATIENCE)
            os.close(fd)
            self.assertTrue(ready, f"process {pid} outlived its agent")

    def test_a_queue_survives_a_restart(self):
        """Accepted is kept: what ran runs again first, what waited keeps its order."""
        process, _ = self.begin()
        ids = [self.build_id()]
        process.kill()
        process.wait()
        for _ in range(2):
            self.ctl("submit", "--target", "native", "--detach")
            ids.append(self.build_id())
        self.agent.kill()
        self.agent.start()
        for id in ids:
            self.open_gate()
            events = self.ctl("watch", id, "--output", "json").events
            self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")

    def test_twenty_watchers_see_the_same(self):
        process, _ = self.begin()
        id = self.build_id()
        watchers = [self.spawn("watch", id, "--output", "json") for _ in range(20)]
        self.open_gate()
        outs = [watcher.communicate(timeout=harness.PATIENCE)[0] for watcher in watchers]
        process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(len(set(outs)), 1)
        self.assertIn("ended", outs[0])

    def test_logs_prints_the_bytes_and_nothing_else(self):
        process, _ = self.begin()
        self.open_gate()
        process.communicate(timeout=harness.PATIENCE)
        expected = "begun\n" + "".join(f"{i}\n" for i in range(1, 40001))
        self.assertEqual(self.ctl("logs", self.build_id()).out, expected)


if __name__ == "__main__":
    harness.main()
