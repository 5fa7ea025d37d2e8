#!/bin/sh
# warm-cache.sh ROOT: build every variant of the system libraries and ports that CPython's targets link, by linking an empty
# program as they do: with and without optimisation, as main module (PIC), with threads, for 64 bit. Leaves nothing that was only
# needed for that, and bytecode of what every step runs: who builds cannot write it.
set -eu
root=${1:?usage: warm-cache.sh ROOT}
export TZ=UTC
work=$(mktemp -d)
cd "$work"
echo 'int main(void) { return 0; }' >main.c

run() {
  began=$(date +%s)
  "$@" >log 2>&1 || { cat log; echo "FAILED: $*"; exit 1; }
  echo "$(($(date +%s) - began)) s: $*"
}
link() { run "$root/emcc" "$@" -sUSE_ZLIB -sUSE_BZIP2 -sUSE_SQLITE3 main.c -o main.js; }

run "$root/embuilder" build zlib bzip2 sqlite3 sqlite3-mt
run "$root/embuilder" --pic build zlib bzip2 sqlite3
run "$root/embuilder" --wasm64 build zlib bzip2 sqlite3
for level in -O0 -O2 '-O2 -sASSERTIONS'; do
  # shellcheck disable=SC2086 # one word or two
  {
    link $level
    link $level -sMAIN_MODULE
    link $level -pthread -sUSE_PTHREADS -sPROXY_TO_PTHREAD
    link $level -sMEMORY64=1
  }
done
# C++ for 64 bit: nothing above wants it.
echo '#include <string>
int main(int, char **argv) { return std::string(argv[0]).size() == 0; }' >main.cc
for level in -O0 -O2; do run "$root/em++" "$level" -sMEMORY64=1 main.cc -o main.js; done
cd "$root"
rm -rf "$work" "$root/cache/build" "$root/cache/ports-builds" "$root/cache/symbol_lists"
find "$root" -name __pycache__ -prune -exec rm -rf {} +
python3 -m compileall -q "$root/tools" "$root"/*.py
