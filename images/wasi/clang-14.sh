#!/bin/sh
# clang-14.sh DEST: the compiler and the libc for WASI of the release before this one, Debian 12's clang 14 and its wasi-libc,
# unpacked below DEST as they would lie below /. What their versions are for, no newer ones are: CPython 3.11 is of their time.
# For a throwaway stage: it points apt at that release.
set -eu
dest=${1:?usage: clang-14.sh DEST}
release=bookworm

# Both forms of apt's lists.
# shellcheck disable=SC1091
this=$(. /etc/os-release && echo "$VERSION_CODENAME")
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  if [ -f "$list" ]; then sed -i "s/\b$this\b/$release/g" "$list"; fi
done
apt-get update

work=$(mktemp -d)
# apt's own user fetches, and must be able to write here.
chmod 777 "$work"
cd "$work"
# Of wasi-libc a newer one is installed already, which apt would take.
apt-get download clang-14 libclang-common-14-dev libclang-cpp14 libllvm14 lld-14 llvm-14 "wasi-libc/$release" \
  libclang-rt-14-dev-wasm32 libc++-14-dev-wasm32 libc++abi-14-dev-wasm32
mkdir -p "$dest"
for package in *.deb; do dpkg-deb --extract "$package" "$dest"; done
rm -rf "$work"

# Of LLVM's programs those that builds call, by the names that a WASI SDK has; licences stay.
cd "$dest/usr/lib/llvm-14/bin"
for program in *; do
  case $program in
    clang|clang++|clang-cpp|lld|wasm-ld|llvm-ar|llvm-ranlib|llvm-nm|llvm-strip|llvm-objcopy|llvm-objdump|llvm-size|llvm-readelf|llvm-readobj|llvm-cxxfilt|llvm-dwarfdump) ;;
    *) rm "$program" ;;
  esac
done
# Debian's clang calls its linker so.
ln -s wasm-ld wasm-ld-14
cd "$dest/usr"
# The one name by which the agent looks for it.
find bin -type l ! -name clang-14 -delete
find share/doc -mindepth 2 ! -name copyright \( -type f -o -type l \) -delete
rm -rf share/man share/lintian share/bash-completion \
  lib/llvm-14/build lib/llvm-14/cmake lib/llvm-14/libexec lib/llvm-14/share
# Of the headers those of libc++, to which include/wasm32-wasi has a link.
find lib/llvm-14/include -mindepth 1 -maxdepth 1 ! -name wasm32-wasi -exec rm -rf {} +
