"""A program on a terminal of its own, for tests that type and read there."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time

import harness


class OnTerminal:
    """A part of a test case: one program with a pseudo-terminal as its stdin, stdout and stderr, and as its controlling terminal."""

    def start_on_terminal(self, argv):
        main, side = pty.openpty()
        self.addCleanup(os.close, main)
        self.terminal, self.shown = main, b""
        self.process = subprocess.Popen([*map(str, argv)], cwd=self.src, env=dict(self.env, TERM="xterm"), stdin=side, stdout=side,
                                        stderr=side, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(side, termios.TIOCSCTTY, 0))
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
