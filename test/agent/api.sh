# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Every call, and every wrong input to it.
start_agent --log-format json
check "socket mode" test "$(stat -c %a "$sock")" = 600

call GET /v1/platform; want 200 platform; says '"version":"'; says '"backends":[{"name":"kvm"'; says '"limits":{'; says '"tees":['
call GET /v1/keeps; want 200 "empty list"; says '{"keeps":[]}'
call POST /v1/keeps '{"name":"web","backend":"process","tee":"soft-snp","memory_max":67108864,"linger_s":30}'
want 201 create; says '"state":"ready"'; says '"name":"web"'; says '"backend":"process"'; says '"memory_max":67108864'
id=$(field id)
check "id form" expr "$id" : '[0-9a-f]\{12\}$'
for ref in "$id" "$(printf %s "$id" | cut -c 1-5)" web w%65b; do call GET "/v1/keeps/$ref"; want 200 "get $ref"; says "\"id\":\"$id\""; done
call GET /v1/keeps; says "\"id\":\"$id\""
call GET "/v1/keeps/$id/events"; want 200 events; says '"event":"created"'; says '"event":"ready"'
call POST /v1/keeps '{"name":"web"}'; want_error 409 'is taken' "same name"
call POST "/v1/keeps/$id/stop"; want 200 stop; says '"state":"exited"'; says '"end":"stopped by request"'; says '"pid":0'
call POST "/v1/keeps/web/stop"; want 200 "stop twice"
call GET "/v1/keeps/web"; want 200 "the record stays"
call GET "/v1/keeps/$id/session"; want_error 426 'switches protocols' "session without upgrade"
call DELETE "/v1/keeps/$id"; want 200 delete; says '"state":"exited"'
call DELETE "/v1/keeps/$id"; want_error 404 'no Keep' "delete twice"
call POST /v1/keeps ''; want 201 "empty body"
call DELETE "/v1/keeps/$(field id)"; want 200 "delete a live one"
call POST /v1/keeps '{"linger_s":0}'; call POST "/v1/keeps/$(field id)/stop"; want 200 "stop with linger 0"
call GET /v1/keeps; says '{"keeps":[]}'

# -- events, streamed until the Keep ends --
new_keep
curl -s -N --unix-socket "$sock" "http://x/v1/keeps/$id/events?follow=1" >"$dir/events" &
follower=$!
until_true 10 grep -q ready "$dir/events"
call POST "/v1/keeps/$id/stop"
status=0; wait $follower || status=$?
check "the stream ends whole" test "$status" -eq 0
check "the stream tells the end" grep -q '"event":"exited"' "$dir/events"
delete_all

# -- bodies --
bodies() { # text, body
	call POST /v1/keeps "$2"; want_error 400 "$1" "body $2"
}
bodies 'not JSON' '{'
bodies 'not JSON' 'x'
bodies 'not JSON' '{} {}'
bodies 'not JSON' '{"name":"a","name":"b"}'
bodies 'not JSON' "$(printf '{"name":"\377"}')"
bodies 'not a JSON object' '[]'
bodies 'did you mean name' '{"nmae":"a"}'
bodies 'the keys are' '{"something_else":1}'
bodies 'name: not' '{"name":1}'
bodies 'name: not' '{"name":""}'
bodies 'name: not' '{"name":"Web"}'
bodies 'name: not' '{"name":"-a"}'
bodies 'name: not' '{"name":"a/b"}'
bodies 'name: not' '{"name":"0123456789ab"}'
bodies 'not JSON' '{"name":"a\u0000b"}'
bodies 'name: not' "{\"name\":\"$(printf '%064d' 0)\"}"
bodies 'use one of: kvm process' '{"backend":"xen"}'
bodies 'use one of: soft-snp' '{"tee":"tdx"}'
bodies 'memory_max' '{"memory_max":-1}'
bodies 'memory_max' '{"memory_max":1.5}'
bodies 'memory_max' '{"memory_max":"1G"}'
bodies 'at most 4294967296' '{"memory_max":4294967297}'
bodies 'linger_s' '{"linger_s":-1}'
bodies 'linger_s' '{"linger_s":604801}'
head -c 65537 /dev/zero | tr '\0' ' ' >"$dir/big"
call POST /v1/keeps "@$dir/big"; want_error 413 'larger than' "big body"
head -c 65534 /dev/zero | tr '\0' ' ' >"$dir/big"; printf '{}' >>"$dir/big"
call POST /v1/keeps "@$dir/big"; want 201 "biggest body"
# deep nesting is refused, not followed
printf '{"name":%s' "$(printf '%030000d' 0 | tr 0 '[')" >"$dir/deep"
call POST /v1/keeps "@$dir/deep"; want_error 400 'not JSON' "deep body"
delete_all

