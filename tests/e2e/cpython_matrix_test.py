"""Every target of CPython, built in the image without a network, and its product run. Prints a row of tests/MATRIX.md for each."""

import json
import os
import re
import shlex
import subprocess
import time
import unittest

import cpython
import event_times
import harness
from cpython_container_test import IMAGE, working_engine

# What each product says of itself. Those for browsers are run by one.
NODE = "import sys, zlib, bz2, sqlite3; print(sys.platform, zlib.decompress(zlib.compress(b'ok')).decode(), sys.maxsize)"
WASI = "import sys, json; print(sys.platform, json.loads('\"ok\"'), sys.maxsize)"
BUILD = "import sys, zlib; print(sys.platform, 'ok', sys.maxsize)"
# Loaded while it runs, and a thread.
DL = NODE + "; import xxlimited; print(xxlimited.foo(2, 3))"
THREADS = NODE + "; import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()"
SMALL, LARGE = str(2**31 - 1), str(2**63 - 1)
PRODUCTS = {
    "build": (BUILD, ["linux", "ok", LARGE]),
    "build-debug": (BUILD, ["linux", "ok", LARGE]),
    "wasi": (WASI, ["wasi", "ok", SMALL]),
    "wasi-debug": (WASI, ["wasi", "ok", SMALL]),
    "emscripten-browser": None,
    "emscripten-browser-debug": None,
    "emscripten-node": (NODE, ["emscripten", "ok", SMALL]),
    "emscripten-node-debug": (NODE, ["emscripten", "ok", SMALL]),
    "emscripten-node-dl": (DL, ["emscripten", "ok", SMALL, "5"]),
    "emscripten-node-dl-debug": (DL, ["emscripten", "ok", SMALL, "5"]),
    "emscripten-node-pthreads": (THREADS, ["emscripten", "ok", SMALL, "thread"]),
    "emscripten-node-pthreads-debug": (THREADS, ["emscripten", "ok", SMALL, "thread"]),
    "wasm64-emscripten-node-debug": (NODE, ["emscripten", "ok", LARGE]),
}


class InImage(cpython.Case):
    def setUp(self):
        self.engine = working_engine()
        if not self.engine:
            raise unittest.SkipTest(f"no container engine works here, or it has no {IMAGE}: the image's own test says why")
        super().setUp()
        sockets = self.scratch / "sockets"
        sockets.mkdir(mode=0o777)
        sockets.chmod(0o1777)
        self.scratch.chmod(0o755)
        self.name = f"wasmagent-matrix-{self.scratch.name}"
        # The products for node are run in the image too: 64-bit ones want its node.
        subprocess.run([self.engine, "run", "--detach", "--name", self.name, "--network", "none", "--volume",
                        f"{sockets}:/run/wasmagent", "--volume", f"{self.src}:{self.src}", IMAGE], check=True, capture_output=True)
        self.addCleanup(subprocess.run, [self.engine, "rm", "--force", "--volumes", self.name], capture_output=True)
        self.address = f"unix:{sockets}/agent.sock"
        # It looks for its toolchains first.
        deadline = time.monotonic() + harness.PATIENCE
        while self.bare("info", "--agent", self.address, code=None).code != 0:
            self.assertLess(time.monotonic(), deadline, "the agent in the container does not answer")

    def submit_targets(self, targets, *args, code=0):
        return self.bare("submit", "--agent", self.address, *(f"--target={target}" for target in targets), "--output", "json", *args,
                         code=code)

    def exec(self, *words, folder=None, env=None):
        """Runs a command in the container, as its user."""
        options = [word for name, value in (env or {}).items() for word in ("--env", f"{name}={value}")]
        return subprocess.run([self.engine, "exec", *options, "--workdir", folder or self.src, self.name, *words], capture_output=True,
                              text=True, errors="replace")

    def run_product(self, target, code, *options):
        """Runs it where the image's runtimes are, as `wasmctl run` does it there."""
        ran = self.exec("wasmctl", "run", "--target", target, *options, "--", "-c", code)
        self.assertEqual(ran.returncode, 0, f"{target}\n{ran.stdout}{ran.stderr}")
        return ran.stdout.split()

    def tests_run(self, target, words):
        """A part of CPython's own tests on a target where something of it could be missing: wide pointers, threads, other processes."""
        results = harness.first(self.submit_targets([target], "--test", words).events, "testResults")
        self.assertEqual(results.get("failed", "0"), "0", results)
        self.assertGreater(int(results["tests"]), 0)
        print(f"| `{target}` | --test {words} | {results['tests']} tests |", flush=True)

    def build_and_run(self, products):
        """All that the agent lists. A target and its -debug variant side by side: each pair is a build, so that one that fails costs no other."""
        listed = json.loads(self.bare("targets", "--agent", self.address, "--output", "json").out)["targets"]
        broken = {target["name"] for target in listed if target.get("support") == "broken"}
        self.assertEqual({target["name"] for target in listed} - broken, set(products))
        pairs = {}
        for target in products:
            pairs.setdefault(target.removesuffix("-debug"), []).append(target)
        for targets in pairs.values():
            with self.subTest(" ".join(targets)):
                os.sync()  # what others have written, the copy of the source above all, is not the submit's to flush
                begin = time.monotonic()
                events = self.submit_targets(targets).events
                took = time.monotonic() - begin
                times = event_times.seconds_of_steps(events)
                for target in targets:
                    self.check_product(target, products[target], times[target])
                outside = took - event_times.seconds_within_steps(events)
                names = ", ".join(f"`{target}`" for target in targets)
                print(f"| {names} | {took:.0f} s | {outside:.2f} s, {100 * outside / took:.2f} % |", flush=True)

    def check_product(self, target, product, times):
        if product is None:
            self.open_page(target)
            ran_in = "Chromium, served by `wasmctl serve`"
            said = "`1+1` is 2, `sys.platform` is `emscripten`, `crossOriginIsolated` is true; zlib, bz2, sqlite3"
        else:
            code, expected = product
            self.assertEqual(self.run_product(target, code), expected)
            if target == "wasi":  # another runtime than the first
                self.assertEqual(self.run_product(target, "print(6 * 7)", "--runtime", "wasmedge"), ["42"])
            ran_in, said = self.ran_in(target, expected[0]), f"`{' '.join(expected)}`"
        cells = [f"`{target}`", *(f"{times[step]:.0f} s" if step in times else "" for step in ("configure", "make")), ran_in, said]
        print(f"| {' | '.join(cells)} |", flush=True)

    def ran_in(self, target, platform):
        """What ran a product in the image, asked of what knows it: Emscripten's products, and `wasmctl doctor` for those of WASI."""
        if platform == "emscripten":
            runtime = " ".join(self.run_product(target, "import sys; print(sys._emscripten_info.runtime)"))
            return re.sub(r"Node\.js[ /]v?(\d+).*", r"node \1", runtime)
        if platform == "wasi":
            program = re.search(r"programs for WASI run with (\S+)", self.exec("wasmctl", "doctor").stdout)[1]
            name, version = os.path.basename(program), re.search(r"\d+", self.exec(program, "--version").stdout)[0]
            return f"{name} {version}{' (`node:wasi`)' if name == 'node' else ''}"
        return "the image"


