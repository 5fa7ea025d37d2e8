"""A real browser on what `wasmctl serve` serves: what CPython's page, and every program with threads, needs of it."""

import functools
import http.server
import subprocess
import threading

import browser
import harness

# A module that exports add(a, b), as wat2wasm makes it of (func (export "add") (param i32 i32) (result i32) ...).
WASM = bytes.fromhex("0061736d01000000" "0107016002" "7f7f017f" "03020100" "0707010361646400" "00" "0a09010700200020016a0b")

# Runs each part, and says what came of it instead of failing: a page that is not isolated lacks some of them.
PAGE = """\
<!DOCTYPE html>
<title>isolation</title>
<script type="module">
  import { attempt } from './attempt.mjs';
  window.found = {
    isolated: crossOriginIsolated,
    streamed: await attempt(async () =>
      (await WebAssembly.instantiateStreaming(fetch('add.wasm'))).instance.exports.add(40, 2)),
    shared: await attempt(() => new Promise((resolve, reject) => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      if (!(memory.buffer instanceof SharedArrayBuffer)) reject(new Error('not shared'));
      const worker = new Worker('worker.js');
      worker.onerror = (event) => reject(new Error(event.message ?? 'the worker does not start'));
      worker.onmessage = () => resolve(Atomics.load(new Int32Array(memory.buffer), 0));
      worker.postMessage(memory);
    })),
  };
</script>
"""
ATTEMPT = "export const attempt = async (part) => { try { return await part(); } catch (error) { return String(error); } };\n"
WORKER = "onmessage = ({ data }) => { Atomics.store(new Int32Array(data.buffer), 0, 7); postMessage('done'); };\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class ServeBrowser(harness.Case):
    def setUp(self):
        super().setUp()
        for name, text in {"page.html": PAGE, "attempt.mjs": ATTEMPT, "worker.js": WORKER}.items():
            self.write(f"builddir/emscripten-browser/{name}", text)
        (self.src / "builddir/emscripten-browser/add.wasm").write_bytes(WASM)

    def test_a_page_is_isolated_and_has_threads(self):
        with subprocess.Popen([harness.WASMCTL, "serve", "--port", "0"], cwd=self.src, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            self.addCleanup(process.kill)
            process.stdout.readline()  # the site itself
            found = browser.drive("tests/e2e/isolated_page.mjs", process.stdout.readline().strip())
            process.terminate()
        self.assertEqual(found, {"status": 200, "isolated": True, "streamed": 42, "shared": 7})

    def test_the_page_tells_an_ordinary_server_apart(self):
        """Python's own server sends no such headers: a check of what the test above can see."""
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.src)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.shutdown)
            found = browser.drive("tests/e2e/isolated_page.mjs",
                                  f"http://127.0.0.1:{server.server_port}/builddir/emscripten-browser/page.html")
        self.assertEqual((found["status"], found["isolated"]), (200, False))
        self.assertIn("Error", str(found["shared"]))


if __name__ == "__main__":
    harness.main()
