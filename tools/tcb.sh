#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tcb.sh BUILD/bin/IMAGE...: what is trusted once a Keep image is: by folder, the lines of the sources and headers of every object of
# which a byte is in the image, and those bytes; fails when lines or image are over their gates. IMAGE.map (the linker's,
# with .elf cut off) says what was linked, the objects' .d files say which headers that took. Blank lines and comments
# do not count.
set -eu
max_lines=40000
max_image=$((1024 * 1024))

# "bytes object" for each object that has a share in the image: what --gc-sections left out is listed in an earlier part.
objects() {
	awk '
		/^Linker script and memory map/ { inside = 1 }
		/^\.(comment|debug)|^\/DISCARD\// { inside = 0 }
		!inside || !/^ / { next }
		NF == 1 && /^ \.[a-z]/ { wrapped = 1; next } # a long section name: the rest is on the next line
		/^ \.[a-z]/ && NF >= 4 || wrapped && NF >= 3 {
			at = wrapped ? $1 : $2; size = wrapped ? $2 : $3; name = wrapped ? $3 : $4
			if (at ~ /^0x/ && size ~ /^0x/ && size != "0x0" && name ~ /\.o\)?$/) print size, name
		}
		{ wrapped = 0 }' "$1" |
		while read -r size name; do echo "$((size)) $name"; done |
		awk '{ n[$2] += $1 } END { for (o in n) print n[o], o }'
}

# Lines of code of each file.
count() {
	awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			if (inside) { if (line ~ /\*\//) { sub(/.*\*\//, "", line); inside = 0 } else next }
			gsub(/\/\*[^*]*\*\//, "", line)
			if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); inside = 1 }
			sub(/\/\/.*/, "", line)
			if (line ~ /[^ \t]/) n[FILENAME]++
		}
		END { for (f in n) print "lines", n[f], f }' "$@"
}

one() {
	image=$1 map=${1%.elf}.map objects=$tmp/objects table=$tmp/table
	objects "$map" >"$objects"
	ours=$(awk '$2 !~ /\.a\(/ { print $2 }' "$objects")
	files=$(for o in $ours; do
		sed -e 's/\\$//' -e 's/^[^:]*://' "${o%.o}.d" | tr -s ' ' '\n'
	done | sed 's/:$//' | grep -E '^(abi|lib|keep)/' | sort -u)
	echo "$image: lines and bytes of what is in it"
	# shellcheck disable=SC2086 # a list of names
	{ count $files; sed 's/^/bytes /' "$objects"; } | awk -v objects="${image%/*/*}/keep/" '
		function folder(f) { if (index(f, objects) == 1) f = substr(f, length(objects) + 1); sub(/\/[^\/]*$/, "", f); return f }
		$1 == "lines" { d = folder($3); lines[d] += $2; all += $2; if (d == "lib/wasm") engine += $2; next }
		$3 ~ /\.a\(/ { foreign += $2; members++; sub(/\(.*/, "", $3); sub(/.*\//, "", $3); lib[$3]; next }
		{ d = folder($3); lines[d] += 0; bytes[d] += $2; own += $2 }
		END {
			for (d in lines) printf "  %7d lines %8d bytes  %s\n", lines[d], bytes[d], d | "sort -k5"
			close("sort -k5")
			printf "  %7d lines %8d bytes  in all: engine (lib/wasm) %d, the rest %d lines\n", all, own, engine, all - engine
			for (l in lib) printf "  %7s       %8d bytes  foreign: %d objects of %s\n", "", foreign, members, l
		}' | tee "$table"
	lines=$(sed -n 's/^ *\([0-9]*\) lines .*in all:.*/\1/p' "$table")
	size=$(wc -c <"$image")
	foreign=$(sed -n 's/.* foreign: .* of //p' "$table")
	echo "  image: $size bytes (gate $max_image); lines: $lines (gate $max_lines)"
	[ "${lines:-0}" -gt 0 ] || { echo "tcb: $map names none of our objects" >&2; return 1; }
	[ "$lines" -le "$max_lines" ] || { echo "tcb: $lines lines are over the gate of $max_lines" >&2; return 1; }
	[ "$size" -le "$max_image" ] || { echo "tcb: the image is over the gate of $max_image bytes" >&2; return 1; }
	[ "$foreign" = libbearssl.a ] || { echo "tcb: foreign code other than libbearssl.a: $foreign" >&2; return 1; }
}

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
pass=0 fail=0
for i in "$@"; do
	if one "$i"; then pass=$((pass + 1)); else fail=$((fail + 1)); fi
done
echo "tcb: $pass passed, $fail failed"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
