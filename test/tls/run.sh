#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our ends of TLS against other people's, on loopback, each with right and wrong certificates; then what a Keep's
# certificate is for: broch verify tls:// and broch connect. The Keep is played by test/tls/peer.c.
set -u
here=$(cd "$(dirname "$0")" && pwd)
B=${B:-$here/../../build}
peer=$B/test/tls-peer
broch=$B/bin/broch
t=$(mktemp -d) || exit 2
export HOME="$t" XDG_STATE_HOME="$t/state" XDG_CONFIG_HOME="$t/config" XDG_RUNTIME_DIR="$t/rt" NO_COLOR=1 LC_ALL=C
pass=0 fail=0 skip=0 children='' input=/dev/null

stop() { for c in $children; do kill "$c" 2>/dev/null; wait "$c" 2>/dev/null; done; children=; }
trap 'stop; rm -rf "$t"' EXIT
trap 'exit 130' INT TERM

# expect STATUS WORDS WHAT COMMAND...: the status must be this, and output or errors must hold the words.
expect() {
	want=$1 words=$2 what=$3 got=0
	shift 3
	timeout -k 5 60 "$@" >"$t/out" 2>"$t/err" <"$input" || got=$?
	if [ "$got" -eq "$want" ] && cat "$t/out" "$t/err" | grep -aqF -- "$words"; then
		pass=$((pass + 1))
	else
		fail=$((fail + 1))
		echo "FAILED: $what: status $got, expected $want and \"$words\""
		cat "$t/out" "$t/err" | head -n 12 | sed 's/^/    /'
	fi
}
# holds WHAT COMMAND...
holds() {
	what=$1
	shift
	if "$@"; then pass=$((pass + 1)); else fail=$((fail + 1)); echo "FAILED: $what"; fi
}
skipped() { skip=$((skip + 1)); echo "SKIPPED: $*"; }

# serve NAME OPTION...: a server of ours; its certificate is $t/NAME.pem, then $port and $pin, what it says $t/NAME.log
serve() {
	name=$1
	shift
	: >"$t/$name.at"
	"$peer" server "$t/$name.pem" "$@" >"$t/$name.at" 2>"$t/$name.log" &
	served=$!
	children="$children $served"
	until [ -s "$t/$name.at" ]; do kill -0 $served 2>/dev/null || { cat "$t/$name.log"; exit 2; }; sleep 0.05; done
	read -r port pin <"$t/$name.at"
}
pin64() { python3 -c 'import base64, sys; print(base64.b64encode(bytes.fromhex(sys.argv[1])).decode())' "$1"; }

# ---- certificates of OpenSSL's ----
ca() { # name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$t/$1.key" -out "$t/$1.pem" -days 30 \
		-subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
}
leaf() { # name ca extensions key-options...
	leaf=$1 by=$2 ext=$3
	shift 3
	openssl req -new -nodes -keyout "$t/$leaf.key" -out "$t/$leaf.csr" -subj "/CN=$leaf" "$@" 2>/dev/null
	printf '%b' "$ext" >"$t/$leaf.ext"
	openssl x509 -req -in "$t/$leaf.csr" -CA "$t/$by.pem" -CAkey "$t/$by.key" -CAcreateserial -days 10 \
		-extfile "$t/$leaf.ext" -out "$t/$leaf.pem" 2>/dev/null
}
p256="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
ca root
ca other
# shellcheck disable=SC2086 # options
{
	leaf good root 'subjectAltName=DNS:keep.example' $p256
	leaf rsa root 'subjectAltName=DNS:keep.example\nextendedKeyUsage=serverAuth' -newkey rsa:2048
	leaf misuse root 'subjectAltName=DNS:keep.example\nextendedKeyUsage=clientAuth' $p256
	leaf visitor root 'extendedKeyUsage=clientAuth' $p256
}

