# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154,SC2034,SC2059,SC2086
# TCP: TLS, tokens, client certificates. Without a credential nothing comes out.
ssl() { openssl "$@" >/dev/null 2>&1; }
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
ssl req -x509 $ec -keyout "$dir/key" -out "$dir/cert" -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1
for ca in ca other; do ssl req -x509 $ec -keyout "$dir/$ca.key" -out "$dir/$ca" -subj "/CN=$ca"; done
client_cert() { # name, ca, subject
	ssl req $ec -keyout "$dir/$1.key" -out "$dir/$1.csr" -subj "$3"
	ssl x509 -req -in "$dir/$1.csr" -CA "$dir/$2" -CAkey "$dir/$2.key" -set_serial 1 -days 2 -out "$dir/$1"
}
client_cert alice ca /O=Example/CN=alice
client_cert mallory other /O=Example/CN=alice
one=0123456789abcdef0123456789abcdef two=fedcba9876543210fedcba9876543210
tokens=$dir/tokens

# -- token files --
tls="--tls-cert $dir/cert --tls-key $dir/key"
token_file() { # text of the complaint, content (printf)
	printf "$2" >"$tokens"
	status=0
	"$brochd" --check --state "$dir/state" --image-dir "$dir/img" --keeper "$fake" --listen tcp:127.0.0.1:0 $tls --token-file "$tokens" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	if [ $status -eq 1 ] && grep -q -F -- "$1" "$tmp/err" && ! grep -q "$one" "$tmp/err"; then good; else bad "token file: $1"; fi
}
token_file 'there is no token' ''
token_file 'there is no token' '# only a comment\n\n'
token_file 'line 2: a token has' "a $one\nb short\n"
token_file 'line 1: more than two words' "a $one c\n"
token_file 'line 3: the name a is used twice' "a $one\n\na $two\n"
token_file 'line 2: this token appears twice' "a $one\nb $one\n"
token_file 'line 1: a name has' "$(printf '%070d' 0) $one\n"
printf 'one %s\n%s\n# end' $one $two >"$tokens"
chmod 644 "$tokens"
refuse_file() { # text
	status=0
	"$brochd" --check --state "$dir/state" --keeper "$fake" --image-dir "$dir/img" --listen tcp:127.0.0.1:0 $tls --token-file "$tokens" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	if [ $status -eq 1 ] && grep -q -F -- "$1" "$tmp/err"; then good; else bad "refused: $1"; fi
}
refuse_file 'may read the tokens'
chmod 600 "$tokens"
chmod 644 "$dir/key"; refuse_file 'may read this private key'; chmod 600 "$dir/key"

start_agent --listen tcp:127.0.0.1:0 $tls --token-file "$tokens" --client-ca "$dir/ca"
port=$(sed -n 's/.*address=tcp.* port=\([0-9]*\).*/\1/p' "$dir/log")
url=https://127.0.0.1:$port
tcall() { # method, path, curl options...
	method=$1 path=$2
	shift 2
	status=$(curl -s -m 20 --cacert "$dir/cert" -o "$tmp/out" -w '%{http_code}' -X "$method" "$@" "$url$path" 2>"$tmp/err")
}
bearer() { echo "Authorization: Bearer $1"; }

for p in /v1/platform /v1/keeps /v1/keeps/abc /metrics /nowhere '/v1/keeps/%zz' /v1/keeps/abc/session; do
	tcall GET $p; want_error 401 'no valid credential' "no credential: $p"
	check "401 tells nothing of $p" test "$(wc -c <"$tmp/out")" -lt 140
done
tcall POST /v1/keeps -d '{}'; want_error 401 'no valid credential' "create without a credential"
curl -s -D "$tmp/out" -o "$tmp/err" --cacert "$dir/cert" "$url/v1/keeps"
says 'WWW-Authenticate: Bearer'
tcall GET /v1/keeps -H "$(bearer $one)"; want 200 "token one"
tcall GET /v1/keeps -H "$(bearer $two)"; want 200 "token two"
tcall GET /v1/keeps -H "authorization: bearer $one"; want 200 "scheme in lower case"
for t in "${one}0" 0123456789abcdef0123456789abcde "" one "$one $two" "one $one"; do
	tcall GET /v1/keeps -H "$(bearer "$t")"; want 401 "wrong token $t"
