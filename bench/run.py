#!/usr/bin/env python3
"""Measures wasmagent against what one would do without it, and writes bench/RESULTS.md.

    bench/run.py --source DIR [--only NAME]... [--build DIR | --agent PROGRAM --client PROGRAM | --in-image IMAGE --engine E]
                 [--repeat N] [--target T]...

Every figure is a ratio (or a difference) of two things measured in the same run, in turn or at once, so that the machine's
mood hits both alike; medians of at least five. Exits with 1 when a figure misses its bound beyond noise, 2 when nothing could
be measured. Noise: the standard error of a median, taken as 1.25 × the interquartile range / 1.35 / √n for each side, both added.

Needs: the release binaries, rsync, and what a build of the source needs. Python's standard library alone.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from programs import (Agent, Failed, Submit, copy_tree, lay_emscripten_cache, most_resident_bytes, peak_bytes, plan_steps,
                      resident_bytes, rsync, step_of, timed)
from report import Figure, command, table, write_results

NICENESS_OF_STEPS = "5"  # kNiceness of agent/sandbox/leader_process.cc

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# ---------------------------------------------------------------- what is measured


class Bench:
    def __init__(self, options, scratch, resources):
        self.options, self.scratch, self.resources = options, scratch, resources
        self.checkout = os.path.join(scratch, "checkout")
        self.warm = self.by_hand = None
        self.cold = []  # seconds of each cold build
        os.mkdir(self.checkout)
        copy_tree(options.source, self.checkout)

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
        self.cold.append(self.submit(self.warm).run().wall)
        print(f"  cold build by an agent: {self.cold[-1]:.1f} s", file=sys.stderr, flush=True)
        return self.cold[-1]

    def build_by_hand(self):
        """Seconds that the same commands take in a fresh copy of the source."""
        folder = self.fresh_folder()
        copy_tree(self.checkout, folder)
        self.by_hand = (folder, self.steps(folder))
        took = sum(self.run_step(step) for step in self.by_hand[1])
        print(f"  cold build by hand: {took:.1f} s", file=sys.stderr, flush=True)
        return took

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
            Figure("no-change submit until the first step starts", nothing, theirs, bound, "1.0 ×",
                   "`rsync -a` without change"),
            Figure("one file edited, until the first step starts", edit, theirs, bound + 0.020, "1.0 × + 20 ms",
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
        return [Figure("first sync into an empty agent over loopback", ours, theirs,
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
        return [Figure("a no-change build in a warm workspace, from `wasmctl` to its end", ours, theirs,
                       statistics.median(theirs) + 0.250, "+ 250 ms", "the same `make`s by hand")]

    def cold_build(self):
        ours, theirs = [], []
        for _ in range(self.options.cold_repeat):
            theirs.append(self.build_by_hand())
            ours.append(self.build_cold())
        return [Figure(f"a cold `{self.options.target}` build", ours, theirs, 1.01 * statistics.median(theirs),
                       "1.01 ×", "the same commands by hand", "s")]

    def overhead_of_cold(self):
        """The same bound without the noise of two builds, for each target: what its build took beside its steps. The agent has built
        what the target needs before, and nothing else: a long step of that would hide what the target costs."""
        figures = []
        for target in self.options.targets:
            needs, overhead, steps = self.needs(target), [], []
            for _ in range(self.options.cold_repeat):
                with Agent(self.options, self.scratch) as agent:
                    for need in needs:
                        Submit(self.options, agent, self.checkout, need).run()
                    os.sync()  # what was written before is not this submit's to flush
                    submit = Submit(self.options, agent, self.checkout, target).run()
                overhead.append(submit.seconds_outside_of_steps())
                steps.append(submit.wall - overhead[-1])
                print(f"  cold build of {target}: {submit.wall:.1f} s, {overhead[-1]:.2f} s outside of its steps",
                      file=sys.stderr, flush=True)
            figures.append(Figure(f"a cold `{target}` build, its needs built before, outside of its steps", overhead, steps,
                                  0.01 * statistics.median(steps), "0.01 ×", "the time within its steps", "s"))
        return figures

    # Configured anew: by hand in an empty folder, by the agent for a variable in the environment that nothing looks at. Each side
    # has a compiler cache of its own, empty at the start. Both sides at once, since configure takes one processor and minutes: the
    # machine's mood is the same for both, and so is how much they yield to each other. What several targets need is built once.
    def configure(self):
        folder, targets = self.fresh_folder(), self.options.targets
        copy_tree(self.checkout, folder)
        steps = self.steps(folder, *targets)
        configures = {target: step_of(steps, target, "configure") for target in targets}
        order = list(dict.fromkeys(step["target"] for step in steps))
        needs = sorted({need for target in targets for need in self.needs(target)}, key=order.index)
        for step in steps:
            if step["target"] in needs:
                self.run_step(step)
        ours, theirs = ({target: [] for target in targets} for _ in range(2))
        with Agent(self.options, self.scratch) as agent, concurrent.futures.ThreadPoolExecutor() as aside:
            for need in needs:
                Submit(self.options, agent, self.checkout, need).run()
            # A target comes after what it needs in a plan, and before it here: to configure that anew takes away what was made.
            for target in sorted(targets, key=order.index, reverse=True):
                for turn in range(self.options.repeat):
                    step = configures[target]
                    shutil.rmtree(step["directory"], ignore_errors=True)
                    by_hand = aside.submit(self.run_step, {**step, "argv": ["nice", "-n", NICENESS_OF_STEPS, *step["argv"]]})
                    submit = Submit(self.options, agent, self.checkout, target, "--configure-only", "--env",
                                    f"WASMAGENT_BENCH_TURN={turn}").run()
                    ours[target].append(submit.seconds_of(target, "configure"))
                    theirs[target].append(by_hand.result())
                    print(f"  configure of {target}: {ours[target][-1]:.1f} s by an agent, {theirs[target][-1]:.1f} s by hand",
                          file=sys.stderr, flush=True)
        return [Figure(f"configure of `{target}`", ours[target], theirs[target], statistics.median(theirs[target]), "1.0 ×",
                       "the same command by hand", "s") for target in targets]

    def warm_make(self):
        """Everything is compiled before, and nothing is left of it but what ccache has, on each side its own. By hand, each turn
        starts from the same configured build dir; the agent configures it again."""
        folder, steps = self.folder_by_hand()
        agent = self.warm_agent()
        configure, make = (step_of(steps, self.options.target, name) for name in ("configure", "make"))
        directory = make["directory"]
        shutil.rmtree(directory)
        self.run_step(configure)
        configured = self.fresh_folder()
        copy_tree(directory, configured)
        ours, theirs = [], []
        for turn in range(self.options.repeat + 1):
            shutil.rmtree(directory)
            os.mkdir(directory)
            copy_tree(configured, directory)
            theirs.append(self.run_step(make))
            ours.append(self.submit(agent, "--clean").run().seconds_of(self.options.target, "make"))
            print(f"  make: {ours[-1]:.2f} s by an agent, {theirs[-1]:.2f} s by hand", file=sys.stderr, flush=True)
            if turn == 0:
                ours.clear(), theirs.clear()
        return [Figure(f"`make` of `{self.options.target}` from nothing, ccache warm", ours, theirs,
                       1.10 * statistics.median(theirs), "1.10 ×", "the same command by hand", "s")]

    def neighbour(self):
        """Another checkout of the same project, a commit further: nothing of its own is there, everybody's caches are warm."""
        while len(self.cold) < self.options.cold_repeat:  # nobody else may have built cold, or once
            self.build_cold()
        agent = self.warm_agent()
        ours = []
        for turn in range(self.options.repeat):
            other = self.fresh_folder()
            copy_tree(self.options.source, other)
            with open(os.path.join(other, os.path.relpath(self.edited_file(), self.checkout)), "a", encoding="utf-8") as file:
                file.write(f"/* {turn} */\n")
            ours.append(Submit(self.options, agent, other, self.options.target).run().wall)
        return [Figure(f"`{self.options.target}` of a second checkout, a commit further, from nothing", ours, self.cold,
                       0.2 * statistics.median(self.cold), "0.2 ×", "the first checkout's cold build", "s")]

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
            Figure("resident memory: agent, idle", idle, None, 48 * mb, "48 MB", "–", "MB"),
            Figure("resident memory: agent, building with 20 watchers", building, None, 96 * mb, "96 MB", "–", "MB"),
            Figure("resident memory: `wasmctl`, submitting", client, None, 48 * mb, "48 MB", "–", "MB"),
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
    def steps(self, folder, *targets):
        wanted = [word for target in targets or [self.options.target] for word in ("--target", target)]
        with Agent(self.options, self.scratch) as agent:
            text = subprocess.run([self.options.client, "--agent", agent.address, "plan", "--checkout", self.checkout, *wanted,
                                   "--output", "json"], capture_output=True, text=True, check=False)
        if text.returncode != 0:
            raise Failed(f"wasmctl plan: {text.stderr[-2000:]}")
        return plan_steps(json.loads(text.stdout), folder)

    def needs(self, target):
        """The targets that are built before it, in their order."""
        return list(dict.fromkeys(step["target"] for step in self.steps(self.checkout, target) if step["target"] != target))

    def run_step(self, step):
        os.makedirs(step["directory"], exist_ok=True)
        lay_emscripten_cache(step["env"])
        return timed(step["argv"], cwd=step["directory"], env=step["env"])


