"""The programs that bench/run.py measures: an agent, a submit, rsync, commands typed by hand; and what a process holds in memory."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from event_times import seconds_of_steps, seconds_within_steps

PATIENCE = 7200  # seconds; the longest thing here is a cold build


class Failed(Exception):
    """Something that was to be measured did not work."""


class Agent:
    """A wasmagent with a state folder of its own, ended with its context.

    The folder stays until the whole run is over, as every copy does: ext4 passes over inodes that were deleted less than a minute
    or five ago, one by one, which makes each new file several times as dear, for us and for what we are compared with.
    """

    def __init__(self, options, scratch, loopback=False):
        self.state = tempfile.mkdtemp(prefix="state-", dir=scratch)
        self.address = f"127.0.0.1:{free_port()}" if loopback else f"unix:{self.state}/bench.sock"
        self.log = open(os.path.join(scratch, os.path.basename(self.state) + ".log"), "wb")
        self.process = subprocess.Popen(
            [options.agent, "--listen", self.address, "--state-directory", self.state],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.options = options

    def __enter__(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"the agent ended at once; see {self.log.name}")
            if subprocess.run([self.options.client, "--agent", self.address, "info"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return self
        raise Failed("the agent did not come up within 30 s")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Submit:
    """One `wasmctl submit --output json`, read as it comes."""

    def __init__(self, options, agent, checkout, target, *more):
        self.argv = [options.client, "--agent", agent.address, "submit", "--checkout", checkout, "--target", target,
                     "--output", "json", *more]
        self.first_step = None  # seconds from the start of the process to its first "stepStarted" line
        self.events = []

    def run(self, until_first_step=False):
        begin = time.perf_counter()
        process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for line in process.stdout:
            if self.first_step is None and b'"stepStarted"' in line:
                self.first_step = time.perf_counter() - begin
                if until_first_step:
                    break
            if b'"log"' not in line:
                self.events.append(json.loads(line))
        if until_first_step and self.first_step is not None:
            self._cancel(process)
        errors = process.stderr.read().decode(errors="replace")
        process.stdout.close()
        code = process.wait(PATIENCE)
        self.wall = time.perf_counter() - begin
        if self.first_step is None or (code != 0 and not until_first_step):
            raise Failed(f"{' '.join(self.argv)}: exit {code}\n{errors[-2000:]}")
        return self

    def seconds_of(self, target, name):
        """What a step took, as the agent measured it."""
        try:
            return seconds_of_steps(self.events)[target][name]
        except KeyError:
            raise Failed(f"{' '.join(self.argv)}: step {name} of {target} did not run") from None

    def seconds_outside_of_steps(self):
        """What was not the work of a step: scanning, sending, preparing, collecting, fetching."""
        return self.wall - seconds_within_steps(self.events)

    @staticmethod
    def _cancel(process):
        # Twice: detach is the answer to the first one.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            return
        process.send_signal(signal.SIGINT)
        for _ in process.stdout:
            pass


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def timed(argv, **more):
    begin = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return time.perf_counter() - begin


def rsync(source, destination):
    return timed(["rsync", "-a", "--delete", source.rstrip("/") + "/", destination])


def copy_tree(source, destination):
    timed(["cp", "-a", source.rstrip("/") + "/.", destination])


def lay_emscripten_cache(env):
    """The Emscripten cache that a plan's step names, where it is not there: of links to the SDK's libraries, as somebody who may not
    write the SDK would make one. Its own cache, frozen, would cost each link a third of a second, on the side by hand alone."""
    cache = env.get("EM_CACHE")
    if cache is None or os.path.isdir(cache):
        return
    of_sdk = subprocess.run(["em-config", "CACHE"], env={name: value for name, value in env.items() if name != "EM_CACHE"},
                            capture_output=True, text=True, check=True).stdout.strip()
    os.makedirs(cache)
    for name in ("sysroot", "sysroot_install.stamp"):
        os.symlink(os.path.join(of_sdk, name), os.path.join(cache, name))


def resident_bytes(process):
    """Resident size of a process, and what its launcher and supervisors (the same program, forked) hold for themselves."""
    total = memory_of(process, "Rss")
    for pid in children(process):
        with contextlib.suppress(OSError):
            if command_of(pid) == command_of(process):  # else a step's own
                total += memory_of(pid, "Private_Dirty") + memory_of(pid, "Private_Clean")
    return total


def memory_of(process, field):
    with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as file:
        found = re.search(rf"^{field}:\s+(\d+)", file.read(), re.M)
    return 1024 * int(found.group(1)) if found else 0  # a process that has ended and was not waited for yet holds nothing


def peak_bytes(process):
    """The most that a process has held resident since its start."""
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        return 1024 * int(re.search(r"^VmHWM:\s+(\d+)", file.read(), re.M).group(1))


def most_resident_bytes(process):
    """resident_bytes with the process's own peak: what it held while the tree arrived counts, too."""
    return resident_bytes(process) - memory_of(process, "Rss") + peak_bytes(process)


def children(process):
    with contextlib.suppress(OSError):
        found = []
        for task in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{task}/children") as file:
                for child in map(int, file.read().split()):
                    found += [child] + children(child)
        return found
    return []


def command_of(process):
    return os.readlink(f"/proc/{process}/exe")


def plan_steps(plan, folder):
    """The steps of a plan's JSON as argv, environment and folder, "$SRC" being `folder`."""

    def placed(text):
        return text.replace("$SRC", folder).replace("\x01SRC\x01", folder)

    steps = []
    for target in plan.get("targets", []):
        for step in target.get("steps", []):
            steps.append({
                "target": target["name"],
                "name": step["name"],
                "argv": [placed(argument) for argument in step["argv"]],
                "env": {name: placed(value) for name, value in step.get("env", {}).items()},
                "directory": os.path.join(folder, step.get("directory", "")),
            })
    if not steps:
        raise Failed("wasmctl plan told no steps")
    for step in steps:
        # The agent's folders for temporary files and caches are not there by hand; a by-hand build uses the caller's.
        step["env"].pop("TMPDIR", None)
    return steps


def step_of(steps, target, name):
    """The step of that name; not every target has each."""
    for step in steps:
        if (step["target"], step["name"]) == (target, name):
            return step
    raise Failed(f"{target} has no step {name}")
