"""wasmctl on a real terminal: the live view, and what Ctrl-C asks."""

import re

import harness
import terminal
import waiting

CTRL_C = b"\x03"


class Terminal(terminal.OnTerminal, waiting.Case):
    """`wasmctl submit` on a terminal."""

    def submit_on_terminal(self):
        self.start_on_terminal(self.command("submit", "--target", "native"))

    def outcome(self):
        return self.watch(code=None)[-1]["ended"]["outcome"]

    def test_ctrl_c_asks_and_detaches(self):
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.press(CTRL_C)
        self.wait_for("detach (d)")
        self.press(b"d\n")
        self.assertEqual(self.end(), 0)
        self.assertIn(b"wasmctl watch ", self.shown)
        self.open_gate()
        self.assertEqual(self.outcome(), "OUTCOME_SUCCEEDED")

    def test_a_second_ctrl_c_cancels(self):
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.press(CTRL_C)
        self.wait_for("detach (d)")
        self.press(CTRL_C)
        self.assertEqual(self.end(), 4)
        self.assertEqual(self.outcome(), "OUTCOME_CANCELLED")

    def test_the_question_can_be_answered_with_cancel(self):
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.press(CTRL_C)
        self.wait_for("detach (d)")
        self.press(b"c\n")
        self.assertEqual(self.end(), 4)

    def test_a_watch_that_is_cut_off_is_no_success(self):
        """TERM leaves the build alone, and a script sees that the build's end was not seen."""
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.process.terminate()
        self.assertEqual(self.end(), 128 + 15)
        self.open_gate()
        self.assertEqual(self.outcome(), "OUTCOME_SUCCEEDED")

    def test_enter_goes_on_watching(self):
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.press(CTRL_C)
        self.wait_for("detach (d)")
        self.press(b"\n")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        self.assertIn(b"succeeded", self.shown)

    def test_no_color_means_no_color(self):
        """NO_COLOR is set for every test here: the live view moves the cursor, and colours nothing."""
        self.submit_on_terminal()
        self.wait_for("native/make")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        colours = [code for code in re.findall(rb"\x1b\[([0-9;]*)m", self.shown) if code not in (b"", b"0")]
        self.assertEqual(colours, [])


if __name__ == "__main__":
    harness.main()
