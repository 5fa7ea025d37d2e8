"""The real agent and the real client, for tests that drive them from outside.

Binaries come from the environment (WASMAGENT, WASMCTL), which ctest sets. Each test gets folders of its own. A test file ends with
harness.main(): the exit code is 77 when every test in the run was skipped, so that ctest reports a skip as one."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

WASMAGENT = os.environ.get("WASMAGENT", "")
WASMCTL = os.environ.get("WASMCTL", "")
# Nothing here may take longer; a hang is a failure with a name.
PATIENCE = 120


class Agent:
    """One agent with its state folder; it can be killed and started again on the same state."""

    def __init__(self, folder, *flags, env=None):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.socket = self.folder / "agent.sock"
        self.address = f"unix:{self.socket}"
        self.flags = flags
        self.env = env
        self.process = None
        self.copying = None

    def start(self):
        self.process = subprocess.Popen(
            [WASMAGENT, "--listen", self.address, "--state-directory", str(self.state), "--min-free-bytes", "1", *self.flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env)
        log = open(self.folder / "agent.log", "ab", buffering=0)
        # The agent says that it listens when it does.
        for line in self.process.stdout:
            log.write(line)
            if b" listens on " in line:
                self.copying = threading.Thread(target=self._copy, args=(self.process.stdout, log), daemon=True)
                self.copying.start()
                return self
        log.close()
        self.process.stdout.close()
        raise AssertionError(f"the agent ended with {self.process.wait(PATIENCE)}:\n{self.log()}")

    @staticmethod
    def _copy(lines, log):
        with lines, log:
            for line in lines:
                log.write(line)

    def log(self):
        return (self.folder / "agent.log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self._wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self._wait()
        return self.process.returncode if self.process else None

    def _wait(self):
        self.process.wait(PATIENCE)
        self.copying.join(PATIENCE)  # then the log is whole


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def events(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}"


class Case(unittest.TestCase):
    """A test with a scratch folder, an agent and a client that cannot see the user's own configuration."""

    agent_flags = ()

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="wasmagent-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "WASMCTL", "WASMAGENT_"))}
        self.env.update(HOME=str(self.scratch / "home"), XDG_CACHE_HOME=str(self.scratch / "cache"),
                        XDG_CONFIG_HOME=str(self.scratch / "config"), XDG_RUNTIME_DIR=str(self.scratch / "run"), NO_COLOR="1")
        for name in ("home", "cache", "config", "run", "agent", "src"):
            (self.scratch / name).mkdir(mode=0o700)
        self.src = self.scratch / "src"

    def start_agent(self, *flags):
        self.agent = Agent(self.scratch / "agent", *self.agent_flags, *flags, env=self.env).start()
        self.addCleanup(self.agent.stop)
        return self.agent

    def command(self, *args):
        return [WASMCTL, args[0], "--agent", self.agent.address, *map(str, args[1:])]

    def ctl(self, *args, code=0, cwd=None, timeout=PATIENCE):
        """Runs wasmctl; code=None accepts any exit code."""
        result = Result(subprocess.run(self.command(*args), cwd=cwd or self.src, env=self.env, stdin=subprocess.DEVNULL,
                                       capture_output=True, text=True, errors="surrogateescape", timeout=timeout))
        if code is not None:
            self.assertEqual(result.code, code, f"{args}\n{result}\n--- agent\n{self.agent.log()[-4000:]}")
        return result

    def submit(self, *args, target="native", code=0, **rest):
        return self.ctl("submit", "--target", target, "--output", "json", *args, code=code, **rest)

    def spawn(self, *args):
        process = subprocess.Popen(self.command(*args), cwd=self.src, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def write(self, path, text, mode=None):
        file = self.src / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if mode is not None:
            file.chmod(mode)
        return file


def log_of(events):
    """The log's bytes, put together from events, with their offsets checked."""
    import base64
    log = b""
    for event in events:
        if "log" in event:
            assert int(event["log"].get("offset", 0)) == len(log), event
            log += base64.b64decode(event["log"].get("data", ""))
    return log


def first(events, kind):
    return next(event[kind] for event in events if kind in event)


def main():
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    for test, reason in result.skipped:
        print(f"SKIPPED {test}: {reason}")
    if not result.wasSuccessful():
        sys.exit(1)
    whole = [test for test, _ in result.skipped if not hasattr(test, "test_case")]  # a subtest has that of its test
    sys.exit(77 if result.testsRun and len(whole) == result.testsRun else 0)
