#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# diff.sh TIERS-RUN FIRST COUNT [OPTION]: generated modules in all tiers and in node. Both sides must agree, and both must
# say so.
set -u
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
# Frames of another engine may be larger than ours: it gets four times as much room for them as it would take.
{
	"$1" -l ${4:+"$4"} "$2" "$3" 2>"$dir/ours"
	echo $? >"$dir/status"
} | node --single-threaded --stack-size=4000 "$(dirname "$0")/repeat.mjs" >"$dir/theirs"
theirs=$?
ours=$(cat "$dir/status")
cat "$dir/ours" "$dir/theirs"
[ "$theirs" -eq 0 ] && [ "$ours" -eq 0 ] || exit 1
grep -q "^repeat: $3 passed, 0 failed" "$dir/theirs" || { echo "check-diff: node did not see all $3 modules"; exit 1; }
