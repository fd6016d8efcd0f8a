#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Much data through the session: out as fast as the program can, in and out at once, and a reader that goes away.
set -u
suite=streams
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
copy=$B/test/guests/copy.wasm
none_left() { ! pgrep -f "brochd.*$tmp" >/dev/null; }
head -c 8388608 /dev/urandom >"$tmp/data"

for kind in process kvm; do
	if [ $kind = kvm ] && { [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; }; then
		skipped "kvm: no access to /dev/kvm"
		continue
	fi
	size=$(timeout 120 "$broch" run -q --backend $kind "$copy" 32 2>"$tmp/err" </dev/null | wc -c)
	if [ "$size" -eq 33554432 ]; then good; else bad "$kind: $size bytes of output, not 33554432"; fi

	if timeout 120 "$broch" run -q --backend $kind "$copy" <"$tmp/data" >"$tmp/back" 2>"$tmp/err" &&
		cmp -s "$tmp/data" "$tmp/back"; then
		good
	else
		bad "$kind: what came back is not what went in"
	fi

	timeout 120 "$broch" run -q --backend $kind "$copy" 1000 2>"$tmp/err" </dev/null | head -c 100000 | wc -c >"$tmp/count"
	if [ "$(cat "$tmp/count")" -eq 100000 ]; then good; else bad "$kind: a reader that goes away got $(cat "$tmp/count") bytes"; fi
	if until_true 20 none_left; then good; else bad "$kind: a host agent or keeper is left"; fi
done
result
