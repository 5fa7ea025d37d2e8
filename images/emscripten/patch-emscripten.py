#!/usr/bin/env python3
"""patch-emscripten.py ROOT: mend two things of emscripten 3.1.69 that CPython needs. Fails when they are not as expected."""
import pathlib
import re
import sys

FSTAT = """  __syscall_fstat64: (fd, buf) => {
    var stream = SYSCALLS.getStreamFromFD(fd);
"""
# On the real file system the standard streams have no path, and fstat says that they do not exist. CPython 3.13 takes
# them for closed then: it prints nothing and exits with 0.
FSTAT_BY_DESCRIPTOR = FSTAT + """#if NODERAWFS
    if (!stream.path && stream.nfd !== undefined) return SYSCALLS.doStat((fd) => fs.fstatSync(fd), stream.nfd, buf);
#endif
"""


def main():
    sources = pathlib.Path(sys.argv[1]) / "src"
    syscalls = sources / "library_syscall.js"
    text = syscalls.read_text()
    if text.count(FSTAT) != 1:
        sys.exit(f"{syscalls}: fstat is not as expected; is this emscripten 3.1.69?")
    syscalls.write_text(text.replace(FSTAT, FSTAT_BY_DESCRIPTOR))

    # JavaScript's interface to 64-bit memories renamed this key; newer engines (node 24) know the new name alone.
    changed = 0
    for path in sorted(sources.glob("*.js")):
        text = path.read_text()
        both = re.sub(r"'index': 'i64'", "'address': 'i64', 'index': 'i64'", text)
        if both != text:
            path.write_text(both)
            changed += 1
    if changed == 0:
        sys.exit(f"{sources}: no 64-bit memory is made there; is this emscripten 3.1.69?")


main()
