#!/bin/sh
# images/upstream/install-release.sh, on a local archive laid out as the WASI SDK's: what it must install and what it must refuse.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
install=$root/images/upstream/install-release.sh
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

[ "$failures" -eq 0 ] || { echo "$failures checks failed"; exit 1; }
echo "all checks passed"
