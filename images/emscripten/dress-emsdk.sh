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

"$here/drop-variants.sh" "$root"
python3 "$here/patch-emscripten.py" "$root"
python3 "$here/seed-ports.py" "$root" "$ports" "$sdk/ports"
EM_CONFIG=$sdk/.emscripten "$here/warm-cache.sh" "$root"
chmod -R go-w,a+rX "$root" "$sdk"
