#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# What TLS in a Keep refuses, and what it says to the peer: as a client of OpenSSL's server, as a server of OpenSSL's client.
suite=refusals
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kind=kvm
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then kind=process && skipped "KVM Keeps: /dev/kvm is missing or not permitted; a process Keep instead"; fi

# ---- certificates ----
mkdir -p "$tmp/ca"
: >"$tmp/ca/index"
echo 01 >"$tmp/ca/serial"
cat >"$tmp/ca.conf" <<-EOF2
	[ca]
	default_ca = here
	[here]
	database = $tmp/ca/index
	serial = $tmp/ca/serial
	new_certs_dir = $tmp/ca
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	commonName = supplied
EOF2
authority() { # name; all have the same subject: only their keys tell them apart
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.pem" -days 3650 \
		-subj "/CN=authority" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
}
authority root
authority other
certificate() { # name issuer from until extensions key-options...
	who=$1 issuer=$2 from=$3 until=$4
	printf '%b\n' "$5" >"$tmp/$who.ext"
	shift 5
	openssl req -new -nodes -keyout "$tmp/$who.key" -out "$tmp/$who.csr" -subj "/CN=$who" "$@" 2>/dev/null
	openssl ca -batch -config "$tmp/ca.conf" -cert "$tmp/$issuer.pem" -keyfile "$tmp/$issuer.key" -in "$tmp/$who.csr" -startdate "$from" \
		-enddate "$until" -extfile "$tmp/$who.ext" -notext -out "$tmp/$who.pem" 2>"$tmp/ca.log" || bad "no certificate: $(cat "$tmp/ca.log")"
}
past=20200101000000Z before=20200201000000Z after=20480101000000Z future=20490101000000Z
p256="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
# shellcheck disable=SC2086 # options
for side in server:serverAuth:clientAuth client:clientAuth:serverAuth; do
	s=${side%%:*} rest=${side#*:}
	right="subjectAltName=DNS:localhost\nextendedKeyUsage=${rest%:*}"
	certificate $s-good root $past $future "$right" $p256
	certificate $s-name root $past $future "subjectAltName=DNS:elsewhere.example" $p256
	certificate $s-root other $past $future "$right" $p256
	certificate $s-old root $past $before "$right" $p256
	certificate $s-early root $after $future "$right" $p256
	certificate $s-usage root $past $future "subjectAltName=DNS:localhost\nextendedKeyUsage=${rest#*:}" $p256
	certificate $s-bits root $past $future "subjectAltName=DNS:localhost\nkeyUsage=critical,keyAgreement" $p256
	certificate $s-rsa root $past $future "$right" -newkey rsa:2048
	# a signature with another bit: the last byte of the DER is of it
	openssl x509 -in "$tmp/$s-good.pem" -outform DER -out "$tmp/$s-forged.der"
	python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[-1] ^= 1; open(sys.argv[1], "wb").write(d)' "$tmp/$s-forged.der"
	openssl x509 -inform DER -in "$tmp/$s-forged.der" -out "$tmp/$s-forged.pem"
	cp "$tmp/$s-good.key" "$tmp/$s-forged.key"
done

# ---- a Keep is the client ----
mkfifo "$tmp/never" # servers keep their input
exec 9<>"$tmp/never"
cp "$root/examples/https-client.toml" "$tmp/client-template.toml"
cp "$tmp/root.pem" "$tmp/ca.pem"
keep_asks() { # WHAT CERTIFICATE STATUS WORDS ALERT SERVER-OPTION...
	what=$1 with=$2 expected=$3 words=$4 alert=$5
	shift 5
	: >"$tmp/server.log"
	openssl s_server -accept 127.0.0.1:0 -naccept 1 -cert "$tmp/server-$with.pem" -key "$tmp/server-$with.key" -www "$@" >"$tmp/server.log" 2>&1 <&9 &
	server=$!
	until_true 20 grep -q '^ACCEPT 127' "$tmp/server.log" || bad "$what: no server: $(cat "$tmp/server.log")"
	port=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' "$tmp/server.log")
	sed "s/8443/$port/; /^alpn/d" "$tmp/client-template.toml" >"$tmp/client.toml"
	try "$broch" run -q --backend "$kind" --config "$tmp/client.toml" "$B/examples/https-client.wasm"
	want_status "$expected" "a client in a Keep: $what" && grep -aqF -- "$words" "$tmp/err" && good || bad "a client in a Keep: $what: not \"$words\""
	wait $server # it served one
	[ -z "$alert" ] || { grep -aq "alert $alert" "$tmp/server.log" && good || bad "a client in a Keep: $what: no alert \"$alert\": $(cat "$tmp/server.log")"; }
}
# s_server -www answers with HTTP/1.0 and no length, which the client says: it was served
keep_asks "a good server" good 1 "this is no HTTP/1.1" ""
keep_asks "RSA" rsa 1 "this is no HTTP/1.1" "" -tls1_2
keep_asks "another name" name 126 "for another name" "bad certificate"
keep_asks "another root" root 126 "no root we trust" "unknown ca"
keep_asks "expired" old 126 "not valid at this time" "certificate expired"
keep_asks "not yet valid" early 126 "not valid at this time" "certificate expired"
keep_asks "a certificate for clients" usage 126 "may not be used for this" "unsupported certificate"
# A key for something else: OpenSSL does not show such a certificate as a server; lib/tls/tls_test.c does.
keep_asks "a forged certificate" forged 126 "no root we trust" "unknown ca"
keep_asks "TLS 1.1" good 126 "TLS failed" "" -tls1_1 -cipher ALL:@SECLEVEL=0
keep_asks "TLS 1.3 only" good 126 "TLS failed" "" -tls1_3
keep_asks "a suite without ECDHE" rsa 126 "TLS failed" "" -tls1_2 -cipher AES128-GCM-SHA256
keep_asks "a suite without AEAD" good 126 "TLS failed" "" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256

# a server that is cut off in the middle of its answer, without close_notify
cat >"$tmp/cut.py" <<-EOF2
	import socket, ssl, sys
	listener = socket.create_server(("127.0.0.1", 0))
	print(listener.getsockname()[1], flush=True)
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[1], sys.argv[2])
	s = context.wrap_socket(listener.accept()[0], server_side=True)
	s.recv(1000)
	s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
	s.close() # without unwrap: the wire ends, TLS does not
