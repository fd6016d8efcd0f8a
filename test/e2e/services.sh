#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# The services of examples/, each in both kinds of Keep, reached over TLS by tools that know nothing of Keeps.
suite=services
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
free_port() { python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
url=https://localhost:$port
ready() { grep -q ready "$tmp/out" || ! kill -0 $keep 2>/dev/null; }

# start WHAT CONFIG MODULE ARGUMENT...: a service; $keep is its client, $cert its certificate
start() {
	what=$1 config=$2
	shift 2
	fresh
	"$broch" run -q --backend "$kind" --config "$config" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null &
	keep=$!
	until_true 30 ready && grep -q ready "$tmp/out" || { bad "$kind: $what does not start"; return 1; }
	cert=$tmp/cert.pem
	openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 >"$cert" 2>/dev/null || bad "$what: no certificate"
}
stop() {
	kill -KILL $keep
	wait $keep 2>/dev/null
	until_true 20 none_left && good || bad "$kind: something of $what is left"
}
# says WORDS WHAT COMMAND...: succeeds, and its output holds the words
says() {
	words=$1 said=$2
	shift 2
	LIMIT=60 try "$@"
	want_status 0 "$kind: $what: $said" || return
	grep -aqF -- "$words" "$tmp/out" "$tmp/err" && good || bad "$kind: $what: $said: not \"$words\""
}

pin_of() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64; }

# ---- an HTTPS server ----
clients_of_https() {
	says "hello from a Keep" "curl" curl -sS -m 50 --cacert "$cert" "$url/"
	says "hello from a Keep" "curl with the pin" curl -sSk -m 50 --pinnedpubkey "sha256//$(pin_of "$cert")" "https://127.0.0.1:$port/"
	says "1 0 0 " "curl, three times over one connection" curl -sS -m 50 --cacert "$cert" -o /dev/null -o /dev/null -o /dev/null \
		-w '%{num_connects} ' "$url/" "$url/bytes/100000" "$url/"
	head -c 3000000 /dev/zero >"$tmp/body"
	says "3000000" "curl, a body it asks leave for" curl -sS -m 50 --cacert "$cert" --data-binary "@$tmp/body" "$url/length"
	says "HTTP/1.1 200 OK" "curl, HEAD" curl -sSI -m 50 --cacert "$cert" "$url/bytes/1000"
	printf 'GET / HTTP/1.0\r\n\r\n' >"$tmp/request"
	sh -c "openssl s_client -quiet -connect localhost:$port -servername localhost -CAfile $cert -verify_return_error <$tmp/request" \
		>"$tmp/page" 2>&1
	grep -q "hello from a Keep" "$tmp/page" && good || bad "$kind: $what: openssl s_client: $(cat "$tmp/page")"
	if command -v gnutls-cli >/dev/null; then
		gnutls-cli --x509cafile "$cert" --port "$port" localhost <"$tmp/request" >"$tmp/page" 2>&1
		grep -q "hello from a Keep" "$tmp/page" && good || bad "$kind: $what: gnutls-cli: $(cat "$tmp/page")"
	else
		skipped "no gnutls-cli"
	fi
	python3 "$root/test/e2e/services_clients.py" https "$port" "$cert" >"$tmp/clients" 2>&1 && good ||
		bad "$kind: $what: many clients: $(cat "$tmp/clients")"
}

sed "s/8443/$port/" "$root/examples/https.toml" >"$tmp/https.toml"
for kind in $kinds; do
	if start "https.c" "$tmp/https.toml" "$B/examples/https.wasm"; then clients_of_https; fi
	stop
	if [ ! -e "$B/examples/https-rust.wasm" ]; then
		skipped "https.rs: needs /usr/bin/rustc and libstd-rust-dev-wasm32"
		continue
	fi
	if start "https.rs" "$tmp/https.toml" "$B/examples/https-rust.wasm"; then clients_of_https; fi
	stop
done

# ---- the same through broch connect, which believes the evidence and no certificate ----
kind=process
start "https.c" "$tmp/https.toml" "$B/examples/https.wasm"
printf 'tee = ["soft"]\nmeasurements = ["shipped"]\n[soft]\nroot = "%s/broch/soft-snp/ark.pem"\n' "$XDG_STATE_HOME" >"$tmp/run-policy.toml"
"$broch" verify "tls://localhost:$port" --policy "$tmp/run-policy.toml" >"$tmp/verdict" 2>&1
[ $? -eq 3 ] && good || bad "a workload that nobody named is believed: $(cat "$tmp/verdict")"
digest=$(sed -n 's/.*--workload \([0-9a-f]\{64\}\).*/\1/p' "$tmp/verdict")
: >"$tmp/local"
"$broch" connect --policy "$tmp/run-policy.toml" --workload "$digest" "tls://localhost:$port" >"$tmp/local" 2>"$tmp/connect.log" </dev/null &
proxy=$!
if until_true 20 test -s "$tmp/local"; then
	says "hello from a Keep" "curl through broch connect" curl -sS -m 50 "http://$(cat "$tmp/local")/"
	says "3000000" "a body through broch connect" curl -sS -m 50 --data-binary "@$tmp/body" "http://$(cat "$tmp/local")/length"
else
	bad "broch connect: $(cat "$tmp/connect.log")"
fi
kill $proxy
wait $proxy 2>/dev/null
stop

# ---- an HTTPS client, and authorities ----
ca() { # name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.pem" -days 30 \
		-subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
}
ca ca
ca other
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/site.key" -out "$tmp/site.csr" -subj /CN=site 2>/dev/null
echo 'subjectAltName=DNS:localhost' >"$tmp/site.ext"
openssl x509 -req -in "$tmp/site.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 10 -extfile "$tmp/site.ext" \
	-out "$tmp/site.pem" 2>/dev/null
