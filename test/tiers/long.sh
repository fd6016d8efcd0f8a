#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# long.sh FIRST COUNT: random modules FIRST and on in every tier and in node, a thousand at a time, on one core that nobody
# else wants, and a line for test/tiers/RECORD: commit, first module, modules, functions, batches with a difference. Ends at
# COUNT, or when it is told to, after the batch at hand. What differs is printed. long.sh --sum adds the lines up.
set -u
here=test/tiers
record=$here/RECORD
runner=build/test/tiers-run

if [ "${1-}" = --sum ]; then
	awk '!/^#/ && NF == 5 { modules += $3; functions += $4; bad += $5 }
		END { printf "%d modules, %d functions, %d batches with a difference\n", modules, functions, bad }' "$record"
	exit 0
fi
[ $# -eq 2 ] || { echo "usage: test/tiers/long.sh FIRST COUNT, or --sum" >&2; exit 2; }
make -s "$runner" || exit 2
cp "$runner" "build/test/tiers-long.$$" && runner=build/test/tiers-long.$$ # the sources may change meanwhile
commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain -- lib sys "$here/*.c")" ] || commit=$commit+changes
first=$1 at=$1 functions=0 bad=0
stop=
trap 'stop=1' INT TERM
while [ -z "$stop" ] && [ "$at" -lt $((first + $2)) ]; do
	if ! out=$(chrt -i 0 nice -n 19 "$here/diff.sh" "$runner" "$at" 1000 -q); then
		[ -n "$stop" ] && break # what it was told may have reached the batch, too
		bad=$((bad + 1))
		echo "modules $at and on:"
		echo "$out"
	fi
	functions=$((functions + $(echo "$out" | sed -n 's/^tiers: \([0-9]*\) functions.*/\1/p')))
	at=$((at + 1000))
done
rm -f "$runner"
[ "$at" -eq "$first" ] || printf '%s %s %s %s %s\n' "$commit" "$first" "$((at - first))" "$functions" "$bad" >>"$record"
echo "tiers, long: $((at - first)) modules, $functions functions, $bad batches with a difference"
[ "$bad" -eq 0 ]