# -- paths and methods --
for p in / /v1 /v1/ /v1/keep /v2/keeps /v1/keeps/a/b /v1/keeps/a/b/c/d/e/f /v1/platform/ /v1//keeps /metrics/x; do
	call GET "$p"; want_error 404 'no such path' "path $p"
done
allow() { # method, path, allowed
	curl -s -o "$tmp/out" -D "$tmp/err" --unix-socket "$sock" -X "$1" "http://x$2"
	if grep -q '^HTTP/1.1 405' "$tmp/err" && tr -d '\r' <"$tmp/err" | grep -q "^Allow: $3\$"; then good; else bad "$1 $2: no Allow: $3"; fi
}
allow PUT /v1/keeps 'GET, POST'
allow DELETE /v1/keeps 'GET, POST'
allow PATCH /v1/keeps/abc 'GET, DELETE'
allow POST /v1/platform GET
allow GET /v1/keeps/abc/stop POST
allow OPTIONS /metrics GET
for p in %zz %2 % a%2fb A a%00b '..%2e' -x; do call GET "/v1/keeps/$p"; want_error 400 '"error"' "keep $p"; done
call GET /v1/keeps/; want_error 400 'not the id' "empty id"
call GET "/v1/keeps?x=1"; want_error 400 'no query' query
call GET "/v1/keeps/abc/events?folow=1"; want_error 400 'unknown query' "wrong query"
call GET "/v1/keeps/abc"; want_error 404 'no Keep' "unknown keep"
call POST "/v1/keeps/abc/stop"; want_error 404 'no Keep' "stop an unknown keep"
call GET "/v1/keeps/abc/events"; want_error 404 'no Keep' "events of an unknown keep"
call GET "/v1/keeps/$(printf '%0100d' 0)"; want_error 400 'not the id' "long id"

# -- several Keeps with one first digit: 17 Keeps have only 16 first digits --
i=0
while [ $i -lt 17 ]; do new_keep || bad "create $i"; i=$((i + 1)); done
call GET /v1/keeps
digit=$(grep -o '"id":"[0-9a-f]' "$tmp/out" | cut -d '"' -f 4 | sort | uniq -d | head -n 1)
call GET "/v1/keeps/$digit"; want_error 409 'more digits' "ambiguous prefix"
delete_all

# -- HTTP: what two readers could understand differently is refused --
raw 'GET /v1/keeps HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/platform HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
want 200 "two requests on one connection"
check "both are answered" test "$(grep -a -c '^HTTP/1.1 200' "$tmp/out")" -eq 2
wrong() { # status, head
	raw "$2\r\n\r\n"; want "$1" "raw $2"
}
wrong 400 'GET'
wrong 400 'GET /v1/keeps'
wrong 505 'GET /v1/keeps HTTP/1.0\r\nHost: x'
wrong 505 'GET /v1/keeps HTTP/2.0\r\nHost: x'
wrong 505 'GET  /v1/keeps HTTP/1.1\r\nHost: x'
wrong 400 'GET v1/keeps HTTP/1.1\r\nHost: x'
wrong 400 'G(T /v1/keeps HTTP/1.1\r\nHost: x'
wrong 400 'GET /v1/keeps HTTP/1.1'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost: x\r\nHost: y'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost : x'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost: x\r\n folded'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost: x\r\nnocolon'
wrong 505 'GET /v1/keeps HTTP/1.1\nHost: x'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost: x\nA: b'
wrong 400 'GET /v1/keeps HTTP/1.1\r\nHost: x\r\nA: \001'
wrong 411 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked'
wrong 400 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2'
wrong 400 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length: -1'
wrong 400 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10'
wrong 400 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length:'
wrong 413 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999'
wrong 417 'POST /v1/keeps HTTP/1.1\r\nHost: x\r\nExpect: 100-continue'
wrong 414 "GET /$(printf '%03000d' 0) HTTP/1.1\r\nHost: x"
wrong 431 "GET / HTTP/1.1\r\nHost: x\r\nA: $(printf '%017000d' 0)"
wrong 431 "GET / HTTP/1.1\r\nHost: x$(i=0; while [ $i -lt 65 ]; do printf '\\r\\nA%d: b' $i; i=$((i + 1)); done)"

# -- a client that goes away while its Keep starts: the Keep goes too --
behave slow
curl -s -m 1 --unix-socket "$sock" -X POST http://x/v1/keeps -o "$tmp/out"
check "an abandoned Keep is ended" until_true 5 no_keepers
call GET /v1/keeps; says '{"keeps":[]}'
behave good

call GET /metrics; want 200 metrics
says 'broch_keeps{state="ready"} 0'; says 'broch_keeps_created_total '; says 'broch_keeps_ended_total{reason="stopped"} '
says 'broch_keep_create_seconds_bucket{le="+Inf"} '; says 'broch_http_requests_total{code="404"}'
check "the log is JSON, line by line" python3 -c 'import json, sys; [json.loads(l)["event"] for l in open(sys.argv[1])]' "$dir/log"
