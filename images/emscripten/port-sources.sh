#!/bin/sh
# port-sources.sh DEST: the sources of the ports that CPython links (zlib, bzip2, sqlite3), from the distribution's source
# packages, as DEST/zlib, DEST/bzip2 and DEST/sqlite3. For a throwaway stage: it installs what it needs.
set -eu
dest=${1:?usage: port-sources.sh DEST}

# Both forms of apt's lists.
sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/*.sources 2>/dev/null || :
if [ -s /etc/apt/sources.list ]; then sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list; fi
apt-get update
apt-get install -y --no-install-recommends dpkg-dev gcc libc6-dev make tcl xz-utils bzip2

mkdir -p "$dest/zlib" "$dest/bzip2" "$dest/sqlite3"
work=$(mktemp -d)
cd "$work"
# The archives of upstream alone: the distribution's patches are not for WebAssembly, and may be newer than a mirror.
apt-get source --download-only --tar-only zlib bzip2 sqlite3
tar -C "$dest/zlib" --strip-components=1 -xf zlib_*.orig.tar.*z*
tar -C "$dest/bzip2" --strip-components=1 -xf bzip2_*.orig.tar.*z*
# The port wants sqlite as one file, which its own sources make.
mkdir sqlite
tar -C sqlite --strip-components=1 -xf sqlite3_*.orig.tar.xz
(cd sqlite && ./configure --disable-tcl >/dev/null && make sqlite3.c >/dev/null)
cp sqlite/sqlite3.c sqlite/sqlite3.h sqlite/src/sqlite3ext.h "$dest/sqlite3/"
rm -rf "$work"
