"""What bench/run.py found, as a table, and bench/RESULTS.md."""

import contextlib
import datetime
import functools
import math
import os
import platform
import re
import statistics
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Figure:
    """A row of the table."""

    def __init__(self, what, ours, theirs, bound, bound_text, against, unit="ms"):
        self.what, self.ours, self.theirs = what, ours, theirs
        self.bound, self.bound_text, self.against, self.unit = bound, bound_text, against, unit

    def missed(self):
        return statistics.median(self.ours) > self.bound + self.noise()

    def noise(self):
        return spread(self.ours) + (spread(self.theirs) if self.theirs else 0)

    def runs(self):
        """How many there were: of both sides where they differ."""
        ours, theirs = len(self.ours), len(self.theirs or self.ours)
        return f"{ours}" if ours == theirs else f"{ours} and {theirs}"

    def row(self):
        scale = {"ms": 1e3, "s": 1, "MB": 1 / 1e6}[self.unit]
        digits = {"ms": 1, "s": 2, "MB": 1}[self.unit]
        ours = statistics.median(self.ours)

        def show(value):
            return f"{value * scale:.{digits}f} {self.unit}"

        theirs = statistics.median(self.theirs) if self.theirs else None
        return (self.what, show(ours), show(theirs) if theirs is not None else "–", self.against,
                f"{ours / theirs:.3f} ×" if theirs else "–", f"{self.bound_text} ({show(self.bound)})", f"± {show(self.noise())}",
                self.runs(), "MISSED" if self.missed() else "met", f"{datetime.date.today().isoformat()}, {revision()}")


def spread(values):
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return 1.25 * (high - low) / 1.35 / math.sqrt(len(values))


HEADING = re.compile(r"Measured by (.+):")
HEADER = ("what", "wasmagent", "compared", "with", "ratio", "at most", "noise", "runs", "", "measured")


def table(rows):
    rows = [HEADER] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine():
    cpu = "unknown CPU"
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        match = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.M)
        cpu = match.group(1) if match else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    kernel = platform.release().split("-")[0]
    return f"{cpu}, {len(os.sched_getaffinity(0))} CPUs, {memory:.0f} GiB, {system}, Linux {kernel}"


def describe_source(folder):
    files = sum(len(names) for _, _, names in os.walk(folder))
    patchlevel = os.path.join(folder, "Include", "patchlevel.h")
    name = os.path.basename(os.path.abspath(folder))
    if os.path.isfile(patchlevel):
        with open(patchlevel, encoding="utf-8") as file:
            match = re.search(r'PY_VERSION\s+"([^"]+)"', file.read())
            name = f"CPython {match.group(1)}" if match else name
    return f"{name}, {files} files"


@functools.cache  # what is measured is what was there before the results were written
def revision():
    """The commit that was measured, marked when the tree differs from it."""
    told = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def command(options, default):
    """What to type for the same measurement: the options that choose what is measured, and how often. Programs, folders and the
    container engine are those of one machine."""
    words = ["./dev bench"] + ["--in-image"] * bool(options.in_image)
    for word, name in (("--only", "only"), ("--target", "targets"), ("--repeat", "repeat"), ("--cold-repeat", "cold_repeat"),
                       ("--memory-seconds", "memory_seconds")):
        value = getattr(options, name)
        if value != default(name):
            words += [f"{word} {one}" for one in (value if isinstance(value, list) else [value])]
    return f"`{' '.join(words)}`"


def earlier_rows(path):
    """Pairs of command and row of an earlier run, for what this one does not measure: each tells when and at which commit it was."""
    rows, source = [], "a command that was not recorded"
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        for line in file:
            if heading := HEADING.fullmatch(line.strip()):
                source = heading.group(1)
            elif line.startswith("| "):
                row = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
                if len(row) == len(HEADER) and row != HEADER:
                    rows.append((source, row))
    return rows


def tables(rows):
    """The lines of a table for each command, below a heading that earlier_rows() finds again."""
    by_command = {}
    for source, row in rows:
        by_command.setdefault(source, []).append(row)
    return [line for source, group in by_command.items() for line in (f"Measured by {source}:", "", table(group), "")]


def write_results(figures, failures, options):
    rows = {row[0]: (source, row) for source, row in earlier_rows(options.results)}
    rows.update({figure.what: (options.command, figure.row()) for figure in figures})  # in their old places
    text = ["# Measured", "", "A row stays as it was until another run measures the same.  ",
            f"Machine: {machine()}  ", f"Source: {describe_source(options.source)}  ",
            "Figures are medians; both sides of a row were measured in one run, in turn or at once. A row is missed when its median lies above the bound",
            "by more than the noise: 1.25 × interquartile range / 1.35 / √runs of each side, added. Memory is the resident size of the process",
            "and, for the agent, what its launcher and supervisors hold for themselves.", "", *tables(rows.values())]
    text += [f"Not measured: {name}: {reason}" for name, reason in failures]
    with open(options.results, "w", encoding="utf-8") as file:
        file.write("\n".join(text).rstrip() + "\n")
