#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tcb.sh IMAGE OBJECT...: prints the lines of our own code that are linked into a Keep image, by folder, and the size of
# the measured image; fails when either is over its gate. The objects' .d files say which sources and headers count.
set -eu
max_lines=40000
max_image=$((1024 * 1024))
image=$1
shift

files=$(for o in "$@"; do
	sed -e 's/\\$//' -e 's/^[^:]*://' "${o%.o}.d" | tr -s ' ' '\n'
done | sed 's/:$//' | grep -E '^(abi|lib|keep)/' | sort -u)

echo "Trusted code of $image (lines with code, comments and blanks left out):"
# shellcheck disable=SC2086
awk '
	FNR == 1 { dir = FILENAME; sub(/\/[^\/]*$/, "", dir); inside = 0 }
	{
		line = $0
		if (inside) { if (line ~ /\*\//) { sub(/.*\*\//, "", line); inside = 0 } else next }
		gsub(/\/\*[^*]*\*\//, "", line)
		if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); inside = 1 }
		sub(/\/\/.*/, "", line)
		if (line ~ /[^ \t]/) { n[dir]++; total++ }
	}
	END {
		for (d in n) printf "  %7d  %s\n", n[d], d | "sort -k2"
		close("sort -k2")
		printf "  %7d  in all\n", total
	}' $files | tee "${image}.tcb"
lines=$(sed -n 's/^ *\([0-9]*\)  in all$/\1/p' "${image}.tcb")
size=$(wc -c <"$image")
echo "  image: $size bytes (gate $max_image); foreign code: libbearssl.a only"
[ "$lines" -le "$max_lines" ] || { echo "tcb: $lines lines are over the gate of $max_lines" >&2; exit 1; }
[ "$size" -le "$max_image" ] || { echo "tcb: the image is over the gate of $max_image bytes" >&2; exit 1; }
