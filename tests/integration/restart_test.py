"""What an agent that is stopped, started again, or cannot start does with builds that it has accepted."""

import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading

import harness
import waiting


def tree_of(pid):
    """The process and all below it."""
    pids = [pid]
    for parent in pids:
        for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                pids += map(int, children.read_text().split())
            except OSError:
                pass  # gone meanwhile
    return pids


class Restart(waiting.Case):
    def finish(self, process, events):
        """Lets the build go on and returns all its events."""
        gate = threading.Thread(target=self.open_gate, daemon=True)  # waits for good when the build has ended before
        gate.start()
        events += [json.loads(line) for line in process.stdout]
        error = process.stderr.read()
        self.assertEqual(process.wait(harness.PATIENCE), 0, f"{error}\n{self.agent.log()}")
        gate.join()
        self.assertEqual([int(event["sequence"]) for event in events], list(range(1, len(events) + 1)))
        return events

    def attempts(self, events):
        return [event["started"].get("attempt") for event in events if "started" in event]

    def signal_all(self, order):
        """TERM for the agent and every process that it started, as systemd and a shutdown do it, in the order of `order`."""
        for pid in order(tree_of(self.agent.process.pid)):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self.assertEqual(self.agent.process.wait(harness.PATIENCE), 0, self.agent.log())

    def test_a_signal_for_all_processes_ends_no_build(self):
        """Accepted is kept: the steps die of the signal before the agent has stopped them, and the build runs again all the same."""
        for order in (list, lambda pids: reversed(pids)):
            process, events = self.begin()
            self.signal_all(order)
            self.agent.start()
            events = self.finish(process, events)
            self.assertIn("restarted", harness.first(events, "notice")["text"])
            # An orderly stop is nothing that the build has done.
            self.assertEqual(self.attempts(events), [1, 1])

    def test_many_orderly_stops_end_no_build(self):
        """Only attempts that took the agent down count."""
        process, events = self.begin()
        for _ in range(4):
            self.agent.stop()
            self.agent.start()
        events = self.finish(process, events)
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")

    def test_a_dead_launcher_ends_the_agent_and_no_build(self):
        """Accepted is kept: nothing can run without the launcher, so the agent says so and ends, and the next one runs what is left."""
        process, events = self.begin()
        self.ctl("submit", "--target", "native", "--detach")
        queued = self.build_id()
        launcher = tree_of(self.agent.process.pid)[1]
        os.kill(launcher, signal.SIGKILL)
        self.assertEqual(self.agent.process.wait(harness.PATIENCE), 1)
        self.assertIn("the launcher process died", self.agent.log())
        self.agent.start()
        events = self.finish(process, events)
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")
        # Whether the build had a hand in it is not known: the attempt counts.
        self.assertEqual(self.attempts(events), [1, 2])
        self.open_gate()
        self.assertEqual(self.ctl("watch", queued, "--output", "json").events[-1]["ended"]["outcome"], "OUTCOME_SUCCEEDED")

    def test_an_agent_that_cannot_listen_tries_no_build(self):
        """A taken port costs a build nothing, however often the agent is started."""
        process, events = self.begin()
        self.agent.kill()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for _ in range(3):
                start = subprocess.run(
                    [harness.WASMAGENT, "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--state-directory", self.agent.state,
                     "--min-free-bytes", "1"], env=self.env, capture_output=True, text=True, timeout=harness.PATIENCE)
                self.assertEqual(start.returncode, 1, start.stderr)
                self.assertIn("cannot listen", start.stderr)
        self.agent.start()
        self.assertEqual(self.attempts(self.finish(process, events)), [1, 2])


class Limits(harness.Case):
    def project(self, command):
        self.write("wasmbuild.yaml", f"""\
version: 1
targets:
  native:
    description: one command
    toolchain: native
    build_dir: .
    steps:
      - {{name: make, kind: make, argv: [sh, -c, "{command}"]}}
    artifacts: [product]
""")

    def test_the_agent_raises_its_soft_limit_of_open_files(self):
        """A login's soft limit is for programs that use select()."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.start_agent()
        limits = pathlib.Path(f"/proc/{self.agent.process.pid}/limits").read_text()
        now = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
        self.assertEqual(now[0], now[1])

    def test_a_step_writes_no_file_beyond_the_limit(self):
        self.project("head -c $SIZE /dev/zero > product")
        self.start_agent("--file-size-limit-bytes", str(1 << 20))
        self.submit("--env", f"SIZE={1 << 20}")
        self.submit("--env", f"SIZE={(1 << 20) + 1}", code=1)

    def test_a_step_has_the_limit_of_processes(self):
        self.project("ulimit -p > product")  # dash's letter for it
        self.start_agent("--process-limit", "12345")
        self.submit()
        self.assertEqual((self.src / "builddir/native/product").read_text().strip(), "12345")

    def test_slots_share_the_cpus(self):
        self.project("touch product")
        self.start_agent("--slots", "200")
        said = json.loads(self.ctl("info", "--output", "json").out)
        self.assertIn('"jobs": 1,', json.dumps(said) + ",")


if __name__ == "__main__":
    harness.main()
