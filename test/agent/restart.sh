# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# The end of the agent, gentle and not, and what the next one makes of it.
start_agent
new_keep '{"name":"one"}'; one=$id
new_keep '{"name":"two"}'; two=$id
call POST /v1/keeps/two/stop
keeper=$(keepers)
second=0
timeout 10 "$brochd" --listen "unix:$sock" --state "$dir/other" --keeper "$fake" --image-dir "$dir/img" >"$tmp/out" 2>"$tmp/err" || second=$?
check "a second agent on the same socket refuses" test "$second" -eq 1
check "and says why" grep -q 'another program listens here' "$tmp/err"
second=0
timeout 10 "$brochd" --listen "unix:$dir/s2" --state "$dir/state" --keeper "$fake" --image-dir "$dir/img" >"$tmp/out" 2>"$tmp/err" || second=$?
check "a second agent on the same state refuses" test "$second" -eq 1
check "and says why" grep -q 'another brochd uses this folder' "$tmp/err"
call GET /v1/keeps; want 200 "the first goes on"

kill -9 "$agent_pid"; wait "$agent_pid" 2>/dev/null; agent_pid=
check "kill -9 of the agent: the keeper dies" until_true 5 sh -c "! kill -0 $keeper"
check "the socket file stays" test -S "$sock"
check "records stay" test -f "$dir/state/keeps/$one.json"
check "records are private" test "$(stat -c %a "$dir/state/keeps/$one.json")" = 600
# a stray keeper: alive, with pid and start time in a record of this boot
sleep 1000 & stray=$!
sleep 1000 & innocent=$!
start_of() { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20; }
plant() { # id, pid, start
	sed "s/$one/$1/; s/\"name\": *\"[a-z]*\"/\"name\":\"$4\"/; s/\"pid\": *[0-9]*/\"pid\":$2/; s/\"pid_start\": *[0-9]*/\"pid_start\":$3/" \
		"$dir/state/keeps/$one.json" >"$dir/state/keeps/$1.json"
}
plant aaaaaaaaaaaa $stray "$(start_of $stray)" stray
plant bbbbbbbbbbbb $innocent 1 innocent
echo '{"version":1}' >"$dir/state/keeps/cccccccccccc.json"
echo 'x' >"$dir/state/keeps/dddddddddddd.new"
cp "$dir/state/keeps/$one.json" "$dir/state/keeps/eeeeeeeeeeee.json"
start_agent
call GET "/v1/keeps/$one"; want 200 "found after the restart"; says '"state":"failed"'; says 'lost: the host agent restarted'; says '"name":"one"'
call GET "/v1/keeps/$two"; want 200 "ended before the restart"; says '"state":"exited"'; says 'stopped by request'
check "the stray is killed" until_true 5 sh -c "! kill -0 $stray"
check "another process with the pid of a record is left alone" kill -0 $innocent
kill $innocent
for i in cccccccccccc eeeeeeeeeeee; do call GET "/v1/keeps/$i"; want 404 "bad record $i"; done
check "what is no record is removed" test -z "$(find "$dir/state/keeps" -name 'cccc*' -o -name 'dddd*' -o -name 'eeee*')"
call GET /metrics; says 'broch_keeps_ended_total{reason="lost"} 3'
delete_all
check "no record is left" test -z "$(ls "$dir/state/keeps")"

# -- SIGTERM with Keeps, a session and a follower: all end, exit 0 --
new_keep
"$session" "unix:$sock" - "$id" hold >"$dir/held" 2>&1 &
holder=$!
until_true 10 grep -q held "$dir/held"
curl -s -N --unix-socket "$sock" "http://x/v1/keeps/$id/events?follow=1" >"$dir/events" &
follower=$!
until_true 10 grep -q attached "$dir/events"
behave stubborn
new_keep
behave good
all=$(keepers)
stop_agent
check "exit 0" test "$agent_status" -eq 0
# shellcheck disable=SC2086
check "no keeper survives" sh -c "! kill -0 $(echo $all | sed 's/ / 2>\/dev\/null || kill -0 /g')"
check "the socket is removed" test ! -e "$sock"
check "no record stays of what ran" test -z "$(ls "$dir/state/keeps")"
status=0; wait $holder || status=$?
check "the session ended" test $status -eq 0
status=0; wait $follower || status=$?
check "the follower saw the end" grep -q '"event":"exited"' "$dir/events"

# -- private: ends with its parent, writes no records --
mkfifo "$dir/life"
"$brochd" --listen "unix:$sock" --private --parent-fd 9 --state "$dir/state" --image-dir "$dir/img" --keeper "$fake" 9<>"$dir/life" \
	>>"$dir/log" 2>&1 </dev/null &
wrong=$!
until_true 10 test -S "$sock"
kill $wrong; wait $wrong 2>/dev/null
sleep 1000 >"$dir/life" & parent=$!
"$brochd" --listen "unix:$sock" --private --parent-fd 9 --state "$dir/state" --image-dir "$dir/img" --keeper "$fake" 9<"$dir/life" \
	>>"$dir/log" 2>&1 </dev/null &
agent_pid=$!
until_true 10 curl -s --unix-socket "$sock" http://x/v1/platform
new_keep || bad "create in a private agent"
keeper=$(keepers)
check "private: no records" test -z "$(ls "$dir/state/keeps")"
kill -9 $parent; wait $parent 2>/dev/null
status=0; wait "$agent_pid" || status=$?
agent_pid=
check "private: ends with its parent" test $status -eq 0
check "private: and its keepers" sh -c "! kill -0 $keeper"
