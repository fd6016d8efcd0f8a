#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sum.sh NAME LOG: what the tests on the serial line said; a line that never came is a failure.
name=$1 log=$2
pass=$(grep -c '\[       OK \]' "$log")
fail=$(tr -d '\r' <"$log" | grep '\[  FAILED  \] test_' | sort -u | wc -l)
if ! tr -d '\r' <"$log" | grep -q '^keep-tests: status 0$'; then
	tail -n 40 "$log"
	[ "$fail" -gt 0 ] || fail=1
	[ "$pass" -gt 0 ] || fail=1
fi
skip=$(tr -d '\r' <"$log" | grep '\[  SKIPPED \] test_' | sort -u | wc -l)
echo "$name: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
