#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2046,SC2086,SC2154,SC2015,SC1010 # lib.sh has names and judges; $p and $k are several words
# Hosts that lie, stutter or say nothing: one clear line, the right status, nothing sent, nothing believed.
suite=hosts
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"
if ! command -v python3 >/dev/null; then
	skipped "python3 is not installed"
	counts
	exit 0
fi
liar=
with() { # case: a lying host on $tmp/liar.sock
	[ -z "$liar" ] || { kill "$liar"; wait "$liar" 2>/dev/null; }
	rm -f "$tmp/liar.sock"
	python3 "$root/test/cli/liar.py" "$tmp/liar.sock" "$1" >"$tmp/liar.log" 2>&1 &
	liar=$!
	children=$liar
	until_true 100 test -S "$tmp/liar.sock" || bad "the lying host '$1' does not start"
}
export BROCH_HOST="unix:$tmp/liar.sock"

while read -r case words; do
	with "$case"
	wrong 1 "$words" ps --connect-timeout 5s
done <<'E2'
garbage does not answer in HTTP
nothing closed the connection without an answer
half-head closed the connection
half-body closed the connection|middle of its answer
endless-head headers are (too long|longer)
endless-body answer is longer
huge-length Content-Length is malformed
two-lengths two different Content-Lengths
length-and-chunks both Content-Length and chunks
bad-chunk malformed chunk
huge-chunk malformed chunk
gzip other than chunked
status-zero impossible HTTP status
http2 does not answer in HTTP
not-json other than JSON
json-twice other than JSON
deep-json other than JSON
401 wants a credential: give --token-file
500 HTTP status 500
500-words the disk \?\[31mburns; fetch water
redirect HTTP status 302
switch protocol nobody asked for|.
E2
with silent
wrong 1 'does not answer in time' ps --connect-timeout 1s

for case in chunked until-close continue wrong-types odd-items; do
	with "$case"
	run ps --json
	expect 0 - "$case"
	json_ok 'isinstance(d, list)' "$case"
done
with escapes
run ps -a
expect 0 - escapes
# U+009B begins a sequence, too, and has two bytes.
if LC_ALL=C grep -q '[^ -~]' "$tmp/out"; then bad "escape sequences of a host reach the terminal"; else good; fi
with long-words
run ps --json
expect 0 - long-words
json_ok 'len(d) == 1' "words that are cut are still words"

# Sessions: whoever cannot prove what it is gets nothing, and the status says so.
"$broch" policy init --soft >"$tmp/policy.toml"
[ -e "$XDG_STATE_HOME/broch/soft-snp/ark.pem" ] || timeout 120 "$broch" run -q --backend process "$hello" >/dev/null
while read -r want case words; do
	with "$case"
	wrong "$want" "$words" deploy --connect-timeout 3s --policy "$tmp/policy.toml" "$hello"
done <<'E2'
125 bad-id impossible id or name
125 bad-name impossible id or name
125 no-id impossible id or name
125 session-404 the host says: no
125 session-200 does not open a session
125 other-protocol protocol nobody asked for
3 session-closed closed
3 session-garbage .
3 session-zeros impossible size|.
3 session-short .
3 session-noise .
3 session-low-order .
E2

# TLS: only a certificate we accept is talked to, and only then does the token leave.
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -days 2 2>/dev/null
	echo "ops 0123456789abcdef0123456789abcdef" >"$tmp/tokens"
	chmod 600 "$tmp/tokens" "$tmp/key.pem"
	port=$((20000 + $$ % 20000))
	"$B/bin/brochd" --listen "tcp:127.0.0.1:$port" --state "$tmp/tls-state" --tls-cert "$tmp/cert.pem" --tls-key "$tmp/key.pem" \
		--token-file "$tmp/tokens" >"$tmp/tls.log" 2>&1 </dev/null &
	children="$children $!"
	echo 0123456789abcdef0123456789abcdef >"$tmp/token"
	url=https://127.0.0.1:$port
	if until_true 100 "$broch" ps --host "$url" --ca "$tmp/cert.pem" --token-file "$tmp/token"; then
		good
		wrong 1 'certificate is not accepted' ps --host "$url" --token-file "$tmp/token"
		wrong 1 'wants a credential' ps --host "$url" --ca "$tmp/cert.pem"
		echo 0000 >"$tmp/wrong-token"
		wrong 1 '.' ps --host "$url" --ca "$tmp/cert.pem" --token-file "$tmp/wrong-token"
		run ps --json --host "https://localhost:$port" --ca "$tmp/cert.pem" --token-file "$tmp/token"
		json_ok 'd == []' "ps over TLS by name"
		wrong 1 'reading certificates from' ps --host "$url" --ca "$tmp/token" --token-file "$tmp/token"
		run deploy -q --host "$url" --ca "$tmp/cert.pem" --token-file "$tmp/token" --policy "$tmp/policy.toml" "$hello" tls
		if [ "$status" -eq 3 ] && grep -q 'root' "$tmp/err"; then good; else bad "another host's test root under our policy: $status"; fi
		sed "s|^root = .*|root = \"$tmp/tls-state/soft-snp/ark.pem\"|" "$tmp/policy.toml" >"$tmp/tls.toml"
		run deploy -q --host "$url" --ca "$tmp/cert.pem" --token-file "$tmp/token" --policy "$tmp/tls.toml" "$hello" tls
		expect 0 - "deploy over TLS"
		out_is 'Hello, tls, from inside a Keep!' "deploy over TLS"
	else
		cp "$tmp/tls.log" "$tmp/err"
		bad "no answer over TLS"
	fi
else
	skipped "openssl is not installed"
fi
counts
