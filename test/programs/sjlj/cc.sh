#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cc.sh OUT.wasm LIBS -- FLAGS SOURCES...: compiles C that uses setjmp for wasm32-wasi without exception handling (lower.mjs).
# Leaves OUT.eh.wasm, which has them, beside it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1 libs=$2
shift 3
objects=${out%.wasm}.objects
rm -rf "$objects"
mkdir -p "$objects"
flags=
for a in "$@"; do
	case $a in
	*.c)
		# shellcheck disable=SC2086 # flags are words
		clang-19 --target=wasm32-wasi -O2 -w -mllvm -wasm-enable-sjlj -mexception-handling -I"$here" $flags -c "$a" \
			-o "$objects/$(basename "$a" .c).o"
		;;
	*) flags="$flags $a" ;;
	esac
done
clang-19 --target=wasm32-wasi -O2 -w -mllvm -wasm-enable-sjlj -mexception-handling -I"$here" -c "$here/setjmp.c" -o "$objects/setjmp.o"
# Linked without -O: clang would run wasm-opt, and Debian's does not know exceptions.
# shellcheck disable=SC2086
clang-19 --target=wasm32-wasi -s -o "${out%.wasm}.eh.wasm" "$objects"/*.o $libs
wasm2wat --enable-exceptions "${out%.wasm}.eh.wasm" | node "$here/lower.mjs" >"${out%.wasm}.wat"
wat2wasm "${out%.wasm}.wat" -o "$out"
rm -rf "$objects" "${out%.wasm}.wat"