# ---- our client, other people's servers ----
# s_server NAME OPTION...
s_server() {
	s=$1
	shift
	port=
	: >"$t/s_server.log"
	openssl s_server -accept 127.0.0.1:0 -cert "$t/$s.pem" -key "$t/$s.key" -www "$@" >>"$t/s_server.log" 2>&1 &
	children="$children $!"
	n=200
	until port=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' "$t/s_server.log") && [ -n "$port" ]; do
		n=$((n - 1)); [ $n -gt 0 ] || { cat "$t/s_server.log"; exit 2; }; sleep 0.05
	done
}
client() { # STATUS WORDS WHAT ARGUMENT...
	want=$1 words=$2 what=$3
	shift 3
	input=$t/request
	expect "$want" "$words" "$what" "$peer" client 127.0.0.1 "$port" "$@"
	input=/dev/null
}
printf 'GET / HTTP/1.0\r\n\r\n' >"$t/request"
s_server good
client 0 'HTTP/1.0 200 ok' "s_server, P-256" keep.example roots="$t/root.pem"
client 1 'for another name; alert 42' "s_server, false name" other.example roots="$t/root.pem"
client 1 'no root we trust stands behind the peer'"'"'s certificate; alert 48' "s_server, false root" keep.example roots="$t/other.pem"
client 1 'not a pinned one; alert 46' "s_server, false pin" keep.example roots="$t/root.pem" pin="$(printf '%064d' 0)"
holds "s_server is told the reason" grep -aq 'alert unknown ca' "$t/s_server.log"
s_server rsa -tls1_2
client 0 'HTTP/1.0 200 ok' "s_server, RSA" keep.example roots="$t/root.pem"
s_server misuse
client 1 'may not be used for this; alert 43' "s_server, a certificate for clients" keep.example roots="$t/root.pem"
s_server good -tls1_1 -cipher ALL:@SECLEVEL=0
client 1 'no handshake' "s_server that speaks TLS 1.1 only" keep.example roots="$t/root.pem"
s_server good -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256
client 1 'no handshake' "s_server without AEAD" keep.example roots="$t/root.pem"
s_server good -tls1_3
client 1 'no handshake' "s_server that speaks TLS 1.3 only" keep.example roots="$t/root.pem"
for suite in ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305; do
	s_server good -tls1_2 -cipher $suite
	client 0 "$suite" "s_server, $suite" keep.example roots="$t/root.pem"
done
s_server good -tls1_2 -Verify 1 -CAfile "$t/root.pem" -verify_return_error
client 1 'no handshake' "s_server that asks for a certificate" keep.example roots="$t/root.pem"
s_server good -tls1_2 -Verify 1
client 0 'HTTP/1.0 200 ok' "s_server that takes any certificate, and names no authority" keep.example roots="$t/root.pem" identity
client 1 'no handshake' "s_server that takes any certificate, but gets none" keep.example roots="$t/root.pem"
expect 0 'No client certificate CA names sent' "s_server's list of authorities is empty" openssl s_client -connect "127.0.0.1:$port" \
	-cert "$t/visitor.pem" -key "$t/visitor.key"
holds "s_server demands one" grep -aq 'peer did not return a certificate' "$t/s_server.log"
s_server good -tls1_2 -alpn http/1.1
client 0 'protocol http/1.1' "s_server, ALPN" keep.example roots="$t/root.pem" alpn=h2,http/1.1
stop

# ---- our server, other people's clients ----
serve keep names=keep.example alpn=http/1.1
s_client="openssl s_client -connect 127.0.0.1:$port -brief -servername keep.example"
# shellcheck disable=SC2086 # several words
{
	expect 0 'Verification: OK' "s_client" $s_client -CAfile "$t/keep.pem" -verify_return_error -verify_hostname keep.example
	expect 0 'ECDHE-ECDSA-AES128-GCM-SHA256' "s_client, suite" $s_client -cipher ECDHE-ECDSA-AES128-GCM-SHA256
	expect 1 'alert' "s_client with a suite that is not AEAD" $s_client -tls1_2 -cipher ECDHE-ECDSA-AES256-SHA
	expect 1 'alert protocol version' "s_client, TLS 1.1" $s_client -tls1_1 -cipher ALL:@SECLEVEL=0
	expect 1 'alert' "s_client, ALPN we do not speak" $s_client -alpn spdy/3
	expect 0 'ALPN protocol: http/1.1' "s_client, ALPN" openssl s_client -connect "127.0.0.1:$port" -alpn http/1.1
	expect 0 'No client certificate CA names sent' "s_client is asked for no certificate" openssl s_client -connect "127.0.0.1:$port"
}
expect 0 hello "curl with the certificate" curl -sS --cacert "$t/keep.pem" --resolve "keep.example:$port:127.0.0.1" "https://keep.example:$port/"
expect 0 hello "curl with the pin" curl -sSk --pinnedpubkey "sha256//$(pin64 "$pin")" "https://127.0.0.1:$port/"
expect 90 'public key' "curl with another pin" curl -sSk --pinnedpubkey "sha256//$(pin64 "$(printf '%064d' 0)")" "https://127.0.0.1:$port/"
expect 60 'no alternative certificate subject name matches' "curl, another name" curl -sS --cacert "$t/keep.pem" --resolve "other.example:$port:127.0.0.1" "https://other.example:$port/"
if command -v gnutls-cli >/dev/null; then
	expect 0 'Handshake was completed' "gnutls-cli" gnutls-cli --no-ca-verification --port "$port" 127.0.0.1
	expect 0 'Status: The certificate is trusted' "gnutls-cli with the certificate" gnutls-cli --x509cafile "$t/keep.pem" --verify-hostname=keep.example --port "$port" 127.0.0.1
	expect 1 'error' "gnutls-cli without AEAD" gnutls-cli --no-ca-verification --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC' --port "$port" 127.0.0.1
