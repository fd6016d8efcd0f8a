#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a workload may do to its Keep: loop, recurse, hoard, trap, exit; in each kind of Keep this machine has.
set -u
suite=limits
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
guests=$B/test/guests

kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi

for kind in $kinds; do
	run() { try "$broch" run -q --backend "$kind" "$@"; }

	run "$guests/status.wasm" 42
	if want_status 42 "$kind: exit status"; then good; fi
	run "$guests/status.wasm" trap
	if want_status 134 "$kind: trap"; then
		if grep -q 'unreachable executed in function [0-9]* "[a-z_]*" at offset 0x' "$tmp/err"; then good; else bad "$kind: a trap is not explained"; fi
	fi
	run "$guests/wild.wasm"
	if want_status 134 "$kind: a wild pointer in compiled code"; then
		if grep -q 'out of bounds memory access in function [0-9]* "[a-z_]*" at offset 0x' "$tmp/err"; then good; else bad "$kind: a wild pointer is not explained"; fi
	fi
	run "$guests/recurse.wasm"
	if want_status 134 "$kind: recursion without end"; then
		if grep -qi 'stack' "$tmp/err"; then good; else bad "$kind: stack exhaustion is not explained"; fi
	fi
	run --timeout 300ms "$guests/spin.wasm"
	if want_status 125 "$kind: time limit"; then
		if grep -qi 'limit\|time' "$tmp/err" && grep -q started "$tmp/out"; then good; else bad "$kind: the time limit is not explained"; fi
	fi
	run --cpu-time 300ms "$guests/spin.wasm"
	if want_status 125 "$kind: CPU time limit"; then good; fi
	run --memory 64MiB "$guests/hog.wasm"
	if want_status 0 "$kind: memory limit"; then
		mib=$(sed 's/ MiB//' "$tmp/out")
		if [ "$mib" -ge 40 ] && [ "$mib" -le 64 ]; then good; else bad "$kind: got $mib of 64 MiB"; fi
	fi
	status=0
	head -c 1000000 /dev/zero | tr '\0' '\1' | "$broch" run -q --backend "$kind" "$guests/status.wasm" sum >"$tmp/out" 2>"$tmp/err" || status=$?
	if want_status 0 "$kind: standard input"; then
		if [ "$(cat "$tmp/out")" = "1000000 bytes, sum 1000000" ] && grep -q '^done$' "$tmp/err"; then good; else bad "$kind: standard input is not what was sent"; fi
	fi
done

# Ctrl-C stops a run; the workload's output so far is there. (A job in the background of sh would ignore the signal.)
try timeout --preserve-status -k 20 -s INT 3 "$broch" run -q "$guests/spin.wasm"
if want_status 130 "interrupt"; then
	if grep -q started "$tmp/out"; then good; else bad "interrupt: output is lost"; fi
fi

# `broch stop` acts on a tight loop.
start_agent
make_policy
fresh
"$broch" deploy --host "unix:$sock" --policy "$policy" --name looper "$guests/spin.wasm" >"$tmp/out" 2>"$tmp/err" </dev/null &
client=$!
until_true 20 grep -q started "$tmp/out"
try "$broch" stop --host "unix:$sock" looper
if want_status 0 "stop"; then good; fi
if until_true 5 none_left; then good; else bad "stop left the keeper running"; fi
status=0
wait $client || status=$?
if [ "$status" -ne 0 ] && [ -s "$tmp/err" ]; then good; else bad "the client of a stopped workload does not say so"; fi
result