done
tcall GET /v1/keeps -H "Authorization: Basic $one"; want 401 "wrong scheme"
tcall GET /v1/keeps -H "$(bearer $one)" -H "$(bearer $two)"; want 400 "two credentials"
tcall GET /v1/keeps --cert "$dir/alice" --key "$dir/alice.key"; want 200 "client certificate"
curl -s --cacert "$dir/cert" --cert "$dir/mallory" --key "$dir/mallory.key" "$url/v1/keeps" >"$tmp/out" 2>&1
refute "a certificate of another authority" grep -q keeps "$tmp/out"
refute "TLS 1.2" curl -s --tls-max 1.2 --cacert "$dir/cert" "$url/v1/keeps"
refute "no TLS" curl -s -m 3 "http://127.0.0.1:$port/v1/keeps"

# -- each client has its own Keeps; the operator on the Unix socket sees all --
tcall POST /v1/keeps -H "$(bearer $one)" -d '{"name":"web"}'; want 201 "create with a token"; says '"client":"token:one"'
a=$(field id)
tcall POST /v1/keeps -H "$(bearer $two)" -d '{"name":"web"}'; want 201 "the same name for another client"
b=$(field id)
tcall POST /v1/keeps --cert "$dir/alice" --key "$dir/alice.key" -d '{}'; want 201 "create with a certificate"
says '"client":"cert:CN=alice,O=Example"'
tcall GET /v1/keeps -H "$(bearer $one)"; says "$a"; refute "a client sees the Keeps of another" grep -q "$b" "$tmp/out"
for m in 'GET /v1/keeps/%s' 'DELETE /v1/keeps/%s' 'POST /v1/keeps/%s/stop' 'GET /v1/keeps/%s/events' 'GET /v1/keeps/%s/session'; do
	# shellcheck disable=SC2059
	tcall "${m%% *}" "$(printf "${m#* }" "$b")" -H "$(bearer $one)"; want 404 "$m of another client"
done
tcall GET /v1/keeps/web -H "$(bearer $two)"; says "$b"
call GET /v1/keeps; says "$a"; says "$b"
call GET "/v1/keeps/$b"; want 200 "the operator sees it"

# -- sessions over TLS go through a relay --
run_session() { "$session" "tls:127.0.0.1:$port" "$@" >"$tmp/out" 2>"$tmp/err"; }
check "TLS session, 1 MB" run_session $one web echo 1000000
until_true 5 state_is "$a" detached || bad "detached after the session"
check "TLS session, bytes with the request" run_session $one web early 100000
until_true 5 state_is "$a" detached || bad "detached after the session"
check "TLS session, 64 MB nobody reads for a while" run_session $one web idle 64000000
check "the relay holds little" expr "$(sed -n 's/^sent //p' "$tmp/out")" '<' 16000000
until_true 5 state_is "$a" detached || bad "detached after the session"
check "TLS session, the Keep ends it" run_session $one web exit
check "no credential, no session" sh -c "'$session' tls:127.0.0.1:$port - $b hold | grep -qx 401"
delete_all

# -- reload --
printf 'three 00000000000000001111111111111111\n' >"$tokens"
kill -HUP "$agent_pid"
until_true 5 grep -q reloaded "$dir/log"
tcall GET /v1/keeps -H "$(bearer $one)"; want 401 "a token that is gone"
tcall GET /v1/keeps -H "$(bearer 00000000000000001111111111111111)"; want 200 "a new token"
: >"$tokens"
kill -HUP "$agent_pid"
until_true 5 grep -q 'reload failed' "$dir/log"
tcall GET /v1/keeps -H "$(bearer 00000000000000001111111111111111)"; want 200 "a broken file leaves the old tokens"

# -- guessing --
i=0
while [ $i -lt 25 ]; do tcall GET /v1/keeps -H "$(bearer guess$i)"; i=$((i + 1)); done
want 429 "guessing is slowed down"
call GET /v1/keeps; want 200 "the Unix socket is not"
call GET /metrics; refute "failures are counted" grep -q '^broch_auth_failures_total 0$' "$tmp/out"
refute "tokens in the log" grep -q -e "$one" -e "$two" "$dir/log"
