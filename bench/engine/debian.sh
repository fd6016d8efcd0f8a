#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# debian.sh BUILD NAME: Lua or SQLite, from Debian's source package, with kernels/debian/NAME.c on top: BUILD/bench/engine/NAME,
# NAME.wasm. Fetched and compiled when it is not there, or older than what is ours in it.
set -eu
build=$1 name=$2
dir=$build/bench/engine programs=$build/programs
src=bench/engine/kernels/debian/$name.c
clang=${CLANG:-clang-19}
if [ -e "$dir/$name.wasm" ]; then
	newer=$(find "$src" bench/engine/debian.sh bench/engine/native.c -newer "$dir/$name.wasm")
	[ -n "$newer" ] || exit 0
fi
mkdir -p "$dir"

# both LIBS -- FLAGS AND FILES
both() {
	libs=$1
	shift 2
	"$clang" -O2 -w -I. "$@" -o "$dir/$name" bench/engine/native.c "$src" -lm
	# shellcheck disable=SC2086 # libraries are words
	"$clang" --target=wasm32-wasi -O2 -w -I. -Itest/programs/sjlj -D_WASI_EMULATED_SIGNAL -mexec-model=reactor "$@" \
		-o "$dir/$name.wasm" "$src" $libs
}

lua() {
	test/programs/fetch-debian.sh "$programs" lua5.4
	mkdir -p "$dir/lua.inc"
	echo '#define DEB_HOST_MULTIARCH "none"' >"$dir/lua.inc/lua5.4-deb-multiarch.h"
	# All but the programs and the libraries that want a system; errors end it; the same seeds each time.
	others="/(lua|luac|linit|liolib|loslib|loadlib|ldblib|lcorolib|lmathlib|lutf8lib)\.c"
	# shellcheck disable=SC2046
	both -lwasi-emulated-signal -- -I"$programs/lua5.4/src" -I"$dir/lua.inc" -include stdlib.h \
		'-DLUAI_THROW(L,c)=abort()' '-DLUAI_TRY(L,c,a)={a}' -Dluai_jmpbuf=int '-Dluai_makeseed(L)=1u' '-Dl_randomizePivot()=7u' \
		$(find "$programs/lua5.4/src" -name 'l*.c' | grep -Ev "$others" | sort)
}

sqlite() {
	test/programs/fetch-debian.sh "$programs" sqlite3
	mkdir -p "$programs/sqlite.build"
	make -s -C "$programs/sqlite.build" -f ../sqlite3/main.mk TOP=../sqlite3 BCC="${CC:-gcc}" TCC="${CC:-gcc}" \
		sqlite3.c sqlite3.h
	both "" -- -I"$programs/sqlite.build" -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_TEMP_STORE=3 \
		-DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL -DSQLITE_OMIT_LOCALTIME "$programs/sqlite.build/sqlite3.c"
}

"$name"
