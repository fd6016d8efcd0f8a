#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of client, host agent or keeper at each step leaves no process, socket, lock or memory behind, and the other
# sides report it clearly.
set -u
suite=death
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

spin=$B/test/guests/spin.wasm # prints "started", then computes for ever
waiting=$B/test/guests/wait.wasm

state_is() { "$broch" ps -a --host "unix:$sock" --json | grep -q "\"state\": *\"$1\""; }

begin() { # runs the client in the background: its pid in $client
	fresh
	"$broch" deploy --host "unix:$sock" --policy "$policy" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null &
	client=$!
}

start_agent --claim-timeout 2
make_policy

# -- a running workload; kill each of the three --
begin "$spin"
if until_true 20 grep -q started "$tmp/out"; then good; else bad "the workload does not start"; fi
kill -9 $client; wait $client 2>/dev/null
if until_true 10 none_left; then good; else bad "client killed: the keeper is still there"; fi
if until_true 5 state_is exited || state_is failed; then good; else bad "client killed: the agent does not know that the Keep ended"; fi

begin "$spin"
until_true 20 grep -q started "$tmp/out"
kill -9 "$(keepers | head -n 1)"
status=0; wait $client || status=$?
if want_status 125 "keeper killed"; then
	if grep -qi 'keep\|host\|connection' "$tmp/err"; then good; else bad "keeper killed: the client does not say why"; fi
fi
if until_true 5 state_is failed; then good; else bad "keeper killed: the agent does not report it"; fi

begin "$spin"
until_true 20 grep -q started "$tmp/out"
kill -9 "$agent_pid"; wait "$agent_pid" 2>/dev/null; agent_pid=
if until_true 10 none_left; then good; else bad "agent killed: the keeper is still there"; fi
status=0; wait $client || status=$?
if want_status 125 "agent killed"; then good; fi

# -- the next agent finds the socket file and the records of the dead one, cleans up and works --
rm -f "$tmp/ready"
"$brochd" --listen "unix:$sock" --state "$tmp/agent" --claim-timeout 2 >"$tmp/agent.log" 2>&1 </dev/null &
agent_pid=$!
if until_true 20 "$broch" platform --host "unix:$sock"; then good; else bad "no restart after kill -9"; fi
try "$broch" deploy --host "unix:$sock" --policy "$policy" "$hello"
if want_status 0 "after the restart"; then good; fi

# -- between the steps: the relay of the MITM test cuts the connection after each record --
n=0
while [ "$n" -lt 6 ]; do # see kill.sh for what each record is
	for side in c2k k2c; do
		[ "$side$n" != k2c3 ] || break 2 # by then it runs, and says nothing more
		rm -f "$tmp/relay.sock"
		"$B/test/relay" "$tmp/relay.sock" "$sock" truncate $side $n >/dev/null 2>&1 &
		r=$!
		until_true 10 test -S "$tmp/relay.sock"
		try "$broch" deploy --connect-timeout 3 --host "unix:$tmp/relay.sock" --policy "$policy" "$waiting"
		kill $r; wait $r 2>/dev/null
		if [ "$status" -eq 0 ] || [ ! -s "$tmp/err" ]; then
			bad "cut at record $n $side: status $status and no reason"
		elif ! until_true 15 none_left; then
			bad "cut at record $n $side: a keeper is still there"
		else
			good
		fi
	done
	n=$((n + 1))
done

# -- `broch run`: the private agent dies with its client --
fresh
"$broch" run "$spin" >"$tmp/out" 2>"$tmp/err" </dev/null &
client=$!
until_true 20 grep -q started "$tmp/out"
kill -9 $client; wait $client 2>/dev/null
gone() { ! pgrep -f "^[^ ]*brochd .*--private.*$tmp" >/dev/null; }
if until_true 10 gone; then good; else bad "broch run killed: the private agent is still there"; fi

stop_agent
if [ -e "$sock" ]; then bad "the agent leaves its socket behind"; else good; fi
if none_left; then good; else bad "keepers are left"; fi
result
