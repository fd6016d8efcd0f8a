# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Keepers that fail, die, hang or lie: each is noticed, named and gone; the agent goes on.
start_agent --start-timeout 1 --claim-timeout 2
fails() { # behaviour, text
	behave "$1"
	call POST /v1/keeps '{"name":"x"}'; want_error 503 "$2" "behaviour $1"
	check "$1 leaves no process" until_true 5 no_keepers
	call GET /v1/keeps; says '{"keeps":[]}'
}
fails fail 'could not start: the image is no image'
fails die 'died: triple fault at 0x1234'
fails crash 'killed by signal 6 (Aborted): bug: ?[1m something does not hold'
check "what a keeper says is in the log" grep -q 'keeper says id=[0-9a-f]* line="some words"' "$dir/log"
fails slow 'did not start within 1 s'
fails garbage 'broke the protocol'

ends() { # behaviour, state, text
	behave "$1"
	new_keep || bad "create with behaviour $1"
	if until_true 10 state_is "$id" "$2"; then good; else bad "$1: state $(state_of "$id")"; fi
	call GET "/v1/keeps/$id"; says "$3"
	check "$1 leaves no process" until_true 5 no_keepers
	call GET "/v1/keeps/$id/events"; says "\"event\":\"$2\""
	call DELETE "/v1/keeps/$id"; want 200 "delete after $1"
}
ends unasked failed 'broke the protocol'
ends mute failed 'was killed'
ends good exited 'no client came within 2 s'
behave good
new_keep
kill -9 "$(keepers)"
check "kill -9 of a keeper is noticed" until_true 5 state_is "$id" failed
call GET "/v1/keeps/$id"; says 'SIGKILL'
call DELETE "/v1/keeps/$id"
new_keep
kill -9 "$(keepers)"
call DELETE "/v1/keeps/$id"; want 200 "delete of one just killed"; says 'SIGKILL'
behave stubborn
new_keep
call POST "/v1/keeps/$id/stop"; want 200 "stop of one that does not listen"; says 'stopped by request'
check "it is gone" no_keepers
new_keep
kill -STOP "$(keepers)"
call DELETE "/v1/keeps/$id"; want 200 "delete of a halted one"
check "it is gone" no_keepers
behave chatty
new_keep
call GET /v1/platform; want 200 "a chatty keeper does not stop the agent"
call DELETE "/v1/keeps/$id"; want 200 "nor its end"
behave good

# -- while a session is open --
new_keep
"$session" "unix:$sock" - "$id" hold >"$dir/held" 2>&1 &
holder=$!
until_true 10 grep -q held "$dir/held"
sleep 2.2 # longer than the claim time-out: who has come is not waited for
check "a claimed Keep stays" state_is "$id" attached
kill -9 "$(keepers)"
status=0; wait $holder || status=$?
check "the client sees the end" test $status -eq 0
check "failed" until_true 5 state_is "$id" failed
"$session" "unix:$sock" - "$id" exit >"$tmp/out" 2>&1
says 410
delete_all
call GET /metrics
for r in failed died killed broken unclaimed stopped; do
	refute "metrics count: $r" grep -q "ended_total{reason=\"$r\"} 0" "$tmp/out"
done

# -- the keeper program is damaged, or gone, after the start --
stop_agent
cp "$fake" "$dir/keeper"
start_agent --keeper "$dir/keeper"
echo 'not a program' >"$dir/keeper"
call POST /v1/keeps '{}'; want_error 503 'Exec format error' "a keeper that is no program"
rm "$dir/keeper"
call POST /v1/keeps '{}'; want_error 503 'No such file' "no keeper"
check "no process is left" until_true 5 no_keepers
call GET /v1/keeps; says '{"keeps":[]}'
cp "$fake" "$dir/keeper"
call POST /v1/keeps '{}'; want 201 "the keeper is back"
