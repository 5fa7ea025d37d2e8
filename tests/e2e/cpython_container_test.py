"""The real CPython built by the real image: `agent up`, submit, run, from a machine whose own SDK plays no part."""

import os
import re
import shutil
import subprocess
import unittest

import cpython
import harness

# Made by the image's own test, which runs before this one.
IMAGE = "wasmagent:test"


def working_engine():
    for engine in ("podman", "docker"):
        if shutil.which(engine) and subprocess.run([engine, "image", "inspect", IMAGE], capture_output=True).returncode == 0:
            return engine
    return None


class CPythonInContainer(cpython.Case):
    kind = "container"
    version = "3.11"  # the image is the same everywhere

    def setUp(self):
        self.engine = working_engine()
        if not self.engine:
            raise unittest.SkipTest(f"no container engine works here, or it has no {IMAGE}: the image's own test says why")
        super().setUp()
        config = self.scratch / "config/wasmctl/config.yaml"
        config.parent.mkdir()
        config.write_text(f"image: {IMAGE}\nengine: {self.engine}\n")

    def test_a_container_builds_a_python_wasm_that_runs(self):
        """The checkout is mounted read-only at its own path, no file's content crosses the wire, what is built is the caller's."""
        self.assertIn("unix:", self.bare("agent", "up").out)
        mounts = subprocess.run([self.engine, "ps", "--filter", f"volume={self.src}", "--format", "{{.ID}}"], capture_output=True,
                                text=True, check=True).stdout.split()
        self.assertEqual(len(mounts), 1, mounts)
        mode = subprocess.run([self.engine, "inspect", "--format",
                               f'{{{{range .Mounts}}}}{{{{if eq .Destination "{self.src}"}}}}{{{{.RW}}}}{{{{end}}}}{{{{end}}}}', mounts[0]],
                              capture_output=True, text=True, check=True).stdout.strip()
        self.assertEqual(mode, "false")

        told = self.bare("submit", "--agent", "container", "--target", "wasi", "--output", "plain").err
        contents = {path.read_bytes() for path in self.src.rglob("*") if path.is_file() and "builddir" not in path.parts}
        read = int(re.search(r"(\d+) files read in place", told).group(1))
        self.assertEqual(read, len(contents - {b""}), "each content once")
        folders = sum(1 for _ in self.src.rglob("*") if _.is_dir())
        self.assertLessEqual(int(re.search(r"sent (\d+) blobs", told).group(1)), folders + 1, "only folders are sent")
        for path in (self.src / "builddir/wasi").rglob("*"):
            self.assertEqual(path.lstat().st_uid, os.getuid(), path)
        said = self.run_python("import sys, json; print(sys.platform, json.dumps([1 + 1]), sys.version)")
        self.assertEqual(said.split()[:2], ["wasi", "[2]"])
        self.runs_in_the_image()
        # Of the image's two WASI SDKs the one of CPython's time.
        self.assertIn("Clang 14.", said)

        _, logs = self.submit()
        self.assertEqual(cpython.compiled(logs["wasi"]), [])
        self.assertIn("equal", self.bare("verify", "--agent", "container").out)
        self.assertIn("running at", self.bare("agent", "status").out)
        refused = self.bare("--image", "another:1", "submit", "--target", "wasi", code=2).err
        self.assertIn(f"runs {IMAGE} in {self.engine}, and not another:1", refused)
        self.emscripten_builds_run()
        self.bare("agent", "down")
        self.assertNotIn("running at", self.bare("agent", "status", code=1).out)

    def runs_in_the_image(self):
        """What is run there has its stdin, its exit code and the runtime that is asked for; without a runtime here it goes there by itself."""
        piped = self.bare("run", "--in-image", "--target", "wasi", "--", "-", stdin="print(1 + 1)\nraise SystemExit(7)\n", code=7)
        self.assertEqual(piped.out, "2\n")
        # Slow, for it interprets: nothing is imported that it can do without.
        asked = self.bare("run", "--in-image", "--runtime", "wasmedge", "--target", "wasi", "--", "-S", "-c", "print(6 * 7)")
        self.assertEqual(asked.out, "42\n")
        programs = self.scratch / "programs"
        programs.mkdir()
        (programs / self.engine).symlink_to(shutil.which(self.engine))
        alone = self.bare("run", "--target", "wasi", "--", "-c", "print(6 * 7)", env=self.env | {"PATH": str(programs)})
        self.assertEqual(alone.out, "42\n")
        self.assertIn("it runs in the agent's image", alone.err)

    def emscripten_builds_run(self):
        """The other kinds of targets, side by side; the interpreter that they need is there."""
        self.bare("submit", "--agent", "container", "--target", "emscripten-node", "--target", "emscripten-browser", "--output", "plain")
        said = self.bare("run", "--target", "emscripten-node", "--", "-c",
                         "import sys, zlib, bz2, sqlite3; print(sys.platform, zlib.decompress(zlib.compress(b'ok')).decode())").out
        self.assertEqual(said.split(), ["emscripten", "ok"])
        with self.subTest("emscripten-browser"):  # where there is no browser, this alone is skipped
            self.open_page("emscripten-browser")


if __name__ == "__main__":
    harness.main()
