#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of client, host agent or keeper in each of the six steps: a relay holds the conversation there. What must be
# left is nothing: no process, no descriptor in the host agent, no file; and the others say what happened.
set -u
suite="kill"
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# A Keep nobody comes for ends after two seconds, a client waits for two.
begin_agent() {
	start_agent --claim-timeout 2
	fds=$(($(open_fds) + 1)) # and the idle VM, from the first Keep on
}
open_fds() { find "/proc/$agent_pid/fd" | wc -l; }
fds_back() { [ "$(open_fds)" -le "$fds" ]; }
dead() { ! kill -0 "$1" 2>/dev/null; }
failures() { grep -c 'what=failed' "$tmp/agent.log"; }
one_more_failure() { [ "$(failures)" -gt "$before" ]; }

hold() { # mode direction n: a client that hangs there
	rm -f "$tmp"/relay.sock*
	"$B/test/relay" "$tmp/relay.sock" "$sock" "$@" >/dev/null 2>&1 &
	relay=$!
	until_true 10 test -S "$tmp/relay.sock"
	"$broch" deploy --connect-timeout "$patience" --host "unix:$tmp/relay.sock" --policy "$policy" "$hello" >"$tmp/out" 2>"$tmp/err" </dev/null &
	client=$!
	until_true 20 test -e "$tmp/relay.sock.held" || bad "$step: the conversation does not get there"
}
# Without a session there is nobody to trust or not: 125. One that ends without a farewell was cut: 3.
client_says() {
	status=0
	case $step in step\ [123]) expected=125 ;; *) expected=3 ;; esac
	wait "$client" || status=$?
	if [ "$status" -ne "$expected" ]; then
		bad "$step, $victim killed: the client ends with $status, not $expected"
	elif [ "$(wc -l <"$tmp/err")" -ne 1 ] || ! grep -Eq '^broch: .*(Keep|host agent|connection)' "$tmp/err"; then
		bad "$step, $victim killed: the client does not say why in one line"
	else
		good
	fi
}
# A Keep whose client went before it delivered waits ten seconds for another.
nothing_left() {
	if ! until_true 30 none_left; then bad "$step, $victim killed: a keeper is left"; else good; fi
	if [ -n "$agent_pid" ] && ! until_true 5 fds_back; then bad "$step, $victim killed: descriptors of the host agent are left"; fi
	if [ -n "$(find "$tmp/agent" -name '*.new' -o -name '*.tmp')" ]; then bad "$step, $victim killed: files are left"; fi
	if flock -n "$tmp/agent/soft-snp.lock" true; then good; else bad "$step, $victim killed: a lock is held"; fi
}
end_relay() { kill "$relay"; wait "$relay" 2>/dev/null; }

kill_client() {
	victim=client patience=20
	hold "$@"
	kill -9 "$client"
	wait "$client" 2>/dev/null
	end_relay
}
kill_keeper() {
	[ "$step" != "step 1" ] || return 0 # there is none
	victim=keeper patience=2
	hold "$@"
	before=$(failures)
	kill -9 "$(keepers | head -n 1)"
	if until_true 10 one_more_failure; then good; else bad "$step, keeper killed: the host agent does not say so"; fi
	client_says
	end_relay
	nothing_left
}
kill_agent() {
	victim="host agent" patience=20
	hold "$@"
	kill -9 "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	agent_pid=
	client_says
	end_relay
	nothing_left
	begin_agent
	try "$broch" deploy --host "unix:$sock" --policy "$policy" "$hello"
	if want_status 0 "$step: a new host agent after the dead one"; then good; fi
}
in_each_step() { # what to do; it gets where the relay holds
	step="step 1" && "$1" holdhttp c2k 0 # the place is asked for
	step="step 2" && "$1" holdhttp k2c 0 # a Keep is asked for, and made
	step="step 3" && "$1" holdhttp k2c 1 # it is loaded, the session about to begin
	step="step 4" && "$1" hold k2c 1     # its evidence is on the way
	step="step 5" && "$1" hold c2k 2     # the verdict is
	step="step 6" && "$1" hold c2k 4     # the module is
}

begin_agent
make_policy
in_each_step kill_client
step="all steps" && nothing_left
in_each_step kill_keeper
in_each_step kill_agent
stop_agent
if [ -e "$sock" ]; then bad "the host agent leaves its socket behind"; else good; fi
result
