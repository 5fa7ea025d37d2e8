#!/bin/sh
# The agent's image, with a real engine: build it, run it as an unprivileged user, build a project in it from outside, stop it.
# usage: image_test.sh WASMCTL. Exit 77 (skipped), with the reason, where no engine can run.
set -eu
wasmctl=${1:?usage: image_test.sh WASMCTL}
root=$(cd "$(dirname "$0")/../.." && pwd)
tag=wasmagent:test
name=wasmagent-image-test-$$

skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }
ok() { echo "ok: $*"; }

engine=
for candidate in podman docker; do
  if command -v "$candidate" >/dev/null && timeout 20 "$candidate" info >/dev/null 2>&1; then engine=$candidate; break; fi
done
start=
if [ -z "$engine" ]; then
  command -v dockerd >/dev/null || skip "no container engine works here, and there is no dockerd to start"
  [ "$(id -u)" -eq 0 ] || skip "no container engine works here, and only root can start dockerd"
  start=--start-engine engine=docker
fi
# shellcheck disable=SC2086 # no word, or one
"$root/dev" image $start --tag "$tag" || {
  timeout 20 "$engine" info >/dev/null 2>&1 || skip "dockerd does not run here (its log: build/dockerd.log)"
  fail "the image could not be built"
}
ok "the image is built, $($engine image inspect --format '{{.Size}}' "$tag") bytes"

inspect() { "$engine" image inspect --format "$1" "$tag"; }
[ "$(inspect '{{.Config.User}}')" = 1000:1000 ] || fail "the image's user is $(inspect '{{.Config.User}}')"
ok "it runs as user 1000"
[ "$(inspect '{{.Size}}')" -lt 1700000000 ] || fail "the image is larger than 1.7 GB"
ok "it is smaller than 1.7 GB"

work=$(mktemp -d)
# Open to the container's user; the folder above it is not reachable by others.
mkdir "$work/run"
chmod 0755 "$work"
chmod 1777 "$work/run"
cleanup() {
  "$engine" rm --force --volumes "$name" "$name-two" >/dev/null 2>&1 || :
  rm -rf "$work"
}
trap cleanup EXIT

# Without a network: no build may have to fetch anything.
"$engine" run --detach --name "$name" --network none --volume "$work/run:/run/wasmagent" "$tag" >/dev/null
tries=0
# podman leaves the checks to systemd's timers, which may not be here: it is asked for one.
until [ "$("$engine" inspect --format '{{.State.Health.Status}}' "$name")" = healthy ] ||
  { [ "$engine" = podman ] && podman healthcheck run "$name" >/dev/null 2>&1; }; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { "$engine" logs "$name"; fail "the agent is not healthy after 60 s"; }
  [ "$("$engine" inspect --format '{{.State.Running}}' "$name")" = true ] || { "$engine" logs "$name"; fail "the agent ended"; }
  sleep 1
done
ok "its health check is met"

agent=unix:$work/run/agent.sock
"$wasmctl" info --agent "$agent" >"$work/info" || fail "info from outside"
grep -q wasi "$work/info" || { cat "$work/info"; fail "info names no WASI toolchain"; }
grep -q "emscripten 3" "$work/info" || { cat "$work/info"; fail "info names no Emscripten toolchain"; }
ok "the agent answers from outside, with a WASI and an Emscripten toolchain"

for project in makefile-hello autotools-lib cmake-cpp; do
  cp -r "$root/examples/$project" "$work/$project"
  targets="wasi native"
  # The others have it by default; this one says itself what it has.
  [ "$project" = autotools-lib ] || targets="$targets emscripten"
  for target in $targets; do
    "$wasmctl" submit --agent "$agent" --checkout "$work/$project" --target "$target" --output plain >"$work/log" 2>&1 ||
      { cat "$work/log"; fail "$project for $target"; }
    ok "$project is built for $target"
  done
done
owner=$(stat -c %u "$(find "$work/makefile-hello/builddir" -name hello.wasm | head -n 1)")
[ "$owner" = "$(id -u)" ] || fail "hello.wasm belongs to user $owner"
ok "what is built belongs to the caller"
answer=$("$wasmctl" run --checkout "$work/autotools-lib" --target wasi -- reader)
[ "$answer" = "Hello, reader, from a place without a host name." ] || fail "the program says: $answer"
ok "it runs"
answer=$("$wasmctl" run --checkout "$work/makefile-hello" --target emscripten -- reader)
[ "$answer" = "Hello, reader, from emscripten." ] || fail "the program says: $answer"
ok "what emscripten made runs in node"

# The compiler cache knows no paths: another checkout, in a workspace of its own, compiles nothing.
cp -r "$root/examples/makefile-hello" "$work/elsewhere"
for target in wasi emscripten; do
  "$wasmctl" submit --agent "$agent" --checkout "$work/elsewhere" --target "$target" --output plain >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "another checkout for $target"; }
  grep -q "ccache served 2 of 2 (100 %)" "$work/log" || { cat "$work/log"; fail "another checkout compiles for $target"; }
done
ok "another checkout has all of it from the compiler cache"

