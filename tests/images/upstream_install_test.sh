#!/bin/sh
# images/upstream's scripts, on local archives laid out as the WASI SDK's and Emscripten's: what they must install and must refuse.
# usage: upstream_install_test.sh WASMAGENT, which is asked what it finds of the Emscripten SDK.
set -u
wasmagent=${1:?usage: upstream_install_test.sh WASMAGENT}
project=$(cd "$(dirname "$0")/../.." && pwd)
install=$project/images/upstream/install-release.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failures=$((failures + 1)); fi
}
refused() { # WHAT TEXT COMMAND...: must fail, say TEXT, and leave no destination and no scratch folder
  what=$1 text=$2
  shift 2
  if "$@" >"$work/out" 2>&1; then echo "FAILED: $what: it succeeded"; failures=$((failures + 1)); return; fi
  check "$what" grep -qF -- "$text" "$work/out"
  check "$what: nothing is left behind" test -z "$(ls -A "$work/opt" 2>/dev/null)"
}

# The layout of a WASI SDK release: one top folder, bin/, share/wasi-sysroot/, a VERSION, links and executables.
top=$work/wasi-sdk-24.0-x86_64-linux
mkdir -p "$top/bin" "$top/share/wasi-sysroot/lib/wasm32-wasip1" "$top/share/wasi-sysroot/include/wasm32-wasip1"
printf '#!/bin/sh\necho clang version 18.1.2-wasi-sdk\n' >"$top/bin/clang-18"
chmod 755 "$top/bin/clang-18"
ln -s clang-18 "$top/bin/clang"
ln -s clang "$top/bin/clang++"
printf '24.0\n' >"$top/VERSION"
printf 'x' >"$top/share/wasi-sysroot/lib/wasm32-wasip1/libc.a"
tar -C "$work" -czf "$work/sdk.tar.gz" wasi-sdk-24.0-x86_64-linux
tar -C "$work" -cJf "$work/sdk.tar.xz" wasi-sdk-24.0-x86_64-linux
sum=$(sha256sum <"$work/sdk.tar.gz" | cut -d ' ' -f 1)
sum_xz=$(sha256sum <"$work/sdk.tar.xz" | cut -d ' ' -f 1)
wrong=$(printf '%064d' 0)

refused "a wrong sum" "wrong SHA-256" "$install" --from "$work/sdk.tar.gz" --sha256 "$wrong" --dest "$work/opt/wasi-sdk"
check "a wrong sum: both are shown" grep -qF "$sum" "$work/out"
refused "no sum" "--sha256 is missing" "$install" --from "$work/sdk.tar.gz" --sha256 '' --dest "$work/opt/wasi-sdk"
refused "a short sum" "a SHA-256 has 64" "$install" --from "$work/sdk.tar.gz" --sha256 abc --dest "$work/opt/wasi-sdk"
refused "a missing file" "no such file" "$install" --from "$work/none.tar.gz" --sha256 "$sum" --dest "$work/opt/wasi-sdk"
refused "an archive without the compiler" "has no executable bin/rustc" \
  "$install" --from "$work/sdk.tar.gz" --sha256 "$sum" --dest "$work/opt/wasi-sdk" --expect bin/rustc
refused "too many components stripped" "holds nothing below 9 leading" \
  "$install" --from "$work/sdk.tar.gz" --sha256 "$sum" --dest "$work/opt/wasi-sdk" --strip 9 --expect bin/clang
head -c 100 "$work/sdk.tar.gz" >"$work/cut.tar.gz"
refused "a cut archive whose sum is right" "could not unpack" \
  "$install" --from "$work/cut.tar.gz" --sha256 "$(sha256sum <"$work/cut.tar.gz" | cut -d ' ' -f 1)" --dest "$work/opt/wasi-sdk"
refused "an unknown option" "unknown option" "$install" --form "$work/sdk.tar.gz"

check "a good archive installs" \
  "$install" --from "$work/sdk.tar.gz" --sha256 "$sum" --dest "$work/opt/wasi-sdk" --expect bin/clang
