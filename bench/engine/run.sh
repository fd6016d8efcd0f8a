#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/engine/run.sh BUILD [NAME...]: CPU time of the programs of programs.txt in our engine (interpreter, baseline and
# optimizing compiler) and in node, over native clang -O2 (table.py). NAME: only these, or groups of them. FILE=x.wasm:
# how fast that one is compiled, too. Needs build/bench/engine-run (make bench BENCH=engine makes it; ONLY="NAME...").
set -eu
build=$1
shift
here=bench/engine
dir=$build/bench/engine
clang=${CLANG:-clang-19}
mkdir -p "$dir"

# Native and wasm, by the same compiler with the same flags.
compile() { # group name
	if [ "$1" = debian ]; then
		$here/debian.sh "$build" "$2" >"$dir/$2.log" 2>&1 && return
		echo "SKIPPED $2: cannot be fetched or built, see $dir/$2.log: $(tail -n 1 "$dir/$2.log")"
		return 1
	fi
	src=$here/kernels/$2.c
	[ -e "$src" ] || src=$here/kernels/$1/$2.c
	simd=
	[ "$1" != simd ] || simd=-msimd128
	"$clang" -O2 -I. -o "$dir/$2" $here/native.c "$src" -lm || exit 1
	"$clang" --target=wasm32-wasi -O2 $simd -I. -mexec-model=reactor -o "$dir/$2.wasm" "$src"
}

rm -f "$dir/list"
grep -v '^#' $here/programs.txt | while read -r group name n; do
	case " ${*:-$name} " in *" $name "* | *" $group "*) ;; *) continue ;; esac
	compile "$group" "$name" || [ "$group" = debian ] || exit 1
	[ -e "$dir/$name.wasm" ] || continue
	echo "$group $name $n" >>"$dir/list"
done
[ -s "$dir/list" ] || { echo "bench/engine: no program is called $*; bench/engine/programs.txt has the names" >&2; exit 2; }
exec python3 $here/table.py "$build/bench/engine-run" "$dir" ${FILE:+"$FILE"}
