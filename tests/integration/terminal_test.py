"""wasmctl on a real terminal: the live view, and what Ctrl-C asks."""

import os
import pty
import re
import select
import subprocess
import time

import harness
import waiting

CTRL_C = b"\x03"


class Terminal(waiting.Case):
    """`wasmctl submit` with a pseudo-terminal as its stdin, stdout and stderr, and as its controlling terminal."""

    def submit_on_terminal(self):
        main, side = pty.openpty()
        self.addCleanup(os.close, main)
        self.terminal, self.shown = main, b""
        self.process = subprocess.Popen(self.command("submit", "--target", "native"), cwd=self.src, env=dict(self.env, TERM="xterm"),
                                        stdin=side, stdout=side, stderr=side, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(side, __import__("termios").TIOCSCTTY, 0))
        os.close(side)
        self.addCleanup(self.process.kill)

    def wait_for(self, text):
        """Reads the terminal until `text` has appeared since the last call; returns what came."""
        end = time.monotonic() + harness.PATIENCE
        seen = b""
        while text.encode() not in seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, f"'{text}' did not appear:\n{(self.shown + seen)[-4000:].decode(errors='replace')}")
            try:
                seen += os.read(self.terminal, 65536)
            except OSError:  # the other side is closed
                self.fail(f"ended without '{text}':\n{(self.shown + seen)[-4000:].decode(errors='replace')}")
        self.shown += seen
        return seen

    def press(self, keys):
        os.write(self.terminal, keys)

    def end(self):
        """Reads on to the end of the program, so that a full terminal does not hold it up."""
        with_eof = True
        while with_eof:
            try:
                piece = os.read(self.terminal, 65536)
                self.shown += piece
                with_eof = bool(piece)
            except OSError:
                with_eof = False
        return self.process.wait(harness.PATIENCE)

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
