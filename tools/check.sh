#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh "MAKE -jN" TARGET...: runs each target, goes on after a failure, sums all `N passed, N failed[, N skipped]` lines.
# A target that fails without such a line counts as one failure: nothing can hide; nor can one hang the rest: it is ended
# after TARGET_LIMIT seconds, and what it started with it.
set -u
make=$1
shift
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
pass=0 fail=0 skip=0
broken=
for t in "$@"; do
	start=$(date +%s)
	echo "== $t"
	# shellcheck disable=SC2086 # make is words
	timeout -k 10 "${TARGET_LIMIT:-900}" $make --no-print-directory "$t" >"$log" 2>&1 </dev/null
	status=$?
	[ "$status" -ne 124 ] || echo "FAILED $t: ended after ${TARGET_LIMIT:-900} s"
	grep -v -E '^  (CC|LD|AS|AR)( |$)' "$log"
	sums=$(sed -n -E 's/^([a-z][^:]*: )?([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\2 \3 \5/p' "$log" |
		awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
	read -r p f s <<-EOF
		$sums
	EOF
	[ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
	[ "$f" -eq 0 ] || broken="$broken $t"
	pass=$((pass + p)) fail=$((fail + f)) skip=$((skip + s))
	echo "== $t: $(($(date +%s) - start)) s"
done
[ -z "$broken" ] || echo "failed:$broken"
echo "$pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