EOF2
: >"$tmp/cut.at"
python3 "$tmp/cut.py" "$tmp/server-good.pem" "$tmp/server-good.key" >"$tmp/cut.at" 2>&1 <&9 &
until_true 20 test -s "$tmp/cut.at"
sed "s/8443/$(cat "$tmp/cut.at")/; /^alpn/d" "$tmp/client-template.toml" >"$tmp/client.toml"
try "$broch" run -q --backend "$kind" --config "$tmp/client.toml" "$B/examples/https-client.wasm"
want_status 1 "a client in a Keep: cut off" && grep -q "ended before the answer did" "$tmp/err" && good || bad "a client in a Keep: cut off: no words"
wait $!

# ---- a Keep is the server ----
port=$(python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/8443/$port/; s/^alpn.*/client_roots = \"ca.pem\"/" "$root/examples/https.toml" >"$tmp/https.toml"
: >"$tmp/service"
"$broch" run -q --backend "$kind" --config "$tmp/https.toml" "$B/examples/https.wasm" >"$tmp/service" 2>&1 </dev/null &
keep=$!
until_true 30 grep -q ready "$tmp/service" || bad "the server does not start: $(cat "$tmp/service")"
printf 'GET / HTTP/1.0\r\n\r\n' >"$tmp/request"
keep_hears() { # WHAT WORDS CLIENT-OPTION...
	what=$1 words=$2
	shift 2
	timeout 60 openssl s_client -quiet -connect "127.0.0.1:$port" "$@" <"$tmp/request" >"$tmp/out" 2>&1
	grep -aqF -- "$words" "$tmp/out" && good || bad "a server in a Keep: $what: not \"$words\""
	[ "$words" = "hello from a Keep" ] || { ! grep -aq "hello from a Keep" "$tmp/out" && good || bad "a server in a Keep: $what: served"; }
}
shows() { # WHAT CERTIFICATE WORDS
	keep_hears "$1" "$3" -tls1_2 -cert "$tmp/client-$2.pem" -key "$tmp/client-$2.key"
}
shows "a good client" good "hello from a Keep"
shows "RSA" rsa "hello from a Keep"
shows "another name, which no client has to have" name "hello from a Keep"
shows "another root" root "alert unknown ca"
shows "expired" old "alert certificate expired"
shows "not yet valid" early "alert certificate expired"
shows "a certificate for servers" usage "alert unsupported certificate"
shows "a key for something else" bits "alert unsupported certificate"
shows "a forged certificate" forged "alert unknown ca"
keep_hears "no certificate" "alert handshake failure" -tls1_2
set -- -cert "$tmp/client-good.pem" -key "$tmp/client-good.key"
keep_hears "TLS 1.1" "alert protocol version" -tls1_1 -cipher ALL:@SECLEVEL=0 "$@"
keep_hears "TLS 1.3 only" "alert handshake failure" -tls1_3 "$@"
keep_hears "a suite without ECDHE" "alert handshake failure" -tls1_2 -cipher AES128-GCM-SHA256 "$@"
keep_hears "a suite without AEAD" "alert handshake failure" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256 "$@"
shows "a good client, after all of these" good "hello from a Keep"
kill -KILL $keep
wait $keep 2>/dev/null
until_true 20 none_left && good || bad "a Keep is left"
result