cat >"$tmp/site.py" <<-EOF2
	import http.server, ssl, sys
	class Site(http.server.BaseHTTPRequestHandler):
	    protocol_version = "HTTP/1.1"
	    def log_message(self, *a): pass
	    def do_GET(self):
	        body = {"/a": b"first page\n", "/b": b"b" * 1000000 + b"\n"}.get(self.path)
	        self.send_response(404 if body is None else 200)
	        self.send_header("Content-Length", str(len(body or b"")))
	        self.end_headers()
	        self.wfile.write(body or b"")
	server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Site)
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[2], sys.argv[3])
	context.set_alpn_protocols(["http/1.1"])
	server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
	print("ready", flush=True)
	server.serve_forever()
EOF2
: >"$tmp/site.log"
python3 "$tmp/site.py" "$port" "$tmp/site.pem" "$tmp/site.key" >"$tmp/site.log" 2>&1 </dev/null &
site=$!
until_true 20 grep -q ready "$tmp/site.log" || bad "the site does not start: $(cat "$tmp/site.log")"
sed "s/8443/$port/" "$root/examples/https-client.toml" >"$tmp/https-client.toml"
sed "s/ca.pem/other.pem/" "$tmp/https-client.toml" >"$tmp/https-client-other.toml"
what="https-client.c"
for kind in $kinds; do
	says "first page" "a private authority" "$broch" run -q --backend "$kind" --config "$tmp/https-client.toml" "$B/examples/https-client.wasm" /a /b
	[ "$(wc -c <"$tmp/out")" -eq 1000012 ] && good || bad "$kind: $what: $(wc -c <"$tmp/out") bytes"
	try "$broch" run -q --backend "$kind" --config "$tmp/https-client.toml" "$B/examples/https-client.wasm" /a /c
	want_status 1 "$kind: a page that is not there" && grep -q "/c: status 404" "$tmp/err" && good || bad "$kind: $what: no words"
	try "$broch" run -q --backend "$kind" --config "$tmp/https-client-other.toml" "$B/examples/https-client.wasm" /a
	want_status 126 "$kind: another authority" && grep -q "no root we trust" "$tmp/err" && good || bad "$kind: $what: no words"
done
kill $site
wait $site 2>/dev/null

# ---- two Keeps that know each other by their keys ----
new_key() { "$broch" key new --type tls "$tmp/$1.key" | sed -n 's/^spki-sha256: //p'; }
server_pin=$(new_key server) client_pin=$(new_key client) stranger_pin=$(new_key stranger)
with() { sed -e "s/8443/$port/" -e "s/0\{64\}/$3/" -e "s/$1.key/$2.key/" "$root/examples/mutual/$1.toml"; } # side, key, pin
with server server "$client_pin" >"$tmp/server.toml"
with client client "$server_pin" >"$tmp/client.toml"
with client client "$stranger_pin" >"$tmp/client-fooled.toml"
with client stranger "$server_pin" >"$tmp/client-strange.toml"
ask_server() { # CONFIG
	try "$broch" run -q --backend "$kind" --config "$1" "$B/examples/https-client.wasm" / /bytes/100000
}
for kind in $kinds; do
	: >"$tmp/server.out"
	"$broch" run -q --backend "$kind" --config "$tmp/server.toml" "$B/examples/https.wasm" >"$tmp/server.out" 2>&1 </dev/null &
	keep=$!
	until_true 30 grep -q ready "$tmp/server.out" || bad "$kind: the server of the two does not start: $(cat "$tmp/server.out")"
	ask_server "$tmp/client.toml"
	want_status 0 "$kind: two that know each other" && grep -q "hello from a Keep" "$tmp/out" && good || bad "$kind: no answer"
	ask_server "$tmp/client-fooled.toml"
	want_status 126 "$kind: a server with another key" && grep -q "not a pinned one" "$tmp/err" && good || bad "$kind: no words"
	ask_server "$tmp/client-strange.toml"
	want_status 126 "$kind: a client with another key" && grep -q "TLS failed" "$tmp/err" && good || bad "$kind: no words"
	try curl -sSk -m 50 "$url/"
	[ "$status" -ne 0 ] && grep -q "alert" "$tmp/err" && good || bad "$kind: a client without a key is served"
	ask_server "$tmp/client.toml"
	want_status 0 "$kind: and still the two that know each other" && good
	stop
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$tmp/server.key" 2>/dev/null
try "$broch" run -q --backend process --config "$tmp/server.toml" "$B/examples/https.wasm"
[ "$status" -ne 0 ] && grep -q "broch key new --type tls" "$tmp/err" && good || bad "a key on another curve: no words"

# ---- a key-value server with SQLite ----
kv=$B/examples/kv.wasm
if "$root/examples/sqlite/build.sh" "$B/programs" "$kv" >"$tmp/kv.log" 2>&1; then
	sed "s/8444/$port/" "$root/examples/sqlite/kv.toml" >"$tmp/kv.toml"
	for kind in $kinds; do
		if start "kv.c" "$tmp/kv.toml" "$kv"; then
			python3 "$root/test/e2e/services_clients.py" kv "$port" "$cert" >"$tmp/clients" 2>&1 && good ||
				bad "$kind: kv.c: many clients: $(cat "$tmp/clients")"
		fi
		stop
	done
else
	skipped "kv.c: SQLite cannot be fetched or built: $(tail -n 1 "$tmp/kv.log")"
fi
result
