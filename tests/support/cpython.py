"""A checkout of the real CPython, built by an agent that wasmctl starts itself."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import browser
import harness
from programs import plan_steps

SOURCE = pathlib.Path(os.environ["WASMAGENT_SOURCE"])


def cpython_source(version=None):
    """A CPython source of the distribution, fetched once: the one that is its own, or that version."""
    fetched = subprocess.run([SOURCE / "dev", "source", *([version] if version else [])], capture_output=True, text=True)
    if fetched.returncode != 0:
        raise unittest.SkipTest(f"no CPython source: {fetched.stderr.strip().splitlines()[-1:]}")
    return pathlib.Path(fetched.stdout.strip())


def compiled(log):
    """Objects that a log's compiler lines make; CPython's Makefile writes `-o OBJECT SOURCE` last."""
    return sorted(set(re.findall(r" -o (\S+\.o) \S+\.c$", log, re.MULTILINE)))


def outcomes(report):
    """How many tests a JUnit report, given as its text, holds of each outcome."""
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for case in xml.etree.ElementTree.fromstring(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        found["failed" if bad else "skipped" if case.find("skipped") is not None else "passed"] += 1
    return found


class Case(harness.Case):
    """A checkout of the distribution's CPython, and an agent that wasmctl starts itself: "embedded" or "container"."""

    kind = "embedded"
    version = None  # of CPython; None is the distribution's own

    def setUp(self):
        super().setUp()
        source = cpython_source(self.version)
        shutil.rmtree(self.src)
        shutil.copytree(source, self.src, symlinks=True)
        self.addCleanup(self.bare, "agent", "down", *(["--embedded"] if self.kind == "embedded" else []))

    def bare(self, *args, code=0, stdin="", env=None):
        result = harness.Result(subprocess.run([harness.WASMCTL, *map(str, args)], cwd=self.src, env=env or self.env, text=True,
                                               input=stdin, capture_output=True, errors="replace"))
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

    def steps_by_hand(self, agent, target, tree, *args):
        """What somebody would type in `tree` to have what a submit with these arguments does there: the steps of its plan."""
        plan = json.loads(self.bare("plan", "--agent", agent, "--target", target, "--output", "json", *args).out)
        return plan_steps(plan, str(tree))

    @contextlib.contextmanager
    def served(self):
        """`wasmctl serve` of the checkout: its address."""
        with subprocess.Popen([harness.WASMCTL, "serve", "--port", "0"], cwd=self.src, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()

    def sources_are_found(self, target):
        """What a browser's debugger does: from the source map of what is served to C files, which are those of the checkout."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with self.served() as site:
            source_map = urllib.parse.urljoin(site, f"builddir/{target}/python.wasm.map")
            sources = json.load(direct.open(source_map))["sources"]
            for name in ("Python/ceval.c", "Objects/listobject.c"):
                with direct.open(urllib.parse.urljoin(source_map, next(source for source in sources if source.endswith(name)))) as file:
                    self.assertEqual(file.read(), (self.src / name).read_bytes(), name)

    def open_page(self, target):
        """Has a browser open what `wasmctl serve` shows of a browser target, and checks what its REPL says."""
        with self.served() as site:
            found = browser.drive("tests/e2e/python_page.mjs", urllib.parse.urljoin(site, f"builddir/{target}/python.html"))
        self.assertEqual(found, {"isolated": True, "sum": "2", "platform": "'emscripten'", "ports": "b'ok'"}, target)
