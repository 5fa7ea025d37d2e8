"""What the events of a build, as `wasmctl submit --output json` prints them, say of time."""

import datetime


def _steps(events):
    """Pairs of the events that begin and end a step; those that were skipped are left out."""
    started = {}
    for event in events:
        if "stepStarted" in event:
            started[event["stepStarted"].get("step", 0)] = event
        if "stepEnded" in event and not event["stepEnded"].get("skipped"):
            yield started[event["stepEnded"].get("step", 0)], event


def seconds_of_steps(events):
    """What each step took, as the agent measured it: {target: {step: seconds}}."""
    seconds = {}
    for begin, end in _steps(events):
        step = begin["stepStarted"]
        seconds.setdefault(step["target"], {})[step["name"]] = float(end["stepEnded"]["wallTime"].rstrip("s"))
    return seconds


def seconds_within_steps(events):
    """How long steps ran, however many at once."""
    within, until = 0.0, 0.0
    for begin, end in sorted((_moment(begin), _moment(end)) for begin, end in _steps(events)):
        within += max(0.0, end - max(begin, until))
        until = max(until, end)
    return within


def _moment(event):
    return datetime.datetime.fromisoformat(event["time"]).timestamp()
