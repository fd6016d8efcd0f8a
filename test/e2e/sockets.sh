#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Sockets of workloads: a server with many clients in both kinds of Keep, a client, what the host does not allow, and that
# nothing is left when a Keep dies.
suite=sockets
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/7007/$port/" "$root/examples/echo.toml" >"$tmp/echo.toml"
listens() { python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)"; }
quiet() { ! listens; }
ready() { grep -q ready "$tmp/out"; }

for kind in $kinds; do
	fresh
	"$broch" run -q --backend "$kind" --config "$tmp/echo.toml" "$B/examples/echo.wasm" 20 >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 20 ready || bad "$kind: the server does not start"
	python3 "$root/test/e2e/echo_clients.py" "$port" 20 >"$tmp/clients" 2>&1 && good || bad "$kind: echo: $(cat "$tmp/clients")"
	status=0
	wait $keep || status=$?
	want_status 0 "$kind: a server that is done" && good

	# its death leaves no socket
	fresh
	"$broch" run -q --backend "$kind" --config "$tmp/echo.toml" "$B/examples/echo.wasm" >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 20 ready && until_true 5 listens || bad "$kind: the server does not listen"
	kill -KILL $keep
	wait $keep 2>/dev/null
	until_true 10 quiet && until_true 10 none_left && good || bad "$kind: a dead server still listens"
done

# nobody there
printf '[[files]]\nkind = "stdout"\n[[files]]\nkind = "connect"\nprot = "tcp"\nhost = "127.0.0.1"\nport = %s\n' "$port" >"$tmp/Enarx.toml"
try "$broch" run -q --backend process --config "$tmp/Enarx.toml" "$B/examples/hello.wasm"
want_status 126 "a connection to nobody" && grep -q "connecting to 127.0.0.1:$port" "$tmp/err" && good || bad "a connection to nobody: no words"

# a port that is taken
python3 -c "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(); time.sleep(60)" &
taken=$!
until_true 10 listens
try "$broch" run -q --backend process --config "$tmp/echo.toml" "$B/examples/echo.wasm"
want_status 126 "a port that is taken" && grep -q "listening on 127.0.0.1:$port" "$tmp/err" && good || bad "a taken port: no words"

# the host's policy
start_agent --sockets none
make_policy
printf '[[files]]\nkind = "stdout"\n[[files]]\nkind = "connect"\nprot = "tcp"\nhost = "localhost"\nport = %s\n' "$port" >"$tmp/Enarx.toml"
LIMIT=60 try "$broch" deploy --host "unix:$sock" --policy "$tmp/policy.toml" --config "$tmp/Enarx.toml" "$B/examples/hello.wasm"
[ "$status" -ne 0 ] && grep -q "connecting to localhost:$port" "$tmp/err" && good || bad "a host without sockets gives one (status $status)"
kill $taken
result
