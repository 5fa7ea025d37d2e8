"""The real CPython, from a checkout to a python.wasm that runs, with the embedded agent and this machine's SDK."""

import shlex
import subprocess

import cpython
import harness
import terminal


class CPython(terminal.OnTerminal, cpython.Case):
    def by_hand(self, tree):
        """Runs the plan's makes in a copy of the workspace, as somebody would who types them, and returns their logs."""
        logs = {}
        for step in self.steps_by_hand(self.kind, "wasi", tree):
            if step["name"] != "make":
                continue
            made = subprocess.run(step["argv"], cwd=step["directory"], env=step["env"] | {"TMPDIR": "/tmp", "HOME": "/tmp"},
                                  capture_output=True, text=True, errors="replace")
            self.assertEqual(made.returncode, 0, f"{shlex.join(step['argv'])}\n{made.stderr[-2000:]}")
            logs[step["target"]] = made.stdout
        return logs

    def tests_come_out_as_by_hand(self):
        """A part of CPython's own tests through --test: what ran, what was skipped, and the report beside the product."""
        words = "test_json test_list test_dict test_posixpath"
        events = self.bare("submit", "--agent", self.kind, "--target", "wasi", "--output", "json", "--test", words).events
        results = harness.first(events, "testResults")
        self.assertEqual(results.get("failed", "0"), "0", results)
        ours = cpython.outcomes((self.src / "builddir/wasi/test-results.xml").read_text())
        self.assertEqual(sum(ours.values()), int(results["tests"]))
        self.assertGreater(ours["passed"], 300)
        step = self.steps_by_hand(self.kind, "wasi", self.scratch / "by-hand", "--test", words)[-1]
        (self.scratch / "tmp").mkdir()
        subprocess.run(step["argv"], cwd=step["directory"], env=step["env"], capture_output=True, check=True)
        self.assertEqual(cpython.outcomes((self.scratch / "tmp/test-results-wasi.xml").read_text()), ours)
        # The program that they ran tells of itself.
        told = self.bare("submit", "--agent", self.kind, "--target", "wasi", "--output", "plain", "--pythoninfo")
        self.assertIn("sys.platform: wasi", told.out + told.err)

    def test_from_checkout_to_a_python_wasm_that_runs(self):
        """Cold, the whole path; then again, where nothing is compiled and every skipped step says why; then edits."""
        _, logs = self.submit()
        self.assertIn("Objects/listobject.o", cpython.compiled(logs["wasi"]))
        said = self.run_python("import sys, json; print(sys.platform, json.dumps([1 + 1]))")
        self.assertEqual(said.split(), ["wasi", "[2]"])
        self.assertEqual(self.bare("run", "--target", "wasi", "--", "-c", "raise SystemExit(7)", code=None).code, 7)
        piped = self.bare("run", "--target", "wasi", "--", "-", stdin="import sys\nprint(1 + 1)\nsys.exit('no')\n", code=1)
        self.assertEqual((piped.out, piped.err), ("2\n", "no\n"))
        self.has_a_prompt()
        self.bare("verify", "--agent", self.kind)

        events, logs = self.submit()
        ends = [event["stepEnded"] for event in events if "stepEnded" in event]
        self.assertEqual([bool(end.get("skipped")) for end in ends], [True, True, True, False])
        self.assertIn("built already", ends[0]["reason"])
        self.assertIn("configured already", ends[2]["reason"])
        self.assertEqual(cpython.compiled(logs["wasi"]), [])

        self.edits_rebuild_what_make_by_hand_would()
        self.tests_come_out_as_by_hand()

    def has_a_prompt(self):
        """Without arguments, on a terminal: Python's own prompt."""
        self.start_on_terminal([harness.WASMCTL, "run", "--target", "wasi"])
        self.wait_for(">>> ")
        self.press(b"print(6 * 7)\n")
        self.wait_for("42")
        self.press(b"raise SystemExit(3)\n")
        self.assertEqual(self.end(), 3)

    def edits_rebuild_what_make_by_hand_would(self):
        """A file, a header, and the way back: the same objects as make by hand, byte for byte."""
        workspace = next((self.scratch / "cache/wasmagent/workspaces").glob("ws-*"))
        tree = self.scratch / "by-hand"
        subprocess.run(["cp", "-a", workspace / "src", tree], check=True)
        source, header = "Objects/listobject.c", "Include/internal/pycore_list.h"
        original = (self.src / source).read_text()
        edits = [(source, original.replace("pop from empty list", "pop from an empty list")),
                 (header, (self.src / header).read_text() + "\n/* edited */\n"),
                 (source, original)]
        for path, text in edits:
            for root in (self.src, tree):
                (root / path).write_text(text)
            _, logs = self.submit()
            hand = self.by_hand(tree)
            for target in ("build", "wasi"):
                self.assertEqual(cpython.compiled(logs[target]), cpython.compiled(hand[target]), (path, target))
            self.assertIn("Objects/listobject.o", cpython.compiled(logs["wasi"]))
            # The program itself holds the time of its build (getbuildinfo.c); the object that the edit made does not. Nor does it
            # name its folder: in another workspace it is the same.
            made = "builddir/wasi/Objects/listobject.o"
            same = (workspace / "src" / made).read_bytes() == (tree / made).read_bytes()
            self.assertTrue(same, f"{path}: another object than by hand")
            # What was edited is what runs.
            pops = "pop from an empty list" if (self.src / source).read_text() != original else "pop from empty list"
            self.assertIn(pops, self.run_python("try: [].pop()\nexcept IndexError as error: print(error)"))


if __name__ == "__main__":
    harness.main()
