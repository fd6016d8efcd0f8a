#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A relay that flips, drops, repeats, reorders, truncates, resizes or swaps any record, or plays both ends with real evidence,
# gets no byte of plaintext and never makes the client send the workload; the client says why and exits 3.
set -u
suite=mitm
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

relay=$B/test/relay middle=$B/test/middle
marker=top-secret-plaintext-marker

start_agent
make_policy

# The whole conversation, undisturbed: what an honest run looks like on the wire.
"$relay" "$tmp/relay.sock" "$sock" none c2k 0 >"$tmp/seen" &
relay_pid=$!
until_true 10 test -S "$tmp/relay.sock"
try "$broch" deploy --host "unix:$tmp/relay.sock" --policy "$policy" "$hello" "$marker"
if want_status 0 "through an honest relay"; then good; fi
kill $relay_pid; wait $relay_pid 2>/dev/null
until_true 5 test -s "$tmp/seen"
read -r _ _ c2k_records c2k_bytes _ k2c_records _ <"$tmp/seen"
before=$((c2k_bytes - $(wc -c <"$hello"))) # bytes a client may send that are not the module

# How many records of each direction come before the workload: c2k handshake, challenge; k2c handshake, evidence.
disturb() { # mode direction n
	rm -f "$tmp/relay.sock" "$tmp/seen" "$tmp/relay.sock.spool"
	"$relay" "$tmp/relay.sock" "$sock" "$1" "$2" "$3" >"$tmp/seen" 2>/dev/null &
	relay_pid=$!
	until_true 10 test -S "$tmp/relay.sock"
	[ "$1" != swap ] || try "$broch" deploy --host "unix:$tmp/relay.sock" --policy "$policy" "$hello" "$marker"
	try "$broch" deploy --connect-timeout 3 --host "unix:$tmp/relay.sock" --policy "$policy" "$hello" "$marker"
	kill $relay_pid; wait $relay_pid 2>/dev/null
	what="$1 of record $3 $2"
	if [ "$status" -ne 3 ]; then
		bad "$what: exit status $status, expected 3"
	elif [ ! -s "$tmp/err" ]; then
		bad "$what: the client does not say why"
	elif [ "$2" = k2c ] && [ "$3" -le 1 ] && [ "$(awk '{ b = $4 } END { print b + 0 }' "$tmp/seen")" -ge "$before" ]; then
		bad "$what: the client sent the workload"
	elif [ "$2" = k2c ] && grep -q "$marker" "$tmp/out" && [ "$3" -le 2 ]; then
		bad "$what: output of a manipulated session was shown"
	else
		good
	fi
}

n=0
while [ "$n" -lt "$c2k_records" ]; do
	for mode in flip drop repeat reorder truncate swap resize; do
		# The last record has no successor to be exchanged with, and nobody waits for what follows it.
		[ "$n" -lt $((c2k_records - 1)) ] || case $mode in reorder | repeat) continue ;; esac
		disturb $mode c2k "$n"
	done
	n=$((n + 1))
done
n=0
while [ "$n" -lt "$k2c_records" ]; do
	for mode in flip drop repeat reorder truncate swap resize; do
		[ "$n" -lt $((k2c_records - 1)) ] || case $mode in reorder | repeat | drop) continue ;; esac
		disturb $mode k2c "$n"
	done
	n=$((n + 1))
done

# Both ends played, evidence real and fresh: only the binding to the handshake can tell.
"$middle" "$tmp/middle.sock" "$sock" >"$tmp/middle.out" 2>&1 &
relay_pid=$!
until_true 10 test -S "$tmp/middle.sock"
try "$broch" deploy --host "unix:$tmp/middle.sock" --policy "$policy" "$hello" "$marker"
kill $relay_pid; wait $relay_pid 2>/dev/null
if want_status 3 "man in the middle with real evidence"; then
	if grep -Eq 'middle evidence [0-9]+ then( 3)?$' "$tmp/middle.out" && grep -qi 'report.data\|handshake\|bound' "$tmp/err"; then
		good
	else
		cp "$tmp/middle.out" "$tmp/agent.log"
		bad "man in the middle: the client sent more than its verdict, or does not name the binding"
	fi
fi

# Nothing of the workload is in what the agent logged or keeps.
if grep -rq "$marker" "$tmp/agent" "$tmp/agent.log"; then bad "the host agent kept plaintext"; else good; fi
result
