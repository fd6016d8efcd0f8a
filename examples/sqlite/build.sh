#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh DIR OUT.wasm: Debian's SQLite, fetched and verified by apt into DIR (once), and kv.c, as one program. What WASI
# has not (users, permissions, processes) are the stubs of test/programs/sqlite.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
stubs=$here/../../test/programs/sqlite
mkdir -p "$1"
dir=$(cd "$1" && pwd)
out=$(realpath "$2")
clang=${WASMCC:-clang-19}
"$here/../../test/programs/fetch-debian.sh" "$dir" sqlite3
mkdir -p "$dir/sqlite.build" "$dir/kv.build"
cd "$dir/sqlite.build"
if [ ! -s sqlite3.c ] || [ ! -s sqlite3.h ]; then
	make -f ../sqlite3/main.mk TOP=../sqlite3 BCC="${CC:-gcc}" TCC="${CC:-gcc}" sqlite3.c sqlite3.h
fi
cd "$dir/kv.build"
flags="--target=wasm32-wasi -I../sqlite.build -I$stubs -include stubs.h -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_GETPID
	-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION
	-DSQLITE_OMIT_WAL"
# shellcheck disable=SC2086 # flags are words
[ -s sqlite3.o ] || "$clang" $flags -w -Os -c ../sqlite.build/sqlite3.c -o sqlite3.o
# shellcheck disable=SC2086
{
	"$clang" $flags -w -Os -c "$stubs/stubs.c" -o stubs.o
	"$clang" $flags -std=gnu17 -Wall -Wextra -Werror -Os -c "$here/kv.c" -o kv.o
}
"$clang" --target=wasm32-wasi -s -o "$out" kv.o sqlite3.o stubs.o -lwasi-emulated-mman -lwasi-emulated-getpid -lwasi-emulated-signal \
	-lwasi-emulated-process-clocks
