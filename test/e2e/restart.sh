#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Restarts within one Keep: what failed lives again with nothing of the former life, as often as the policy says, seen by the
# owner and the host; who is stopped does not come back.
suite=restart
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi

policy_of() { # when, times, pause
	printf '[restart]\nwhen = "%s"\ntimes = %s\npause = "%s"\n[[mounts]]\nkind = "memory"\npath = "/tmp"\nsize = "1MiB"\n' "$1" "$2" "$3" >"$tmp/broch.toml"
}
run() { # input
	fresh
	status=0
	printf '%b' "$1" | timeout -k 5 60 "$broch" run -q --backend "$kind" --config "$tmp/broch.toml" "$B/test/guests/lives.wasm" >"$tmp/out" 2>"$tmp/err" || status=$?
}
lives() { grep -c . "$tmp/out"; }
told() { grep -c '^\[broch: the program .*; restart' "$tmp/err"; }

for kind in $kinds; do
	policy_of on-failure 5 1ms
	run '3\ntrap\n1\n0\n7\n'
	want_status 0 "$kind: a program that fails three times" && [ "$(lives)" -eq 4 ] && [ "$(told)" -eq 3 ] &&
		grep -q 'exited with status 3; restart 1 of 5' "$tmp/err" && grep -q 'trapped: .*; restart 2 of 5' "$tmp/err" && good || bad "$kind: another number of lives"
	[ "$(cut -d' ' -f2 "$tmp/out" | sort -u | wc -l)" -eq 1 ] && ! grep -q former "$tmp/out" && good || bad "$kind: one life knows of another"
	policy_of on-failure 2 1ms
	run '1\n2\n3\n4\n'
	want_status 3 "$kind: a program that fails too often" && [ "$(lives)" -eq 3 ] && good || bad "$kind: more lives than there may be"
	policy_of always 3 1ms
	run '0\n0\n1\n5\n'
	want_status 5 "$kind: a program that always runs" && [ "$(lives)" -eq 4 ] && good || bad "$kind: always is not always"
	# More lives than there are places for memories, each of which grows.
	policy_of always 150 0s
	run "$(awk 'BEGIN { for (i = 0; i < 150; i++) printf "1\\n"; print "4" }')\n"
	want_status 4 "$kind: many lives" && [ "$(lives)" -eq 151 ] && good || bad "$kind: many lives: $(lives)"
	policy_of never 1 1ms
	run '1\n0\n'
	want_status 1 "$kind: a program that is not restarted" && [ "$(lives)" -eq 1 ] && good || bad "$kind: never is not never"
done

# the host's account, and a stop during a pause
start_agent
make_policy
policy_of always 1 1h
"$broch" deploy -d --name phoenix --host "unix:$sock" --policy "$tmp/policy.toml" --config "$tmp/broch.toml" "$B/test/guests/status.wasm" 3 >"$tmp/out" 2>"$tmp/err" ||
	bad "deploying"
paused() { "$broch" logs --host "unix:$sock" phoenix 2>&1 | grep -q 'restart 1 of 1 in 3600000 ms'; }
until_true 20 paused && good || bad "the logs do not say that it will be restarted"
try "$broch" stop --host "unix:$sock" phoenix
want_status 0 "stopping in a pause" && good
printf '[restart]\nwhen = "always"\ntimes = 2\npause = "0s"\n' >"$tmp/broch.toml"
"$broch" deploy -d --name busy --host "unix:$sock" --policy "$tmp/policy.toml" --config "$tmp/broch.toml" "$B/test/guests/status.wasm" 3 >"$tmp/out" 2>"$tmp/err" || bad "deploying"
counted() { "$broch" ps --json --host "unix:$sock" | python3 -c 'import json, sys; sys.exit(0 if any(k["name"] == "busy" and k["restarts"] == 2 for k in json.load(sys.stdin)) else 1)'; }
until_true 20 counted && good || bad "ps does not say how often: $("$broch" ps --json --host "unix:$sock" 2>&1)"
"$broch" inspect --host "unix:$sock" busy 2>&1 | grep -q 'restarts *2' && good || bad "inspect does not say how often"
try "$broch" wait --host "unix:$sock" busy
want_status 3 "the end of the last life" && good
result
