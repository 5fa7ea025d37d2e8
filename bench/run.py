#!/usr/bin/env python3
"""Measures wasmagent against what one would do without it, and writes bench/RESULTS.md.

    bench/run.py --source DIR [--only NAME]... [--build DIR] [--repeat N] [--target T]

Every figure is a ratio (or a difference) of two things measured in the same run, one after the other in turn, so that the machine's
mood hits both alike; medians of at least five. Exits with 1 when a figure misses its bound beyond noise, 2 when nothing could
be measured. Noise: the standard error of a median, taken as 1.25 × the interquartile range / 1.35 / √n for each side, both added.

Needs: the release binaries, rsync, and what a build of the source needs. Python's standard library alone.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from report import Figure, table, write_results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATIENCE = 7200  # seconds; the longest thing here is a cold build


class Failed(Exception):
    """Something that was to be measured did not work."""


# ---------------------------------------------------------------- programs under measurement


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


# ---------------------------------------------------------------- what is measured


class Bench:
    def __init__(self, options, scratch, resources):
        self.options, self.scratch, self.resources = options, scratch, resources
        self.checkout = os.path.join(scratch, "checkout")
        self.warm = self.by_hand = None
        rsync(options.source, self.checkout)

    # Builds take minutes: what the cold builds leave behind serves those who measure warm ones, whichever comes first.

    def warm_agent(self):
        """An agent that has built the checkout."""
        if self.warm is None:
            self.build_cold()
        return self.warm

    def folder_by_hand(self):
        """A folder where the same commands have been run by hand, and these commands."""
        if self.by_hand is None:
            self.build_by_hand()
        return self.by_hand

    def build_cold(self):
        """Seconds that an agent takes from nothing; it becomes the warm one."""
        if self.warm is not None:
            self.resources.pop_all().close()
        self.warm = self.resources.enter_context(Agent(self.options, self.scratch))
        return self.submit(self.warm).run().wall

    def build_by_hand(self):
        """Seconds that the same commands take in a fresh copy of the source."""
        folder = self.fresh_folder()
        rsync(self.checkout, folder)
        self.by_hand = (folder, self.steps(folder))
        return sum(self.run_step(step) for step in self.by_hand[1])

    def fresh_folder(self):
        return tempfile.mkdtemp(prefix="copy-", dir=self.scratch)

    def submit(self, agent, *more):
        return Submit(self.options, agent, self.checkout, self.options.target, *more)

    def edited_file(self):
        for name in ("Modules/getbuildinfo.c", "Python/getcopyright.c", "README.rst", "README.md", "Makefile"):
            path = os.path.join(self.checkout, name)
            if os.path.isfile(path):
                return path
        raise Failed("found no file to edit in the source")

    # Both sync figures come from one loop: no change, one edit, rsync, in turn, in a workspace that was built once.
    def sync(self):
        copy = self.fresh_folder()
        rsync(self.checkout, copy)
        nothing, edit, theirs = [], [], []
        agent = self.warm_agent()
        path = self.edited_file()
        for turn in range(self.options.repeat + 1):
            theirs.append(rsync(self.checkout, copy))
            nothing.append(self.submit(agent).run().first_step)
            with open(path, "a", encoding="utf-8") as file:
                file.write("\n")
            edit.append(self.submit(agent).run().first_step)
            rsync(self.checkout, copy)
            if turn == 0:  # the caches' first touch belongs to nobody
                nothing.clear(), edit.clear(), theirs.clear()
        bound = statistics.median(theirs)
        return [
            Figure("no-change-submit", "no-change submit until the first step starts", nothing, theirs, bound, "1.0 ×",
                   "`rsync -a` without change"),
            Figure("one-edit-submit", "one file edited, until the first step starts", edit, theirs, bound + 0.020, "1.0 × + 20 ms",
                   "`rsync -a` without change"),
        ]

    def first_sync(self):
        ours, theirs = [], []
        for _ in range(self.options.repeat):
            copy = self.fresh_folder()
            os.sync()  # what others have written is not ours to flush: the agent flushes its disk, rsync does not
            theirs.append(rsync(self.checkout, copy))
            with Agent(self.options, self.scratch, loopback=True) as agent:
                os.sync()
                ours.append(self.submit(agent).run(until_first_step=True).first_step)
        return [Figure("first-sync", "first sync into an empty agent over loopback", ours, theirs,
                       1.5 * statistics.median(theirs), "1.5 ×", "`rsync -a` into an empty folder")]

    def no_change_build(self):
        _, steps = self.folder_by_hand()
        agent = self.warm_agent()
        ours, theirs = [], []
        for turn in range(self.options.repeat + 1):
            theirs.append(sum(self.run_step(step) for step in steps if "make" in os.path.basename(step["argv"][0])))
            ours.append(self.submit(agent).run().wall)
            if turn == 0:
                ours.clear(), theirs.clear()
        return [Figure("no-change-build", "a no-change build in a warm workspace, from `wasmctl` to its end", ours, theirs,
                       statistics.median(theirs) + 0.250, "+ 250 ms", "the same `make`s by hand")]

    def cold_build(self):
        ours, theirs = [], []
        for _ in range(self.options.cold_repeat):
            theirs.append(self.build_by_hand())
            ours.append(self.build_cold())
        return [Figure("cold-build", f"a cold `{self.options.target}` build", ours, theirs, 1.01 * statistics.median(theirs),
                       "1.01 ×", "the same commands by hand", "s")]

    def memory(self):
        idle, building, client = [], [], []
        for _ in range(self.options.repeat):
            with Agent(self.options, self.scratch) as agent:
                idle.append(resident_bytes(agent.process.pid))
                submit = self.submit(agent)
                main = subprocess.Popen(submit.argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                build_id = None
                for line in main.stdout:
                    event = json.loads(line)
                    build_id = build_id or event.get("buildId")
                    if "log" in event:
                        break
                watchers = [subprocess.Popen(self.watch_argv(agent, build_id), stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL) for _ in range(20)]
                worst = worst_client = 0
                end = time.monotonic() + self.options.memory_seconds
                os.set_blocking(main.stdout.fileno(), False)
                while time.monotonic() < end and main.poll() is None:
                    with contextlib.suppress(BlockingIOError):
                        main.stdout.read(1 << 20)
                    with contextlib.suppress(OSError, AttributeError):  # it may end while we look
                        worst_client = max(worst_client, peak_bytes(main.pid))  # scanning and sending are over by now
                        worst = max(worst, most_resident_bytes(agent.process.pid))
                    time.sleep(0.1)
                if any(watcher.poll() not in (None, 0) for watcher in watchers):
                    raise Failed("a watcher failed")
                if worst == 0:
                    raise Failed("the build ended before its memory could be read")
                building.append(worst)
                client.append(worst_client)
                for process in [main] + watchers:
                    process.kill()
                    process.wait()
                main.stdout.close()
        mb = 1e6
        return [
            Figure("memory", "resident memory: agent, idle", idle, None, 48 * mb, "48 MB", "–", "MB"),
            Figure("memory", "resident memory: agent, building with 20 watchers", building, None, 96 * mb, "96 MB", "–", "MB"),
            Figure("memory", "resident memory: `wasmctl`, submitting", client, None, 48 * mb, "48 MB", "–", "MB"),
        ]

    def watch_argv(self, agent, build_id):
        # Without an id in the events, the newest build is the only one.
        if build_id is None:
            listed = subprocess.run([self.options.client, "--agent", agent.address, "list", "--all", "--output", "json"],
                                    capture_output=True, text=True, check=True).stdout
            found = re.search(r'"(?:buildId|id)":\s*"([^"]+)"', listed)
            if found is None:
                raise Failed("the agent lists no build")
            build_id = found.group(1)
        return [self.options.client, "--agent", agent.address, "watch", build_id, "--output", "json"]

    # The commands by hand are those that `wasmctl plan` prints, run in another folder without agent, journal or sandbox.
    def steps(self, folder):
        with Agent(self.options, self.scratch) as agent:
            text = subprocess.run([self.options.client, "--agent", agent.address, "plan", "--checkout", self.checkout, "--target",
                                   self.options.target, "--output", "json"], capture_output=True, text=True, check=False)
        if text.returncode != 0:
            raise Failed(f"wasmctl plan: {text.stderr[-2000:]}")
        return plan_steps(json.loads(text.stdout), folder)

    def run_step(self, step):
        os.makedirs(step["directory"], exist_ok=True)
        return timed(step["argv"], cwd=step["directory"], env=step["env"])


def plan_steps(plan, folder):
    """The steps of a plan's JSON as argv, environment and folder, "$SRC" being `folder`."""

    def placed(text):
        return text.replace("$SRC", folder).replace("\x01SRC\x01", folder)

    steps = []
    for target in plan.get("targets", []):
        for step in target.get("steps", []):
            steps.append({
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


# ---------------------------------------------------------------- the run

MEASUREMENTS = ["first-sync", "cold-build", "sync", "no-change-build", "memory"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, help="checkout to build; it is copied, not touched")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="measure this alone; may be repeated")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="folder of the release build")
    parser.add_argument("--target", default="wasi")
    parser.add_argument("--repeat", type=int, default=7, help="runs of each side, at least 5")
    parser.add_argument("--cold-repeat", type=int, default=5, help="runs of each side of the cold build, minutes each")
    parser.add_argument("--memory-seconds", type=float, default=10.0)
    parser.add_argument("--scratch", help="folder for copies and state; default: a temporary one")
    parser.add_argument("--results", default=os.path.join(ROOT, "bench", "RESULTS.md"))
    options = parser.parse_args()
    options.agent = os.path.join(options.build, "agent", "wasmagent")
    options.client = os.path.join(options.build, "client", "wasmctl")
    if not os.path.isfile(os.path.join(options.source, "configure")):
        parser.error(f"--source {options.source}: no checkout with a configure script")
    for program in (options.agent, options.client):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is not there: build it first")
    if shutil.which("rsync") is None:
        parser.error("rsync is not installed")
    return options


def main():
    options = parse_arguments()
    figures, failures = [], []
    with tempfile.TemporaryDirectory(prefix="wasmagent-bench-", dir=options.scratch) as scratch, contextlib.ExitStack() as resources:
        bench = Bench(options, scratch, resources)
        for name in options.only or MEASUREMENTS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            try:
                found = getattr(bench, name.replace("-", "_"))()
            except (Failed, OSError, subprocess.SubprocessError, ValueError) as error:
                failures.append((name, str(error)))
                print(f"{name}: {error}", file=sys.stderr)
                continue
            figures += found
            print(table([figure.row() for figure in found]), file=sys.stderr, flush=True)
        if figures:
            write_results(figures, failures, options, bench.checkout)
            print(table([figure.row() for figure in figures]))
    if not figures:
        return 2
    return 1 if failures or any(figure.missed() for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
