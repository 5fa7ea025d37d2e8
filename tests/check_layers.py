#!/usr/bin/env python3
"""Checks the house: who includes whom, how long files and functions are.

A folder is a library and includes only what stands below it (LAYERS); agent and client never include each other. Prints
file:line: message for each breach and exits with 1. Usage: check_layers.py [SOURCE_ROOT]
"""

import os
import re
import sys

# A library's folder -> the folders it may include, apart from itself. The order is that of the list in ARCHITECTURE.md.
LAYERS = {
    "platform": [],
    "content": ["platform", "proto"],
    "content/transfer": ["content", "platform", "proto"],
    "agent/store": ["content", "platform", "proto"],
    "agent/sandbox": ["platform"],
    "agent/workspace": ["agent/store", "content", "platform", "proto"],
    "agent/pipeline": ["agent/sandbox", "agent/workspace", "agent/store", "content", "platform", "proto"],
    "agent/builds": ["agent/store", "agent/workspace", "agent/pipeline", "agent/sandbox", "content", "platform", "proto"],
    "agent/service": ["agent/store", "agent/builds", "agent/pipeline", "agent/workspace", "agent/sandbox", "content",
                      "platform", "proto"],
    "client/checkout": ["content", "platform", "proto"],
    "client/session": ["client/checkout", "content/transfer", "content", "platform", "proto"],
    "client/artifacts": ["client/session", "client/checkout", "content/transfer", "content", "platform", "proto"],
    "client/view": ["platform", "proto"],
    "client/hosting": ["platform"],
    "client/command": ["client/checkout", "client/session", "client/artifacts", "client/view", "client/hosting",
                       "content/transfer", "content", "platform", "proto"],
}
# Wiring, which sees everything of its side: folder and start of the file's name.
WIRING = [("agent", "main"), ("agent", "agent"), ("agent", "config"), ("client", "main"), ("client", "config")]
SOURCE_FOLDERS = ["platform", "content", "agent", "client"]
SOURCE_SUFFIXES = (".h", ".cc")
MAX_FILE_LINES = 500
# The rule is 60; a script that counts lines reports what is beyond doubt.
MAX_FUNCTION_LINES = 80

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# A line that opens a function's body at namespace or class level: it ends with "{", and is no type, namespace or table.
FUNCTION_START = re.compile(r"^( {0,4})(?! )(?!namespace\b|class\b|struct\b|enum\b|union\b|extern\b|typedef\b)[^#=]*\(.*$")
GENERATED = re.compile(r"\.(grpc\.)?pb\.h$")


def layer_of(path):
    """The longest library folder that holds the path; None for wiring and for what is outside."""
    folder = os.path.dirname(path)
    while folder:
        if folder in LAYERS:
            return folder
        folder = os.path.dirname(folder)
    return None


def is_wiring(path):
    folder, name = os.path.split(path)
    return any(folder.split("/")[0] == side and (name.startswith(start) or folder.startswith(side + "/" + start))
               for side, start in WIRING) and layer_of(path) is None


def target_of(include):
    """The library that an include belongs to; None for a header of somebody else."""
    if GENERATED.search(include):
        return "proto"
    layer = layer_of(include)
    if layer is not None:
        return layer
    top = include.split("/")[0]
    return top if top in SOURCE_FOLDERS else None


def check_include(path, include):
    """The breach that this include is, or None."""
    if "/" not in include:
        return f'"{include}" is not a path from the root of the source'
    target = target_of(include)
    if target is None:
        return None
    side, other = path.split("/")[0], include.split("/")[0]
    if {side, other} == {"agent", "client"}:
        return f'{side} must not include {other} ("{include}")'
    own = layer_of(path)
    if own is None:
        if is_wiring(path):
            return None
        return f"{path} is in no library of the list, and is not wiring"
    if target == own or target in LAYERS[own]:
        return None
    return f'{own} must not include {target} ("{include}")'


def function_lengths(lines):
    """Yields (first line, length) of function bodies, by the indentation of their ends."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            match = FUNCTION_START.match(line)
            if match and not line.rstrip().endswith(";") and not line.lstrip().startswith(("//", "}", "return", ")")):
                start = (number, match.group(1))
            continue
        if line.startswith(start[1] + "}") and line.strip() in ("}", "};", "})"):
            yield start[0], number - start[0] + 1
            start = None
        elif line.rstrip().endswith(";") and number == start[0] + 1 and not line.startswith(start[1] + "  "):
            start = None  # it was a declaration
        elif line.strip() == "" and number == start[0] + 1:
            start = None
        elif line.startswith("}  // namespace"):
            start = None


def check_file(root, path):
    breaches = []
    with open(os.path.join(root, path), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        breach = match and check_include(path, match.group(1))
        if breach:
            breaches.append((path, number, breach))
    if len(lines) >= MAX_FILE_LINES:
        breaches.append((path, MAX_FILE_LINES, f"{len(lines)} lines; a file has fewer than {MAX_FILE_LINES}"))
    for start, length in function_lengths(lines):
        if length > MAX_FUNCTION_LINES:
            breaches.append((path, start, f"a function of {length} lines; more than 60 is a sign of two jobs"))
    return breaches


def source_files(root):
    for top in SOURCE_FOLDERS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(SOURCE_SUFFIXES):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main(arguments):
    root = arguments[1] if len(arguments) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    count = 0
    breaches = []
    for path in source_files(root):
        count += 1
        breaches += check_file(root, path)
    for path, number, message in breaches:
        print(f"{path}:{number}: {message}")
    print(f"{count} files checked, {len(breaches)} breaches", file=sys.stderr)
    # No files at all is a wrong root, not a clean house.
    return 1 if breaches or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
