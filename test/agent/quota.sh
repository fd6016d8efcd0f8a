# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2015,SC2086,SC2154
# Quotas, limits of connections and of time.
start_agent --max-keeps 3 --max-memory 300M --keep-memory-max 100M --max-connections 8
new_keep && new_keep && new_keep '{"memory_max":52428800}' || bad "three Keeps fit"
last=$id
call POST /v1/keeps '{}'; want_error 429 'maximum of 3 Keeps' "one too many"
call POST "/v1/keeps/$last/stop"
call POST /v1/keeps '{"memory_max":104857601}'; want_error 400 'at most 104857600' "more than one Keep may have"
new_keep && good || bad "room again"
delete_all
# records of ended Keeps do not pile up: 4 for each that may live
i=0
while [ $i -lt 20 ]; do new_keep && call POST "/v1/keeps/$id/stop"; i=$((i + 1)); done
call GET /v1/keeps
check "records of ended Keeps are bounded" test "$(grep -o '"id"' "$tmp/out" | wc -l)" -eq 12
delete_all
stop_agent
start_agent --max-keeps 100 --max-memory 250M --keep-memory-max 100M --max-keeps-per-client 3
new_keep && new_keep || bad "two Keeps fit"
call POST /v1/keeps '{}'; want_error 429 'is taken' "memory of the host"
new_keep '{"memory_max":10485760}' || bad "a small one fits"
call POST /v1/keeps '{"memory_max":1048576}'; want_error 429 'you run your maximum of 3' "per client"
delete_all
stop_agent

# -- connections that do nothing: bounded, and they do not lock others out for ever --
start_agent --max-connections 8
i=0 idlers=
while [ $i -lt 20 ]; do
	sh -c "printf 'GET /v1/ke'; exec sleep 13" | timeout 100 curl -s -N --unix-socket "$sock" -T - telnet://x >"$dir/idle$i" 2>/dev/null &
	idlers="$idlers $!"
	i=$((i + 1))
done
check "served after the slow ones timed out" curl -s -m 60 --unix-socket "$sock" http://x/v1/platform
check "they were told" until_true 15 sh -c "cat '$dir'/idle* | grep -q '408 Request Timeout'"
# shellcheck disable=SC2086
kill $idlers 2>/dev/null
wait $idlers 2>/dev/null

# -- full disk: nothing half-written, nothing left running --
stop_agent
if [ "$(id -u)" -eq 0 ] && mkdir "$dir/small" && mount -t tmpfs -o size=64k,mode=700 none "$dir/small" 2>/dev/null; then
	cp -r "$tmp/soft-snp" "$dir/small/"
	start_agent --state "$dir/small"
	cat /dev/zero >"$dir/small/fill" 2>/dev/null
	call POST /v1/keeps '{}'; want_error 503 'cannot write' "full disk"
	check "full disk: no process" until_true 5 no_keepers
	check "full disk: no record" test -z "$(ls "$dir/small/keeps")"
	rm "$dir/small/fill"
	new_keep && good || bad "works again with room"
	delete_all
	stop_agent
	umount "$dir/small"
else
	skip=$((skip + 4)); echo "SKIPPED $suite/quota: full disk: cannot mount a tmpfs here"
fi
