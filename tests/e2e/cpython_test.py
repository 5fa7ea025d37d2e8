"""The real CPython, from a checkout to a python.wasm that runs, with the embedded agent and this machine's SDK."""

import base64
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
    """Objects that a log's compiler lines make; CPython's Makefile writes `-o OBJECT SOURCE` last."""
    return sorted(set(re.findall(r" -o (\S+\.o) \S+\.c$", log, re.MULTILINE)))


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
        """Builds, and returns the events and the log of each target's make."""
        events = self.embedded("submit", "--agent", "embedded", "--target", "wasi", "--output", "json").events
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")
        harness.log_of(events)  # checks that no byte is missing
        logs, steps = {"build": "", "wasi": ""}, {}
        for event in events:
            if "stepStarted" in event:
                steps[event["stepStarted"].get("step", 0)] = event["stepStarted"]
            if "log" in event and steps[event["log"].get("step", 0)]["name"] == "make":
                logs[steps[event["log"].get("step", 0)]["target"]] += base64.b64decode(event["log"]["data"]).decode(errors="replace")
        return events, logs

    def run_python(self, code):
        return self.embedded("run", "--target", "wasi", "--", "-c", code).out

    def by_hand(self, tree):
        """Runs the plan's makes in a copy of the workspace, as somebody would who types them, and returns their logs."""
        plan = json.loads(self.embedded("plan", "--agent", "embedded", "--target", "wasi", "--output", "json").out)
        logs = {}
        for target in plan["targets"]:
            step = next(step for step in target["steps"] if step["name"] == "make")
            env = {name: value.replace("$SRC", str(tree)) for name, value in step["env"].items()}
            env["TMPDIR"] = env["HOME"] = "/tmp"
            argv = [word.replace("$SRC", str(tree)) for word in step["argv"]]
            made = subprocess.run(argv, cwd=tree / step["directory"], env=env, capture_output=True, text=True, errors="replace")
            self.assertEqual(made.returncode, 0, f"{shlex.join(argv)}\n{made.stderr[-2000:]}")
            logs[target["name"]] = made.stdout
        return logs

    def stripped(self, wasm):
        """An object without debug information, which names the folder it was built in."""
        sdk = next((self.scratch / "cache/wasmagent/toolchains").glob("wasi-sdk-*"))
        out = self.scratch / "stripped.wasm"
        subprocess.run([sdk / "bin/strip", "-o", out, wasm], check=True)
        return out.read_bytes()

    def test_from_checkout_to_a_python_wasm_that_runs(self):
        """Cold, the whole path; then again, where nothing is compiled and every skipped step says why."""
        self.submit()
        said = self.run_python("import sys, json; print(sys.platform, json.dumps([1 + 1]))")
        self.assertEqual(said.split(), ["wasi", "[2]"])
        self.assertEqual(self.embedded("run", "--target", "wasi", "--", "-c", "raise SystemExit(7)", code=None).code, 7)
        self.embedded("verify", "--agent", "embedded")

        events, logs = self.submit()
        ends = [event["stepEnded"] for event in events if "stepEnded" in event]
        self.assertEqual([bool(end.get("skipped")) for end in ends], [True, True, True, False])
        self.assertIn("built already", ends[0]["reason"])
        self.assertIn("configured already", ends[2]["reason"])
        self.assertEqual(compiled(logs["wasi"]), [])

    def test_edits_rebuild_what_make_by_hand_would(self):
        """A file, a header, and the way back: the same objects as make by hand, byte for byte."""
        _, logs = self.submit()
        self.assertIn("Objects/listobject.o", compiled(logs["wasi"]))
        workspace = next((self.scratch / "cache/wasmagent/workspaces").glob("ws-*"))
        tree = self.scratch / "by-hand"
        subprocess.run(["cp", "-a", workspace / "src", tree], check=True)
        source, header = "Objects/listobject.c", "Include/internal/pycore_list.h"
        original = (self.src / source).read_text()
        edits = [(source, original.replace("list index out of range", "list index out of reach")),
                 (header, (self.src / header).read_text() + "\n/* edited */\n"),
                 (source, original)]
        for path, text in edits:
            for root in (self.src, tree):
                (root / path).write_text(text)
            _, logs = self.submit()
            hand = self.by_hand(tree)
            for target in ("build", "wasi"):
                self.assertEqual(compiled(logs[target]), compiled(hand[target]), (path, target))
            self.assertIn("Objects/listobject.o", compiled(logs["wasi"]))
            # The program itself holds the time of its build (getbuildinfo.c); the object that the edit made does not.
            made = "builddir/wasi/Objects/listobject.o"
            same = self.stripped(workspace / "src" / made) == self.stripped(tree / made)
            self.assertTrue(same, f"{path}: another object than by hand")
        self.assertIn("out of range", self.run_python("try: [][1]\nexcept IndexError as error: print(error)"))


if __name__ == "__main__":
    harness.main()
