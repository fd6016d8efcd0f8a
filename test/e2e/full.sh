#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# The host agent's disk fills up while a workload serves: its sockets do not care, and what the agent cannot do it says.
suite=full
if [ -z "${FULL_DISK_APART:-}" ] && unshare -m true 2>/dev/null; then
	FULL_DISK_APART=1 exec unshare -m sh "$0"
fi
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
if [ -z "${FULL_DISK_APART:-}" ]; then
	skipped "a full disk: no mount namespace for this user"
	result
	exit
fi

mkdir "$tmp/agent"
mount -t tmpfs -o size=2m,mode=700 none "$tmp/agent" || { bad "no disk of our own"; result; exit 1; }
start_agent
make_policy
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/7007/$port/" "$root/examples/echo.toml" | sed 's/prot = "tcp"/prot = "tls"/' >"$tmp/echo.toml"
deploy() { # name, options and module...
	name=$1
	shift
	LIMIT=60 try "$broch" deploy -d --name "$name" --host "unix:$sock" --policy "$policy" "$@"
}
deploy echo --config "$tmp/echo.toml" "$B/examples/echo.wasm" 20
want_status 0 "deploying a server" && good
ready() { "$broch" logs --host "unix:$sock" echo 2>&1 | grep -q ready; }
until_true 20 ready || bad "the server does not start"

head -c 4194304 /dev/zero >"$tmp/agent/fill" 2>/dev/null
if head -c 65536 /dev/zero >"$tmp/agent/more" 2>/dev/null; then bad "the disk is not full"; else good; fi
python3 "$root/test/e2e/echo_clients.py" "$port" 10 tls >"$tmp/clients" 2>&1 && good || bad "clients of a server on a full host: $(cat "$tmp/clients")"
deploy second "$B/examples/hello.wasm"
if [ "$status" -eq 0 ]; then
	good # it needed nothing from the disk
else
	grep -q 'No space left' "$tmp/err" && good || bad "a Keep that cannot be had on a full disk: no words (status $status)"
fi
try "$broch" ps --host "unix:$sock"
want_status 0 "ps on a full host" && grep -q echo "$tmp/out" && good || bad "the host agent lost a Keep"
rm -f "$tmp/agent/fill" "$tmp/agent/more"
python3 "$root/test/e2e/echo_clients.py" "$port" 10 tls >"$tmp/clients" 2>&1 && good || bad "clients afterwards: $(cat "$tmp/clients")"
try "$broch" wait --host "unix:$sock" echo
want_status 0 "the server's end" && good
stop_agent
umount "$tmp/agent"
result
