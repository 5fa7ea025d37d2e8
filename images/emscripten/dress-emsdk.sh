#!/bin/sh
# dress-emsdk.sh PORTS DEST: make an Emscripten SDK in DEST of the distribution's emscripten package, and warm its cache so far
# that no target of the agent has to build a library or fetch a port later. PORTS is what port-sources.sh made; a node in
# DEST/node/bin is taken before the distribution's. Run as root: the cache is everybody's to read and nobody's to write.
set -eu
ports=${1:?usage: dress-emsdk.sh PORTS DEST}
sdk=${2:?usage: dress-emsdk.sh PORTS DEST}
here=$(cd "$(dirname "$0")" && pwd)
root=/usr/share/emscripten

node=/usr/bin/node
[ ! -x "$sdk/node/bin/node" ] || node=$sdk/node/bin/node
llvm=$(sed -n "s/^LLVM_ADD_VERSION = '\(.*\)'/\1/p" "$root/.emscripten")
mkdir -p "$sdk/ports"
# The package's own file says FROZEN_CACHE = True: then no port can be built, and each link works out anew what a cache would tell.
cat >"$sdk/.emscripten" <<END
EMSCRIPTEN_ROOT = '$root'
LLVM_ROOT = '/usr/bin'
LLVM_ADD_VERSION = '$llvm'
CLANG_ADD_VERSION = '$llvm'
BINARYEN_ROOT = '/usr'
NODE_JS = '$node'
CACHE = '$root/cache'
PORTS = '$sdk/ports'
FROZEN_CACHE = False
END

# What nobody links: link-time optimisation, sanitizers, wasm workers, and the file system that CPython does not use.
cd "$root/cache/sysroot/lib/wasm32-emscripten"
rm -rf lto lto-pic
find . -name '*-ww*.a' -delete
find . \( -name '*asan*.a' -o -name '*lsan*.a' -o -name '*ubsan*.a' -o -name 'libsanitizer*.a' -o -name 'libwasmfs-*.a' -o -name 'libwasmfs.a' \) -delete
rm -rf "$root/test" "$root/cache/symbol_lists"

python3 "$here/patch-emscripten.py" "$root"
python3 "$here/seed-ports.py" "$root" "$ports" "$sdk/ports"
EM_CONFIG=$sdk/.emscripten "$here/warm-cache.sh" "$root"

rm -rf "$root/cache/build" "$root/cache/ports-builds" "$root/cache/symbol_lists"
find "$root" "$sdk" -name __pycache__ -prune -exec rm -rf {} +
# Bytecode of what every step runs; its users cannot write it.
python3 -m compileall -q "$root/tools" "$root"/*.py
chmod -R go-w,a+rX "$root" "$sdk"
