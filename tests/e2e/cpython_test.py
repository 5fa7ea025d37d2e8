"""The real CPython, from a checkout to a python.wasm that runs, with the embedded agent and this machine's SDK."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import harness

SOURCE = pathlib.Path(os.environ["WASMAGENT_SOURCE"])


def cpython_source():
    """The distribution's own CPython source, fetched once."""
    fetched = subprocess.run([SOURCE / "dev", "source"], capture_output=True, text=True)
    if fetched.returncode != 0:
        raise unittest.SkipTest(f"no CPython source: {fetched.stderr.strip().splitlines()[-1:]}")
    return pathlib.Path(fetched.stdout.strip())


def compiled(log):
    """Objects that a log's compiler lines make."""
    return sorted(set(re.findall(r"-c \S+ -o (\S+\.o)", log)))


class CPython(harness.Case):
    def setUp(self):
        super().setUp()
        shutil.rmtree(self.src)
        shutil.copytree(cpython_source(), self.src, symlinks=True)
        self.addCleanup(self.embedded, "agent", "down")

    def embedded(self, *args, code=0):
        result = harness.Result(subprocess.run([harness.WASMCTL, *map(str, args)], cwd=self.src, env=self.env, text=True,
                                               stdin=subprocess.DEVNULL, capture_output=True, errors="replace"))
        if code is not None:
            self.assertEqual(result.code, code, f"{args}\n{result}")
        return result

    def submit(self):
        events = self.embedded("submit", "--agent", "embedded", "--target", "wasi", "--output", "json").events
        return events, harness.log_of(events).decode(errors="replace")

    def run_python(self, code):
        return self.embedded("run", "--target", "wasi", "--", "-c", code).out

    def by_hand(self, tree):
        """Runs the plan's make of `wasi` in a copy of the workspace, as somebody would who types it, and returns its log."""
        plan = json.loads(self.embedded("plan", "--agent", "embedded", "--target", "wasi", "--output", "json").out)
        step = next(step for target in plan["targets"] if target["name"] == "wasi" for step in target["steps"] if step["name"] == "make")
        env = {name: value.replace("$SRC", str(tree)) for name, value in step["env"].items()}
        env["TMPDIR"] = env["HOME"] = "/tmp"
        argv = [word.replace("$SRC", str(tree)) for word in step["argv"]]
        made = subprocess.run(argv, cwd=tree / step["directory"], env=env, capture_output=True, text=True, errors="replace")
        self.assertEqual(made.returncode, 0, f"{shlex.join(argv)}\n{made.stderr[-2000:]}")
        return made.stdout

    def stripped(self, wasm):
        """The program without debug information, which names the folder it was built in."""
        sdk = next((self.scratch / "cache/wasmagent/toolchains").glob("wasi-sdk-*"))
        out = self.scratch / "stripped.wasm"
        subprocess.run([sdk / "bin/strip", "-o", out, wasm], check=True)
        return out.read_bytes()

    def test_from_checkout_to_a_python_wasm_that_runs(self):
        # Cold: the whole path.
        events, _ = self.submit()
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")
        said = self.run_python("import sys, json; print(sys.platform, json.dumps([1 + 1]))")
        self.assertEqual(said.split(), ["wasi", "[2]"])
        self.assertEqual(self.embedded("run", "--target", "wasi", "--", "-c", "raise SystemExit(7)", code=None).code, 7)
        self.embedded("verify", "--agent", "embedded")

        # Again: configure is skipped and says why, nothing is compiled.
        events, log = self.submit()
        ends = [event["stepEnded"] for event in events if "stepEnded" in event]
        self.assertEqual([bool(end.get("skipped")) for end in ends], [True, True, True, False])
        self.assertIn("built already", ends[0]["reason"])
        self.assertIn("configured already", ends[2]["reason"])
        self.assertEqual(compiled(log), [])

        # Edits of a file and of a header, and the way back: the same objects as make by hand, and the same program.
        workspace = next((self.scratch / "cache/wasmagent/workspaces").glob("ws-*"))
        tree = self.scratch / "by-hand"
        shutil.copytree(workspace / "src", tree, symlinks=True)
        original = (self.src / "Objects/listobject.c").read_text()
        edits = [("Objects/listobject.c", original.replace("list index out of range", "list index out of reach")),
                 ("Include/internal/pycore_list.h", (self.src / "Include/internal/pycore_list.h").read_text() + "\n/* edited */\n"),
                 ("Objects/listobject.c", original)]
        for path, text in edits:
            (self.src / path).write_text(text)
            (tree / path).write_text(text)
            _, log = self.submit()
            here = compiled(log)
            self.assertTrue(here, path)
            self.assertEqual([name for name in here if "wasi" not in name], compiled(self.by_hand(tree)), path)
            self.assertEqual(self.stripped(self.src / "builddir/wasi/python.wasm"),
                             self.stripped(tree / "builddir/wasi/python.wasm"), path)
        self.assertIn("out of range", self.run_python("try: [][1]\nexcept IndexError as error: print(error)"))


if __name__ == "__main__":
    harness.main()
