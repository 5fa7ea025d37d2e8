"""Every target of CPython 3.11, built in the image without a network, and its product run. Prints a line for each."""

import json
import subprocess
import time
import unittest

import browser
import cpython
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


class Matrix(cpython.Case):
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

    def submit_target(self, target, *args, code=0):
        began = time.monotonic()
        result = self.bare("submit", "--agent", self.address, "--target", target, "--output", "json", *args, code=code)
        return result, time.monotonic() - began

    def run_product(self, target, code):
        """Runs it where the image's runtimes are, as `wasmctl run` does it there."""
        ran = subprocess.run([self.engine, "exec", "--workdir", self.src, self.name, "wasmctl", "run", "--target", target, "--", "-c",
                              code], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, f"{target}\n{ran.stdout}{ran.stderr}")
        return ran.stdout.split()

    def open_page(self, target):
        with subprocess.Popen([harness.WASMCTL, "serve", "--port", "0"], cwd=self.src, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            self.addCleanup(process.kill)
            site = process.stdout.readline().strip()
            found = browser.drive("tests/e2e/python_page.mjs", f"{site.rstrip('/')}/builddir/{target}/python.html")
            process.terminate()
        self.assertEqual(found, {"isolated": True, "sum": "2", "platform": "'emscripten'", "ports": "b'ok'"}, target)

    def test_every_target_is_built_and_its_product_runs(self):
        listed = json.loads(self.bare("targets", "--agent", self.address, "--output", "json").out)["targets"]
        broken = {target["name"] for target in listed if target.get("support") == "broken"}
        self.assertEqual({target["name"] for target in listed} - broken, set(PRODUCTS))
        for target, product in PRODUCTS.items():
            with self.subTest(target):
                _, seconds = self.submit_target(target)
                if product is None:
                    self.open_page(target)
                    ran = "Chromium: 1+1, sys.platform, crossOriginIsolated, ports"
                else:
                    self.assertEqual(self.run_product(target, product[0]), product[1])
                    ran = " ".join(product[1])
                print(f"| {target} | built in {seconds:.0f} s | {ran} |", flush=True)

    def test_what_is_broken_is_refused_before_anything_is_built(self):
        result, _ = self.submit_target("emscripten-node-dl-pthreads-debug", code=7)
        self.assertIn("is broken", result.err)
        result, _ = self.submit_target("emscripten-browser", "--test", code=7)
        self.assertIn("has no action 'test'", result.err)


if __name__ == "__main__":
    harness.main()
