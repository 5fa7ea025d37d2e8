#!/bin/sh
# install-release.sh: unpack one release archive into a folder, if it is the archive that was asked for.
#
#   install-release.sh --from URL|FILE --sha256 HEX --dest DIR [--strip N] [--expect PATH]...
#
# The archive is checked before a byte of it is unpacked. DIR appears complete or not at all; an existing DIR is refused.
# --strip N drops the leading N path components (1: the archive's top folder). --expect names an executable that DIR must hold.
set -eu

fail() { echo "install-release: $*" >&2; exit 1; }

from='' sha256='' dest='' strip=1 expected=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "$1 needs a value"
  case $1 in
    --from) from=$2 ;;
    --sha256) sha256=$2 ;;
    --dest) dest=$2 ;;
    --strip) strip=$2 ;;
    --expect) expected="$expected $2" ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ -n "$from" ] || fail "--from is missing: a URL, or the path of a file"
[ -n "$dest" ] || fail "--dest is missing"
case $sha256 in
  '') fail "--sha256 is missing: $from is not installed unverified (take the sum from the release's page)" ;;
  *[!0-9a-fA-F]*) fail "--sha256 is not a SHA-256 in hexadecimal: $sha256" ;;
esac
[ ${#sha256} -eq 64 ] || fail "--sha256 has ${#sha256} digits, a SHA-256 has 64"
case $strip in '' | *[!0-9]*) fail "--strip is not a number: $strip" ;; esac
[ ! -e "$dest" ] || fail "$dest exists already"

parent=$(dirname "$dest")
mkdir -p "$parent"
# Beside the destination: the last step must be a rename.
work=$(mktemp -d "$parent/.install-release.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

case $from in
  http://* | https://*)
    command -v curl >/dev/null || fail "curl is needed to fetch $from"
    curl --fail --location --silent --show-error --retry 3 --output "$work/archive" "$from" || fail "could not fetch $from"
    archive=$work/archive ;;
  *)
    [ -f "$from" ] || fail "no such file: $from"
    archive=$from ;;
esac

actual=$(sha256sum <"$archive" | cut -d ' ' -f 1)
[ "$actual" = "$(printf %s "$sha256" | tr A-F a-f)" ] ||
  fail "$from has the wrong SHA-256
  expected $sha256
  found    $actual"

mkdir "$work/tree"
# The archive's owners mean nothing here, and its modes must not depend on the caller's umask.
tar -C "$work/tree" --strip-components="$strip" --no-same-owner --preserve-permissions -xf "$archive" ||
  fail "could not unpack $from"
[ -n "$(ls -A "$work/tree")" ] || fail "$from holds nothing below $strip leading folder(s)"
for path in $expected; do
  [ -x "$work/tree/$path" ] || fail "$from has no executable $path: another archive, or --strip $strip is wrong"
done
mv "$work/tree" "$dest"
