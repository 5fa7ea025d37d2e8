"""A checkout of the real CPython, built by an agent that wasmctl starts itself."""

import base64
import os
import pathlib
import re
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


class Case(harness.Case):
    """A checkout of the distribution's CPython, and an agent that wasmctl starts itself: "embedded" or "container"."""

    kind = "embedded"

    def setUp(self):
        super().setUp()
        source = cpython_source()
        shutil.rmtree(self.src)
        shutil.copytree(source, self.src, symlinks=True)
        self.addCleanup(self.bare, "agent", "down", *(["--embedded"] if self.kind == "embedded" else []))

    def bare(self, *args, code=0):
        result = harness.Result(subprocess.run([harness.WASMCTL, *map(str, args)], cwd=self.src, env=self.env, text=True,
                                               stdin=subprocess.DEVNULL, capture_output=True, errors="replace"))
        if code is not None:
            self.assertEqual(result.code, code, f"{args}\n{result}")
        return result

    def submit(self):
        """Builds, and returns the events and the log of each target's make."""
        events = self.bare("submit", "--agent", self.kind, "--target", "wasi", "--output", "json").events
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
        return self.bare("run", "--target", "wasi", "--", "-c", code).out