# Two WASI SDKs: the newest is taken, unless the project names the other one.
version_of() {  # SDK-LINE: what the compiler of a target with this line says of itself
  rm -rf "$work/versions"
  mkdir "$work/versions"
  cat >"$work/versions/wasmbuild.yaml" <<EOF
version: 1
targets:
  wasi:
    description: a program without a Makefile
    toolchain: wasi
    $1
    build_dir: builddir/wasi
    steps:
      - {name: version, kind: make, argv: ["\${sdk}/bin/clang++", --version]}
      - {name: compile, kind: make, argv: ["\${sdk}/bin/clang++", -fno-exceptions, -o, hello.wasm, "\${src}/hello.cc"]}
    artifacts: [hello.wasm]
    runner: {runtime: wasi, program: hello.wasm}
EOF
  printf '#include <string>\n#include <cstdio>\nint main() { puts(std::string("hello").c_str()); }\n' >"$work/versions/hello.cc"
  "$wasmctl" submit --agent "$agent" --checkout "$work/versions" --target wasi --output plain >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "a project with '$1'"; }
  [ "$("$wasmctl" run --checkout "$work/versions" --target wasi)" = hello ] || fail "a program built with '$1' does not run"
}
version_of ""
grep -q "clang version 19" "$work/log" || { cat "$work/log"; fail "the newest WASI SDK was not taken"; }
version_of "sdk: 16"
grep -q "clang version 14" "$work/log" || { cat "$work/log"; fail "the WASI SDK that the target names was not taken"; }
grep -q "wasi: toolchain: .* version 16, which the target names" "$work/log" || { cat "$work/log"; fail "the choice is not told"; }
ok "each of the two WASI SDKs builds C++, and a target can name one"

mkdir -p "$work/config/wasmctl"
printf 'image: %s\nengine: %s\n' "$tag" "$engine" >"$work/config/wasmctl/config.yaml"
answer=$(echo ignored | XDG_CONFIG_HOME=$work/config "$wasmctl" run --in-image --checkout "$work/makefile-hello" --target wasi -- reader)
[ "$answer" = "Hello, reader, from wasi." ] || fail "the program says in the image: $answer"
ok "it runs in the image where that is asked for"

# Emscripten's libraries are everybody's to read and nobody's to write; each port that CPython links is there.
"$engine" exec "$name" sh -c '
  cache=/usr/share/emscripten/cache/sysroot
  [ ! -w $cache ] && [ ! -w $cache/lib/wasm32-emscripten ] || exit 1
  for library in libz.a libbz2.a libsqlite3.a libc.a; do
    for folder in wasm32-emscripten wasm32-emscripten/pic wasm64-emscripten; do
      [ -f $cache/lib/$folder/$library ] || { echo "no $folder/$library"; exit 1; }
    done
  done
  [ -f $cache/lib/wasm32-emscripten/libsqlite3-mt.a ]' || fail "the Emscripten SDK is not as it should be"
ok "the Emscripten SDK is warmed, and read-only"

# Two Emscripten builds at once: the one that holds the lock of its cache, as emcc does while it makes a library, keeps no
# other waiting.
mkdir "$work/two" "$work/holder"
chmod 1777 "$work/two"
mkfifo -m 666 "$work/two/gate"
"$engine" run --detach --name "$name-two" --network none --volume "$work/two:/run/wasmagent" "$tag" \
  --listen unix:/run/wasmagent/agent.sock --state-directory /var/lib/wasmagent --slots 2 >/dev/null
two=unix:$work/two/agent.sock
await() {  # WHAT COMMAND...: a second a try
  awaited=$1
  shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { "$engine" logs "$name-two"; cat "$work/holder.log"; fail "after 60 s: $awaited"; }
    sleep 1
  done
}
: >"$work/holder.log"
await "no second agent answers" "$wasmctl" info --agent "$two"
cp "$root/examples/makefile-hello/hello.c" "$root/examples/makefile-hello/greeting.c" "$root/examples/makefile-hello/greeting.h" "$work/holder/"
cat >"$work/holder/wasmbuild.yaml" <<'EOF'
version: 1
targets:
  emscripten:
    description: holds the lock of its cache until it may go on
    toolchain: emscripten
    build_dir: builddir/emscripten
    steps:
      - name: hold
        kind: make
        argv: [sh, -c, 'exec 9>"$EM_CACHE/cache.lock"; flock 9; touch /run/wasmagent/held; read line </run/wasmagent/gate']
      - {name: link, kind: make, argv: [emcc, "${src}/hello.c", "${src}/greeting.c", -o, hello.js]}
    artifacts: [hello.js, hello.wasm]
EOF
"$wasmctl" submit --agent "$two" --checkout "$work/holder" --target emscripten --output plain >"$work/holder.log" 2>&1 &
holder=$!
await "the first build holds no lock" test -e "$work/two/held"
rm -rf "$work/makefile-hello/builddir"
"$wasmctl" submit --agent "$two" --checkout "$work/makefile-hello" --target emscripten --timeout 120s --output plain >"$work/log" 2>&1 ||
  { cat "$work/log"; fail "an Emscripten build waits for another one's cache"; }
echo go >"$work/two/gate"
wait "$holder" || { cat "$work/holder.log"; fail "the build that held its cache"; }
ok "two Emscripten builds at once do not wait for each other"

"$engine" stop --time 20 "$name" >/dev/null
code=$("$engine" inspect --format '{{.State.ExitCode}}' "$name")
[ "$code" = 0 ] || { "$engine" logs "$name" | tail -n 20; fail "a stopped agent exits with $code"; }
ok "TERM ends the agent with 0"
"$engine" start "$name" >/dev/null
tries=0
until "$wasmctl" list --all --agent "$agent" >"$work/list" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || fail "the agent does not answer after a restart"
  sleep 1
done
grep -q succeeded "$work/list" || { cat "$work/list"; fail "the restarted agent has forgotten its builds"; }
ok "a restarted container remembers its builds"