else
	skipped "no gnutls-cli"
fi

serve private names=keep.example client-roots="$t/root.pem"
expect 0 hello "curl with a certificate" curl -sSk --cert "$t/visitor.pem" --key "$t/visitor.key" "https://127.0.0.1:$port/"
expect 35 'alert handshake failure' "curl without one" curl -sSk "https://127.0.0.1:$port/"
expect 35 'alert unsupported certificate' "curl with a server's" curl -sSk --cert "$t/rsa.pem" --key "$t/rsa.key" --tls-max 1.2 "https://127.0.0.1:$port/"
holds "the server says why" grep -q 'the client showed no certificate; alert 40' "$t/private.log"

# ---- client certificates by their keys alone: there is no authority to name ----
visitor=$(openssl x509 -in "$t/visitor.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
serve known names=keep.example pins="$visitor"
expect 0 hello "curl, pinned" curl -sSk --cert "$t/visitor.pem" --key "$t/visitor.key" "https://127.0.0.1:$port/"
expect 35 'alert handshake failure' "curl without a certificate" curl -sSk "https://127.0.0.1:$port/"
expect 35 'alert' "curl with another key" curl -sSk --cert "$t/rsa.pem" --key "$t/rsa.key" --tls-max 1.2 "https://127.0.0.1:$port/"
printf 'GET / HTTP/1.0\r\n\r\n' >"$t/get"
# shellcheck disable=SC2016 # the inner shell expands them
expect 0 hello "OpenSSL, pinned" sh -c 'openssl s_client -quiet -connect "127.0.0.1:$1" -cert "$2" -key "$3" <"$4" 2>/dev/null' - "$port" "$t/visitor.pem" "$t/visitor.key" "$t/get"

# ---- two of ours, each with the other's key pinned ----
mine=$("$peer" pin key=one)
serve pair names=keep.example pins="$mine"
client 0 hello "both ends pinned" keep pin="$pin" identity key=one
client 1 "peer's alert 46" "a client with another key" keep pin="$pin" identity key=two
client 1 'not a pinned one; alert 46' "a server with another key" keep pin="$mine" identity key=one
serve liar names=keep.example key=three other-key
client 1 'has not the key of its certificate; alert 51' "a server without its key" keep pin="$pin"
stop

# ---- evidence ----
manifest=$(printf '%064d' 7)
image=$B/bin/broch-keep-vm.elf
serve attested soft="$XDG_STATE_HOME/broch" image="$image" manifest="$manifest"
good=$port
"$broch" policy init --soft >"$t/soft.toml"
"$broch" policy init >"$t/snp.toml"
verify="$broch verify --policy $t/soft.toml"
# shellcheck disable=SC2086 # several words
{
	expect 0 'accepted, but signed by a software stand-in' "verify" $verify --workload "$manifest" "tls://127.0.0.1:$good"
	expect 0 '"ok": true' "verify --json" $verify --json --workload "$manifest" "tls://localhost:$good"
	expect 3 'ratls.manifest' "verify, no workload named" $verify "tls://127.0.0.1:$good"
	expect 3 "--workload $manifest" "verify, another workload" $verify -w "$(printf '%064d' 8)" "tls://127.0.0.1:$good"
	expect 0 'accepted' "verify, one of two workloads" $verify -w "$(printf '%064d' 8)" -w "$manifest" "tls://127.0.0.1:$good"
	expect 3 'evidence.tee' "verify, a policy for hardware" "$broch" verify -p "$t/snp.toml" -w "$manifest" "tls://127.0.0.1:$good"
	expect 3 'ratls.cert.time' "verify, another time" $verify --at 2001-01-01 -w "$manifest" "tls://127.0.0.1:$good"
	expect 2 'write tls://HOST:PORT' "verify, no port" $verify "tls://127.0.0.1"
	expect 2 'No such file' "verify, a workload that is neither" $verify -w "$t/none" "tls://127.0.0.1:$good"
	{ echo "workloads = [\"$manifest\"]"; cat "$t/soft.toml"; } >"$t/named.toml"
	expect 0 'accepted' "verify, a policy that names the workload" "$broch" verify -p "$t/named.toml" "tls://127.0.0.1:$good"
	{ echo "workloads = [\"$(printf '%064d' 8)\"]"; cat "$t/soft.toml"; } >"$t/named.toml"
	expect 3 'ratls.manifest' "verify, a policy that names another" "$broch" verify -p "$t/named.toml" "tls://127.0.0.1:$good"
	expect 0 'accepted' "verify, the saved certificate" $verify -w "$manifest" "$t/attested.pem"
	expect 3 'ratls.manifest' "verify, the saved certificate, no workload named" $verify "$t/attested.pem"
	expect 1 'connecting to 127.0.0.1 port 1' "verify, nobody there" $verify -w "$manifest" "tls://127.0.0.1:1"
}
serve plain names=keep.example
# shellcheck disable=SC2086
expect 3 'ratls.evidence.read' "verify, a certificate without evidence" $verify -w "$manifest" "tls://127.0.0.1:$port"
expect 3 'ratls.evidence.read' "connect, the same" "$broch" connect --policy "$t/soft.toml" -w "$manifest" "tls://127.0.0.1:$port"

# connects: starts broch connect, sets $local to its address and $proxy
connects() {
	: >"$t/connect.at"
	"$broch" connect --policy "$t/soft.toml" --workload "$manifest" "$@" >"$t/connect.at" 2>"$t/connect.log" &
	proxy=$!
	children="$children $proxy"
	until [ -s "$t/connect.at" ]; do kill -0 $proxy 2>/dev/null || { cat "$t/connect.log"; exit 2; }; sleep 0.05; done
	local=$(cat "$t/connect.at")
}
connects "tls://127.0.0.1:$good"
expect 0 hello "curl through broch connect" curl -sS "http://$local/"
for i in 1 2 3 4 5 6 7 8; do curl -sS "http://$local/" >"$t/many.$i" 2>&1 & eval "c$i=\$!"; done
for i in 1 2 3 4 5 6 7 8; do eval "wait \$c$i"; done
holds "eight at once" [ "$(cat "$t"/many.* | grep -c hello)" -eq 8 ]
kill -INT "$proxy"
holds "connect ends well at an interrupt" wait "$proxy"
expect 7 'curl' "nobody listens any more" curl -sS "http://$local/"
stop

# Another Keep comes to the same address, with evidence as good as that of the one that was judged, and another key.
serve first soft="$XDG_STATE_HOME/broch" image="$image" manifest="$manifest"
connects "tls://127.0.0.1:$port"
expect 0 hello "through broch connect to the first" curl -sS "http://$local/"
kill "$served"
wait "$served" 2>/dev/null
serve second port="$port" soft="$XDG_STATE_HOME/broch" image="$image" manifest="$manifest"
# shellcheck disable=SC2086
expect 0 accepted "the second is as good" $verify -w "$manifest" "tls://127.0.0.1:$port"
expect 56 reset "but nothing goes to it" curl -sS "http://$local/"
holds "and connect says why" grep -q 'another key than the one that was verified' "$t/connect.log"
stop

serve echo echo soft="$XDG_STATE_HOME/broch" image="$image" manifest="$manifest"
connects --listen 127.0.0.1:0 "tls://127.0.0.1:$port"
if command -v python3 >/dev/null; then
	expect 0 same "a megabyte and back" python3 "$here/echo.py" "${local##*:}" 1048576
fi
stop
echo "tls: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