check "the top folder is gone" test -f "$work/opt/wasi-sdk/VERSION"
check "links are links" test "$(readlink "$work/opt/wasi-sdk/bin/clang")" = clang-18
check "executables run" test "$("$work/opt/wasi-sdk/bin/clang")" = "clang version 18.1.2-wasi-sdk"
check "no scratch folder is left" test "$(ls -A "$work/opt")" = wasi-sdk
"$install" --from "$work/sdk.tar.gz" --sha256 "$sum" --dest "$work/opt/wasi-sdk" >"$work/out" 2>&1
check "an existing folder is refused" test $? -eq 1
check "an existing folder: it says so" grep -qF "exists already" "$work/out"
check "a .tar.xz and a sum in capitals" "$install" --from "$work/sdk.tar.xz" \
  --sha256 "$(printf %s "$sum_xz" | tr a-f A-F)" --dest "$work/opt/again" --expect bin/clang

# The layout of an Emscripten release: install/{bin,emscripten}; its programs stand for those that compile.
top=$work/install
root=$top/emscripten
mkdir -p "$top/bin" "$root/tools" "$root/src" "$root/test" "$root/cache/sysroot/lib/wasm32-emscripten/lto"
printf '#!/bin/sh\necho clang version 19.0.0git\n' >"$top/bin/clang"
printf '#!/bin/sh\n' >"$top/bin/wasm-opt"
# What was asked to be built, and with which configuration: a line each.
printf '#!/bin/sh\necho "$(basename "$0") $EM_CONFIG $*" >>%s/asked\n' "$work" >"$root/emcc"
cp "$root/emcc" "$root/em++"
cp "$root/emcc" "$root/embuilder"
chmod 755 "$top/bin/clang" "$top/bin/wasm-opt" "$root/emcc" "$root/em++" "$root/embuilder"
echo 'print(1)' >"$root/emcc.py"
echo '"3.1.58"' >"$root/emscripten-version.txt"
echo 'var x;' >"$root/src/settings.js"
for library in libc.a libc-asan.a libmalloc-ww.a libwasmfs.a lto/libc.a; do echo >"$root/cache/sysroot/lib/wasm32-emscripten/$library"; done
echo >"$root/cache/sysroot_install.stamp"
chmod -R g+w "$top"
tar -C "$work" -cJf "$work/wasm-binaries.tar.xz" install
sum=$(sha256sum <"$work/wasm-binaries.tar.xz" | cut -d ' ' -f 1)

# The three scripts lie in one folder in the image.
mkdir "$work/scripts"
cp "$project"/images/emscripten/*.sh "$project"/images/upstream/*.sh "$work/scripts/"
sdk=$work/opt/emsdk
check "an Emscripten release installs" "$install" --from "$work/wasm-binaries.tar.xz" --sha256 "$sum" --dest "$sdk/upstream" \
  --expect bin/clang --expect bin/wasm-opt --expect emscripten/emcc
"$work/scripts/activate-emsdk.sh" "$sdk" 3.1.59 >"$work/out" 2>&1
check "an archive of another version is refused" test $? -eq 1
check "an archive of another version: both are named" grep -qF 'is Emscripten 3.1.58, and not 3.1.59' "$work/out"
check "an archive of another version: it is not activated" test ! -e "$sdk/.emscripten"
check "it is activated" "$work/scripts/activate-emsdk.sh" "$sdk" 3.1.58 >"$work/out"
lib=$sdk/upstream/emscripten/cache/sysroot/lib/wasm32-emscripten
check "what nobody links is gone" test "$(ls -A "$lib")" = libc.a
check "its tests are gone" test ! -e "$sdk/upstream/emscripten/test"
for asked in "embuilder $sdk/.emscripten --wasm64 build zlib bzip2 sqlite3" "emcc $sdk/.emscripten -O2 -pthread"; do
  check "built ahead: $asked" grep -qF -- "$asked" "$work/asked"
done
check "nobody but its owner can write it" test -z "$(find "$sdk" ! -type l -perm /022)"
"$wasmagent" probe --emscripten-sdk "$sdk" --state-directory "$work/state" >"$work/out" 2>&1
grep -A 2 'emscripten 3.1.58' "$work/out" >"$work/found"
check "the agent finds it, and nothing wrong with it" grep -qF '"usable": true' "$work/found"

[ "$failures" -eq 0 ] || { echo "$failures checks failed"; exit 1; }
echo "all checks passed"