# ---------------------------------------------------------------- the run

MEASUREMENTS = ["first-sync", "cold-build", "overhead-of-cold", "sync", "no-change-build", "warm-make", "neighbour", "memory", "configure"]
WITH_RSYNC = {"first-sync", "sync"}  # which the image does not have
FEWEST_RUNS = 5  # that make a median worth writing down


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, help="checkout to build; it is copied, not touched")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="measure this alone; may be repeated")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="folder of the release build")
    parser.add_argument("--agent", help="wasmagent to measure (default: the build's)")
    parser.add_argument("--client", help="wasmctl to measure (default: the build's)")
    parser.add_argument("--in-image", metavar="IMAGE", help="measure in a container of the agent's image, with its programs")
    parser.add_argument("--engine", default="docker", help="what runs that container")
    parser.add_argument("--figures", action="store_true", help="print what was measured as JSON, and write no results")
    parser.add_argument("--target", action="append", dest="targets", help="default: wasi; repeated, configure and overhead-of-cold measure each, the others the first")
    parser.add_argument("--repeat", type=int, default=7, help=f"runs of each side, at least {FEWEST_RUNS}")
    parser.add_argument("--cold-repeat", type=int, default=5, help=f"cold builds of each side, at least {FEWEST_RUNS}, minutes each")
    parser.add_argument("--memory-seconds", type=float, default=10.0)
    parser.add_argument("--scratch", help="folder for copies and state; default: a temporary one")
    parser.add_argument("--results", default=os.path.join(ROOT, "bench", "RESULTS.md"))
    options = parser.parse_args()
    options.command = command(options, parser.get_default)
    options.targets = options.targets or ["wasi"]
    options.target = options.targets[0]
    options.agent = options.agent or os.path.join(options.build, "agent", "wasmagent")
    options.client = options.client or os.path.join(options.build, "client", "wasmctl")
    if not os.path.isfile(os.path.join(options.source, "configure")):
        parser.error(f"--source {options.source}: no checkout with a configure script")
    if not options.figures and min(options.repeat, options.cold_repeat) < FEWEST_RUNS:
        parser.error(f"--repeat and --cold-repeat: what goes into the results is of {FEWEST_RUNS} runs or more")
    if options.in_image:
        return options
    for program in (options.agent, options.client):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is not there: build it first")
    if shutil.which("rsync") is None and WITH_RSYNC & set(options.only or MEASUREMENTS):
        parser.error("rsync is not installed")
    return options


