#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/engine/run.sh BUILD [KERNEL...]: CPU time of the kernels in our engine (interpreter, baseline and optimizing compiler) and in node,
# over native clang -O2, and how fast is compiled. FILE=x.wasm: that file for the latter.
# Each is run three times, the smallest counts. Needs build/bench/engine-run (make bench BENCH=engine makes it).
set -eu
build=$1
shift
dir=$build/bench/engine
clang=${CLANG:-clang-19}
kernels=${*:-sha256:300000 matmul:16 sieve:12 fib:35 nbody:350000 json:2200 sort:16 icall:12000000 brtable:16000 stream:250}
mkdir -p "$dir"

best() { # prints "checksum microseconds" of the fastest of three runs
	for _ in 1 2 3; do "$@"; done | sort -n -k2 | head -n 1
}

printf '%-10s %10s %12s %12s %12s %9s %9s %9s %9s\n' kernel "native us" "interp us" "base us" "opt us" interp base opt node
for k in $kernels; do
	name=${k%:*} n=${k#*:}
	src=bench/engine/kernels/$name.c
	"$clang" -O2 -I. -Wno-unknown-attributes -o "$dir/$name" bench/engine/native.c "$src"
	"$clang" --target=wasm32-wasi -O2 -I. -mexec-model=reactor -o "$dir/$name.wasm" "$src"
	native=$(best "$dir/$name" "$n")
	ours=$(best "$build/bench/engine-run" "$dir/$name.wasm" "$n")
	base=$(best "$build/bench/engine-run" -b "$dir/$name.wasm" "$n")
	opt=$(best "$build/bench/engine-run" -o "$dir/$name.wasm" "$n")
	if command -v node >/dev/null; then node=$(best node bench/engine/node.mjs "$dir/$name.wasm" "$n"); else node="${native% *} 0"; fi
	if [ "${native% *}" != "${ours% *}" ] || [ "${native% *}" != "${base% *}" ] ||
		[ "${native% *}" != "${opt% *}" ] || [ "${native% *}" != "${node% *}" ]; then
		echo "FAILED $name: checksums differ: native $native, interpreted $ours, compiled $base, optimized $opt, node $node" >&2
		exit 1
	fi
	echo "$name ${native#* } ${ours#* } ${base#* } ${opt#* } ${node#* }"
done | awk '{
	printf "%-10s %10d %12d %12d %12d %8.2fx %8.2fx %8.2fx %8.2fx\n", $1, $2, $3, $4, $5, $3 / $2, $4 / $2, $5 / $2, $6 / $2
	interp += log($3 / $2); base += log($4 / $2); opt += log($5 / $2); if ($6 > 0) node += log($6 / $2); n++
} END {
	printf "%-10s %10s %12s %12s %12s %8.2fx %8.2fx %8.2fx %8.2fx\n",
		"geomean", "", "", "", "", exp(interp / n), exp(base / n), exp(opt / n), exp(node / n)
}'

# bytes, arena, us to load, us to compile, functions compiled and not, bytes of code
file=${FILE:-$(find "$dir" -name '*.wasm' -size +4k | sort | head -n 1)}
for tier in -b -o; do
	for _ in 1 2 3; do "$build/bench/engine-run" $tier "$file"; done | sort -n -k4 | head -n 1 | awk -v file="$file" -v tier="$tier" '{
		printf "%s %s: %d bytes; loaded %.0f MB/s, compiled %.0f MB/s, both %.0f MB/s; %d functions compiled, %d optimized, %d not; code %.2f of the module\n",
			file, tier, $1, $1 / $3, $1 / $4, $1 / ($3 + $4), $5, $8, $6, $7 / $1
	}'
done
