#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Sockets of workloads: a server with many clients in both kinds of Keep, without and with TLS that ends in the Keep, what
# cannot be reached, what the host does not allow, and that nothing is left when a Keep dies.
suite=sockets
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
port=$(python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/7007/$port/" "$root/examples/echo.toml" >"$tmp/echo.toml"
sed 's/prot = "tcp"/prot = "tls"/' "$tmp/echo.toml" >"$tmp/echo-tls.toml"
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

	fresh
	"$broch" run -q --backend "$kind" --config "$tmp/echo-tls.toml" "$B/examples/echo.wasm" 20 >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 20 ready || bad "$kind: the server with TLS does not start"
	python3 "$root/test/e2e/echo_clients.py" "$port" 20 tls >"$tmp/clients" 2>&1 && good || bad "$kind: echo over TLS: $(cat "$tmp/clients")"
	status=0
	wait $keep || status=$?
	want_status 0 "$kind: a server with TLS that is done" && good

	# its death leaves no socket
	fresh
	"$broch" run -q --backend "$kind" --config "$tmp/echo.toml" "$B/examples/echo.wasm" >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 20 ready && until_true 5 listens || bad "$kind: the server does not listen"
	kill -KILL $keep
	wait $keep 2>/dev/null
	until_true 10 quiet && until_true 10 none_left && good || bad "$kind: a dead server still listens"
done

# the certificate says what runs there, and is believed only when that was meant
fresh
"$broch" run -q --config "$tmp/echo-tls.toml" "$B/examples/echo.wasm" >"$tmp/out" 2>"$tmp/err" </dev/null &
keep=$!
until_true 20 ready || bad "the server to be verified does not start"
printf 'tee = ["soft"]\nmeasurements = ["shipped"]\n[soft]\nroot = "%s/broch/soft-snp/ark.pem"\n' "$XDG_STATE_HOME" >"$tmp/run-policy.toml"
"$broch" verify "tls://localhost:$port" --policy "$tmp/run-policy.toml" >"$tmp/verdict" 2>&1
[ $? -eq 3 ] && good || bad "a workload that nobody named is believed: $(cat "$tmp/verdict")"
digest=$(sed -n 's/.*--workload \([0-9a-f]\{64\}\).*/\1/p' "$tmp/verdict")
"$broch" verify "tls://localhost:$port" --policy "$tmp/run-policy.toml" --workload "$digest" >"$tmp/verdict" 2>&1 && good ||
	bad "a server in a Keep is not believed: $(cat "$tmp/verdict")"
kill -KILL $keep
wait $keep 2>/dev/null
until_true 10 none_left

# a server that no public authority vouches for
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
mkfifo "$tmp/open" # whose input ends lets its first client go, sometimes before the handshake is done
exec 9<>"$tmp/open"
openssl s_server -quiet -accept "$port" -key "$tmp/key.pem" -cert "$tmp/cert.pem" <&9 >/dev/null 2>&1 &
server=$!
until_true 10 listens
printf '[[files]]\nkind = "stdout"\n[[files]]\nkind = "connect"\nprot = "tls"\nhost = "localhost"\nport = %s\n' "$port" >"$tmp/Enarx.toml"
try "$broch" run -q --backend process --config "$tmp/Enarx.toml" "$B/examples/hello.wasm"
want_status 126 "a server that nobody vouches for" && grep -q "TLS failed" "$tmp/err" && good || bad "a false server: no words"
cp "$tmp/Enarx.toml" "$tmp/client.toml"
printf '[tls]\nroots = "cert.pem"\n' >>"$tmp/client.toml"
try "$broch" run -q --backend process --config "$tmp/client.toml" "$B/examples/hello.wasm"
want_status 0 "a server that a root of ours vouches for" && good
kill $server
wait $server 2>/dev/null
exec 9>&-

# nobody there
printf '[[files]]\nkind = "stdout"\n[[files]]\nkind = "connect"\nprot = "tcp"\nhost = "127.0.0.1"\nport = %s\n' "$port" >"$tmp/Enarx.toml"
try "$broch" run -q --backend process --config "$tmp/Enarx.toml" "$B/examples/hello.wasm"
want_status 126 "a connection to nobody" && grep -q "connecting to 127.0.0.1:$port" "$tmp/err" && good || bad "a connection to nobody: no words"

# a port that is taken
python3 -c "import socket, time; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', $port)); s.listen(); time.sleep(60)" &
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
