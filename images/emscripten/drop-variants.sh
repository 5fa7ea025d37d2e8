#!/bin/sh
# drop-variants.sh ROOT: remove from an emscripten's cache what no target of the agent links: variants for link-time optimisation,
# sanitizers, wasm workers, and the file system that CPython does not use. Its tests, too. Half of the SDK's size.
set -eu
root=${1:?usage: drop-variants.sh ROOT}
for word in 32 64; do
  lib=$root/cache/sysroot/lib/wasm$word-emscripten
  [ -d "$lib" ] || continue
  rm -rf "$lib/lto" "$lib/lto-pic"
  find "$lib" \( -name '*-ww*.a' -o -name '*asan*.a' -o -name '*lsan*.a' -o -name '*ubsan*.a' -o -name 'libsanitizer*.a' \
    -o -name 'libwasmfs-*.a' -o -name 'libwasmfs.a' \) -delete
done
rm -rf "$root/test" "$root/cache/symbol_lists"
