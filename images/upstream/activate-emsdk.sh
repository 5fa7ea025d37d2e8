#!/bin/sh
# activate-emsdk.sh SDK VERSION: make a usable Emscripten SDK of a release unpacked in SDK/upstream, as `emsdk activate` would, and
# build what CPython's targets link. Needs node and python3 in PATH, and a network for the ports' sources. Run as root: what it
# makes is everybody's to read and nobody's to write, so that builds do not wait for each other's lock.
set -eu
sdk=${1:?usage: activate-emsdk.sh SDK VERSION}
version=${2:?usage: activate-emsdk.sh SDK VERSION}
here=$(cd "$(dirname "$0")" && pwd)
root=$sdk/upstream/emscripten

fail() { echo "activate-emsdk: $*" >&2; exit 1; }

# The archives are named by a commit alone: it is seen here whether that commit and the version belong together.
[ -f "$root/emscripten-version.txt" ] || fail "there is no $root/emscripten-version.txt: is this an Emscripten release?"
found=$(tr -d '" ' <"$root/emscripten-version.txt")
[ "$found" = "$version" ] || fail "the archive is Emscripten $found, and not $version: give the commit and the sum of $version"
node=$(command -v node) || fail "node is missing"

# The ports' place is named: else it would follow the cache, of which each workspace has its own.
cat >"$sdk/.emscripten" <<END
EMSCRIPTEN_ROOT = '$root'
LLVM_ROOT = '$sdk/upstream/bin'
BINARYEN_ROOT = '$sdk/upstream'
NODE_JS = '$node'
CACHE = '$root/cache'
PORTS = '$root/cache/ports'
END

"$here/drop-variants.sh" "$root"
EM_CONFIG=$sdk/.emscripten "$here/warm-cache.sh" "$root"
chmod -R go-w,a+rX "$sdk"
