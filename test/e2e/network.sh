#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Sockets that programs open when they run, as paths below /net, in both kinds of Keep: what the rules of [network] allow,
# what they and the host do not, whom TLS believes, and the limit of bytes.
suite=network
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# the peers live as long as these pipes are open
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
pin=$(openssl x509 -in "$tmp/cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
mkfifo "$tmp/hold" "$tmp/hold-tls"
python3 "$root/test/e2e/network_peer.py" <"$tmp/hold" >"$tmp/port" &
exec 8>"$tmp/hold"
python3 "$root/test/e2e/network_peer.py" "$tmp/cert.pem" "$tmp/key.pem" <"$tmp/hold-tls" >"$tmp/port-tls" 8>&- &
exec 9>"$tmp/hold-tls"
until_true 20 test -s "$tmp/port" && until_true 20 test -s "$tmp/port-tls" || { bad "the peers do not start"; result; exit 1; }
tcp=$(cat "$tmp/port") tls=$(cat "$tmp/port-tls") nobody=$(free_port)

rules() { printf '%s\n' "$@" >"$tmp/broch.toml"; } # lines...
dial() { try "$broch" run -q --backend "$kind" --config "$tmp/broch.toml" "$B/examples/dial.wasm" "$@"; }
answered() { [ "$status" -eq 0 ] && [ "$(cat "$tmp/out")" = "got:$1" ] && good || bad "$kind: $2 (status $status)"; }
refused() { [ "$status" -eq 1 ] && grep -q "$1" "$tmp/err" && good || bad "$kind: $2 (status $status)"; }

for kind in $kinds; do
	rules '[network]' "egress = [\"127.0.0.0/8:$tcp\", \"LOCALHOST:*\"]"
	dial "/net/tcp/127.0.0.1/$tcp" hello
	answered hello "an address that a rule allows"
	dial "/net/tcp/localhost/$tcp" there
	answered there "a name that a rule allows"
	dial "/net/tcp/127.0.0.1/$nobody" x
	refused 'Permission denied' "a port that no rule allows"
	dial "/net/tcp/example.org/$tcp" x
	refused 'Permission denied' "a name that no rule allows"
	dial "/net/tcp/localhost/$nobody" x
	refused 'Connection refused' "a port where nobody listens"
	dial "/net/tcp/127.1/$tcp" x
	refused 'Invalid argument' "a host that is neither name nor address"
	dial "/net/listen/tcp/$nobody"
	refused 'Permission denied' "listening without a rule"
	rules '[limits]' 'memory = "64MiB"'
	dial "/net/tcp/localhost/$tcp" x
	[ "$status" -eq 1 ] && ! grep -q got "$tmp/out" && good || bad "$kind: without rules something is opened"

	# whom TLS believes
	rules '[network]' "egress = [\"*:$tls\"]" '[tls]' 'roots = "cert.pem"'
	dial "/net/tls/localhost/$tls" secret
	answered secret "a server that a root of ours vouches for"
	dial "/net/tls/127.0.0.1/$tls" x
	refused 'abort' "a server that is somebody else"
	rules '[network]' "egress = [\"*:$tls pin=$pin\", \"*:$tcp pin=$pin\"]" '[tls]' 'pins = ["'"$(echo other | sha256sum | cut -d' ' -f1)"'"]'
	dial "/net/tls/127.0.0.1/$tls" pinned
	answered pinned "the key that a rule names"
	dial "/net/tcp/127.0.0.1/$tcp" x
	refused 'Permission denied' "in clear where a rule names a key"
	rules '[network]' "egress = [\"*:$tls pin=$(echo other | sha256sum | cut -d' ' -f1)\", \"*:$tls\"]" '[tls]' 'roots = "cert.pem"'
	dial "/net/tls/localhost/$tls" x
	refused 'abort' "another key than the first rule names"
	rules '[network]' "egress = [\"*:$tcp\"]" '[tls]' 'roots = "cert.pem"'
	dial "/net/tls/localhost/$tcp" x
	refused 'Protocol error' "a server without TLS"

	# bytes, both ways
	rules '[limits]' 'network_bytes = "100KiB"' '[network]' "egress = [\"*:$tcp\"]"
	dial "/net/tcp/localhost/$tcp" hello
	answered hello "less than may travel"
	dial "/net/tcp/localhost/$tcp" big
	[ "$status" -ne 0 ] && grep -q 'limits.network_bytes' "$tmp/err" && [ "$(wc -c <"$tmp/out")" -le 102400 ] && good ||
		bad "$kind: more travels than may (status $status)"

	# listening
	port=$(free_port)
	rules '[network]' "ingress = [1, \"$port-$port\"]"
	fresh
	"$broch" run -q --backend "$kind" --config "$tmp/broch.toml" "$B/examples/dial.wasm" "/net/listen/tcp/$port" >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 20 grep -q listening "$tmp/out" || bad "$kind: nobody listens"
	python3 -c "import socket; s = socket.create_connection(('127.0.0.1', $port), 20); s.sendall(b'echo'); s.shutdown(1); print(s.recv(10).decode())" >"$tmp/echo" 2>&1
	[ "$(cat "$tmp/echo")" = echo ] && good || bad "$kind: who listens does not answer: $(cat "$tmp/echo")"
	status=0
	wait $keep || status=$?
	want_status 0 "$kind: who listened" && good
	rules '[network]' "ingress = [$tcp]"
	dial "/net/listen/tcp/$tcp"
	refused 'Address in use' "a port that is taken"
done

# the host's policy
start_agent --sockets none
make_policy
rules '[network]' "egress = [\"*:$tcp\"]"
LIMIT=60 try "$broch" deploy --host "unix:$sock" --policy "$tmp/policy.toml" --config "$tmp/broch.toml" "$B/examples/dial.wasm" "/net/tcp/localhost/$tcp" x
kind=process
refused 'Permission denied' "a host that gives no sockets"
exec 8>&- 9>&-
result
