# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Many clients, many cycles: descriptors and memory come back.
start_agent --log-level error --max-keeps 300
new_keep; call DELETE "/v1/keeps/$id"
warm() { # requests, at once
	seq "$1" | xargs -P "$2" -n 25 sh -c 'for i; do curl -s -o /dev/null -w "%{http_code}\n" --unix-socket "'"$sock"'" http://x/v1/platform; done' x
}
check "300 requests, 12 at once" test "$(warm 300 12 | grep -c 200)" -eq 300
cycles=${CYCLES:-300}
cycle_many() { # how many
	seq "$1" | xargs -P 4 -n 25 "$B/test/agent/cycle" "$sock" >"$dir/cycles" 2>&1
}
cycle_many 50
fds_before=$(fds) rss_before=$(rss)
check "$cycles create and delete cycles" cycle_many "$cycles"
call GET /v1/keeps; says '{"keeps":[]}'
check "no keeper is left" until_true 5 no_keepers
check "descriptors: $fds_before before, $(fds) now" test "$(fds)" -le $((fds_before + 2))
check "memory: $rss_before KiB before, $(rss) now" test "$(rss)" -le $((rss_before + ${RSS_SLACK:-1024}))
i=0
while [ $i -lt 200 ]; do new_keep || break; i=$((i + 1)); done
check "200 Keeps at once" test "$(keepers | wc -l)" -eq 200
delete_all
check "and none after" no_keepers
check "no record is left" test -z "$(ls "$dir/state/keeps")"
