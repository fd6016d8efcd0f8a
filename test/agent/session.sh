# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sessions on the Unix socket: the keeper gets the connection itself.
start_agent
run_session() { "$session" "unix:$sock" - "$@" >"$tmp/out" 2>"$tmp/err"; }
new_keep '{"name":"web"}'
for n in 0 1 1000 10000000; do
	check "echo of $n bytes" run_session web echo $n
	until_true 5 state_is web detached || bad "detached after the session"
done
check "bytes that came with the request are not lost" run_session web early 300000
until_true 5 state_is web detached || bad "detached after the session"
check "half-closed by the client" run_session web half 100000
until_true 5 state_is web detached || bad "detached after the session"
check "a Keep nobody reads from" run_session web idle 8000000
until_true 5 state_is web detached || bad "detached after the session"

"$session" "unix:$sock" - web hold >"$dir/held" 2>&1 &
holder=$!
until_true 10 grep -q held "$dir/held"
check "attached" until_true 5 state_is web attached
check "a second client is refused" sh -c "'$session' unix:'$sock' - web hold | grep -qx 409"
conns() { call GET /metrics; sed -n 's/^broch_connections //p' "$tmp/out"; }
check "the keeper has the connection, not the agent" test "$(conns)" -eq 1
kill -9 $holder; wait $holder 2>/dev/null
check "kill -9 of the client: detached" until_true 5 state_is web detached
check "the next client may come" run_session web echo 1000
until_true 5 state_is web detached || bad "detached after the session"

"$session" "unix:$sock" - web hold >"$dir/held" 2>&1 &
holder=$!
until_true 10 grep -q held "$dir/held"
call POST /v1/keeps/web/stop
status=0; wait $holder || status=$?
check "stop ends the session" test $status -eq 0
check "no session into an ended Keep" sh -c "'$session' unix:'$sock' - web hold | grep -qx 410"
check "no session into nothing" sh -c "'$session' unix:'$sock' - none hold | grep -qx 404"
check "no session without its protocol" sh -c "curl -s -o /dev/null -w '%{http_code}' --unix-socket '$sock' -H 'Connection: Upgrade' -H 'Upgrade: websocket' http://x/v1/keeps/web/session | grep -qx 426"
delete_all

# -- many sessions at once --
i=0
while [ $i -lt 20 ]; do
	new_keep "{\"name\":\"k$i\"}"
	"$session" "unix:$sock" - "k$i" echo 3000000 >"$dir/s$i" 2>&1 &
	i=$((i + 1))
done
until_true 60 sh -c "[ \$(cat '$dir'/s[0-9]* | grep -c '^ok') -eq 20 ]"
check "20 sessions at once" test "$(cat "$dir"/s[0-9]* | grep -c '^ok')" -eq 20
delete_all
