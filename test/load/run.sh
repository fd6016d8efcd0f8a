#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# run.sh CONNECTIONS HOW-LONG: the HTTPS server of examples/ in a KVM Keep (a process Keep without /dev/kvm) with that many clients at
# once (test/load/load.c), twice. No error; and after the second time neither the host agent nor the keeper with its Keep has
# more open than before the first, or more memory than after it.
suite=load
connections=$1 long=$2
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

kind=kvm
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then kind=process && skipped "KVM Keeps: /dev/kvm is missing or not permitted; a process Keep instead"; fi
port=$(python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/8443/$port/" "$root/examples/https.toml" >"$tmp/https.toml"
start_agent
make_policy
"$broch" deploy -q --backend "$kind" --host "unix:$sock" --policy "$policy" --config "$tmp/https.toml" "$B/examples/https.wasm" \
	>"$tmp/out" 2>"$tmp/err" </dev/null &
client=$!
until_true 60 grep -q ready "$tmp/out" || { bad "the server does not start"; result; exit 1; }
openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 >"$tmp/cert.pem"
keeper=$(keepers)

open_files() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }
no_more_open() { [ "$(open_files "$agent_pid")" -le "$agent_open" ] && [ "$(open_files "$keeper")" -le "$keeper_open" ]; }
load() { # what
	"$B/test/load" "$port" "$tmp/cert.pem" "$connections" "$long" /bytes/1000 >"$tmp/load" 2>&1 && good || bad "$1: $(cat "$tmp/load")"
	until_true 60 no_more_open && good ||
		bad "$1: open before and now: host agent $agent_open and $(open_files "$agent_pid"), keeper $keeper_open and $(open_files "$keeper")"
	[ -z "${LOUD:-}" ] || { sed 's/^/  /' "$tmp/load"; echo "  memory: host agent $(memory "$agent_pid"), keeper with Keep $(memory "$keeper") KiB"; }
}

# The connection that asked for the certificate is gone when there are as many as there were.
keeper_open=$(open_files "$keeper") agent_open=$(open_files "$agent_pid")
load "the first time"
agent_memory=$(memory "$agent_pid") keeper_memory=$(memory "$keeper")
load "the second time"
# A connection has 70 KiB in the Keep: 200 that stay would be 14 MiB.
[ "$(memory "$agent_pid")" -le $((agent_memory + 4096)) ] && good || bad "the host agent grew from $agent_memory to $(memory "$agent_pid") KiB"
[ "$(memory "$keeper")" -le $((keeper_memory + 8192)) ] && good || bad "keeper and Keep grew from $keeper_memory to $(memory "$keeper") KiB"
kill "$client" 2>/dev/null
wait "$client" 2>/dev/null
until_true 30 none_left && good || bad "a Keep is left"
result
