#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-tests.sh NAME PROGRAM...: runs each program, prints the output of those that fail, ends with the sum.
# Exit status of a program: 0 passed, 77 skipped (it says why on its last line), anything else failed; one that hangs is
# ended after TEST_LIMIT seconds and has failed.
name=$1
shift
pass=0 fail=0 skip=0
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
for t in "$@"; do
	timeout -k 5 "${TEST_LIMIT:-300}" "$t" >"$log" 2>&1 </dev/null
	case $? in
	0) pass=$((pass + 1)) ;;
	77) skip=$((skip + 1)); echo "SKIPPED $t: $(tail -n 1 "$log")" ;;
	124 | 137) fail=$((fail + 1)); echo "FAILED $t: it hung"; sed 's/^/    /' "$log" ;;
	*) fail=$((fail + 1)); echo "FAILED $t"; sed 's/^/    /' "$log" ;;
	esac
done
echo "$name: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
