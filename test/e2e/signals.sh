#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C, kill and a lost terminal end `broch run` at any moment of its life, with the signal's status and nothing left: no
# agent, keeper, socket or temporary folder. The moments are spread, not aimed: each must do.
set -u
suite=signals
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
spin=$B/test/guests/spin.wasm
nobody() { ! pgrep -f "^[^ ]*/(brochd .*--private|brochd-keep ).*$tmp" >/dev/null; }

try "$broch" run -q "$hello" # makes the test root, which takes a while
if want_status 0 "run"; then good; fi
for signal in INT:130 TERM:143 HUP:129 KILL:137; do
	for ms in 002 006 010 014 018 024 030 040 060 100 300; do
		# In the foreground, else timeout would signal itself too.
		try timeout --foreground --preserve-status -k 20 -s ${signal%:*} 0.$ms "$broch" run -q "$spin"
		what="SIG${signal%:*} after $ms ms"
		want_status ${signal#*:} "$what" || continue
		if [ "$signal" = KILL:137 ] || [ ! -s "$tmp/err" ]; then good; else bad "$what: -q, and yet it talks"; fi
	done
	if until_true 15 nobody; then good; else bad "SIG${signal%:*}: an agent or keeper is left"; fi
	[ "$signal" != KILL:137 ] || continue # may come within the microseconds in which there is a folder
	if [ -z "$(find "$tmp/run" -mindepth 1)" ]; then good; else bad "SIG${signal%:*}: left $(find "$tmp/run" -mindepth 1)"; fi
done
result