def measure(options):
    """What this machine shows: figures, and a pair of name and reason for each that could not be measured."""
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
    return figures, failures


def measure_in_image(options):
    """The same in a container, as the user that its agent runs as: Emscripten's libraries are not that user's to write."""
    argv = [options.engine, "run", "--rm", "--network", "none", "--entrypoint", "python3", "--volume", f"{ROOT}/bench:/bench:ro",
            "--volume", f"{os.path.abspath(options.source)}:/source:ro", options.in_image, "-B", "/bench/run.py", "--source", "/source",
            "--agent", "/usr/local/bin/wasmagent", "--client", "/usr/local/bin/wasmctl", "--scratch", "/var/lib/wasmagent",
            "--repeat", str(options.repeat), "--cold-repeat", str(options.cold_repeat),
            "--memory-seconds", str(options.memory_seconds), "--figures"]
    argv += [word for target in options.targets for word in ("--target", target)]
    argv += [word for name in options.only or [n for n in MEASUREMENTS if n not in WITH_RSYNC] for word in ("--only", name)]
    told = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode != 0:
        sys.exit(f"{' '.join(argv)}: exit {told.returncode}")
    answer = json.loads(told.stdout)
    figures = [Figure(**figure) for figure in answer["figures"]]
    for figure in figures:
        figure.what += ", in the image"
    return figures, answer["failures"]


def main():
    options = parse_arguments()
    figures, failures = measure_in_image(options) if options.in_image else measure(options)
    if options.figures:
        print(json.dumps({"figures": [vars(figure) for figure in figures], "failures": failures}))
        return 0
    if not figures:
        return 2
    write_results(figures, failures, options)
    print(table([figure.row() for figure in figures]))
    return 1 if failures or any(figure.missed() for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