class CPython311(InImage):
    version = "3.11"

    def test_every_target_of_311_is_built_and_its_product_runs(self):
        self.build_and_run(PRODUCTS)
        with self.subTest("emscripten-node --test"):
            self.tests_come_out_as_by_hand("emscripten-node")
        for target, words in {"build": "test_list", "emscripten-node-dl": "test_json", "emscripten-node-pthreads": "test_threading",
                              "wasm64-emscripten-node-debug": "test_json"}.items():
            with self.subTest(f"{target} --test"):
                self.tests_run(target, words)
        with self.subTest("--pythoninfo"):
            told = self.submit_targets(["emscripten-node"], "--pythoninfo").events
            self.assertIn(b"sys.platform: emscripten", harness.log_of(told))
        with self.subTest("emscripten-browser-debug, its sources"):
            self.sources_are_found("emscripten-browser-debug")

    def tests_come_out_as_by_hand(self, target):
        """A part of CPython's own tests through --test, and by the same command typed into the container."""
        words = "test_json test_list test_dict test_zlib test_sqlite3"
        results = harness.first(self.submit_targets([target], "--test", words).events, "testResults")
        self.assertEqual(results.get("failed", "0"), "0", results)
        ours = cpython.outcomes((self.src / f"builddir/{target}/test-results.xml").read_text())
        self.assertEqual(sum(ours.values()), int(results["tests"]))
        tree = self.exec("sh", "-c", f"ls -d /var/lib/wasmagent/workspaces/ws-*/src/builddir/{target}").stdout.split()[0]
        step = self.steps_by_hand(self.address, target, tree.removesuffix(f"/builddir/{target}"), "--test", words)[-1]
        argv = [re.sub(r"--junit-xml \S+", "--junit-xml /tmp/by-hand.xml", word) for word in step["argv"]]
        made = self.exec(*argv, folder=step["directory"], env=step["env"] | {"TMPDIR": "/tmp", "HOME": "/tmp"})
        self.assertEqual(made.returncode, 0, f"{shlex.join(argv)}\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
        self.assertEqual(cpython.outcomes(self.exec("cat", "/tmp/by-hand.xml").stdout), ours)
        print(f"| `{target}` | --test {words} | as by hand: {ours} |", flush=True)

    def test_what_is_broken_is_refused_before_anything_is_built(self):
        result = self.submit_targets(["emscripten-node-dl-pthreads-debug"], code=7)
        self.assertIn("is broken", result.err)
        result = self.submit_targets(["emscripten-browser"], "--test", code=7)
        self.assertIn("has no action 'test'", result.err)


class CPython313(InImage):
    version = "3.13"

    def test_every_target_of_313_is_built_and_its_product_runs(self):
        self.build_and_run(PRODUCTS)


if __name__ == "__main__":
    harness.main()
