#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2046,SC2086,SC2154,SC2015,SC1010 # lib.sh has names and judges; $p and $k are several words
# Wrong words of every kind, before anything is started.
suite=usage
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"

run
if [ "$status" -eq 2 ] && grep -q '^Usage: broch VERB' "$tmp/err"; then good; else bad "no verb"; fi
wrong 2 "no verb 'rnu'; did you mean 'run'" rnu
wrong 2 "no verb 'deplpy'; did you mean 'deploy'" deplpy
wrong 2 "no verb 'xyzzy'" xyzzy
wrong 2 "unknown option --jsno before the verb" --jsno
wrong 2 "no verb ''" ""

# Every verb: an unknown option, a near miss, a switch with a value, an option given twice, a missing value.
for verb in $("$broch" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	case $verb in run | deploy | wait) usage=125 ;; *) usage=2 ;; esac
	wrong $usage "unknown option --no-such-thing" "$verb" --no-such-thing
	wrong $usage "did you mean --quiet" "$verb" --queit
	wrong $usage "did you mean --verbose" "$verb" --verb
	wrong $usage "unknown option -Z" "$verb" -Z
	wrong $usage "--json takes no value" "$verb" --json=yes
	wrong $usage "--color needs a value" "$verb" --color
	wrong $usage "--color=mauve: say auto, always or never" "$verb" --color=mauve x
	wrong $usage "--color is given twice" "$verb" --color=never --color=never
	long=$(printf '%01000d' 0)
	wrong $usage "unknown option" "$verb" "--$long"
	run "$verb" --help
	if [ "$status" -eq 0 ] && grep -q "^Usage: broch $verb" "$tmp/out" && [ ! -s "$tmp/err" ]; then good; else bad "$verb --help"; fi
done
for verb in run deploy logs wait inspect stop rm completion verify connect policy; do
	case $verb in run | deploy | wait) usage=125 ;; *) usage=2 ;; esac
	run "$verb"
	if [ "$status" -eq $usage ] && grep -q 'something is missing' "$tmp/err"; then good; else bad "$verb without operand"; fi
done
for verb in version platform ps; do
	wrong 2 "unexpected operand 'x'" "$verb" x
done
for verb in logs inspect; do
	wrong 2 "unexpected operand 'b'" "$verb" a b
done

# run: options end at the module; what follows is the program's
wrong 127 "no-such.wasm: No such file" run no-such.wasm --no-such-thing
wrong 127 "no-such.wasm" run -- no-such.wasm
wrong 127 "opening --: No such" run -- --
wrong 125 "expected a size such as" run --memory lots x.wasm
wrong 125 "expected a size such as" run --memory -1 x.wasm
wrong 125 "expected a size such as" run --memory 99999999999999999999GiB x.wasm
wrong 125 "expected a time such as" run --timeout 5 x.wasm
wrong 125 "expected a time such as" run --cpu-time soon x.wasm
wrong 125 "expected a time from 1ms" run --connect-timeout never x.wasm
wrong 125 "say kvm or process" run --backend zx81 x.wasm
wrong 125 "expected NAME=VALUE" run -e =x x.wasm
wrong 125 "not set in our environment" run -e BROCH_SURELY_NOT_SET x.wasm
wrong 125 "contradict" run -i --no-stdin x.wasm

wrong 125 "no -d here; .*broch deploy -d" run -d x.wasm
wrong 125 "no --host here; .*broch deploy --host" run --host unix:/x x.wasm
wrong 125 "no -t here" run -it x.wasm
wrong 125 "no -k here; .*--ca" deploy -k x.wasm

# deploy: everything of ours is looked at before any host
wrong 125 "no policy says what to accept" deploy "$hello"
wrong 125 "no-such.toml" deploy --policy no-such.toml "$hello"
printf 'tee = ["soft"\n' >"$tmp/bad.toml"
wrong 125 "bad.toml:" deploy --policy "$tmp/bad.toml" "$hello"
printf 'tee = []\nmeasurements = []\nsurprise = 1\n' >"$tmp/bad.toml"
wrong 125 "surprise" deploy --policy "$tmp/bad.toml" "$hello"
wrong 125 "up to 64 of a-z" deploy --name ../x "$hello"
wrong 125 "contradict" deploy -d -i "$hello"

# hosts
for host in "ftp://x" "" "unix:" "https://" "https://x:y" "https://x/path" "https://me@x" "http://x"; do
	[ -n "$host" ] || continue
	wrong 1 "--host $host" ps --host "$host"
done
wrong 1 "longer than 511 bytes" ps --host "unix:/$long"
wrong 1 "at most 107 byte" ps --host "unix:/$(printf '%0200d' 0)"
wrong 1 "no host agent listens on $tmp/none; start one" ps --host "unix:$tmp/none"
BROCH_HOST=nonsense run ps
expect 1 "--host nonsense" "BROCH_HOST"
wrong 1 "no-such-token" ps --host "unix:$tmp/none" --token-file "$tmp/no-such-token"
printf 'two words\n' >"$tmp/token"
wrong 1 "one line of printable" ps --host "unix:$tmp/none" --token-file "$tmp/token"
: >"$tmp/token"
wrong 1 "no token in it" ps --host "unix:$tmp/none" --token-file "$tmp/token"
wrong 1 "give --cert as well" ps --host "https://127.0.0.1:1" --key "$tmp/token"
wrong 1 "connecting to 127.0.0.1 port 1" ps --host "https://127.0.0.1:1"
for name in '../../etc' 'a b' 'A' '' '-x'; do
	wrong 1 "is no id or name of a Keep" inspect --host "unix:$tmp/none" -- "$name"
done
wrong 1 "was not deployed from here" logs nobody
wrong 125 "was not deployed from here" wait nobody
for address in keep.example:443 tls://keep.example tls://:443 tls://x:0 tls://x:65536 tls://x/y:1 tls://a:b:1 https://x:1; do
	wrong 2 "write tls://HOST:PORT" connect "$address"
done
wrong 2 "no policy says what to accept" connect tls://127.0.0.1:1
wrong 2 "no policy says what to accept" verify tls://127.0.0.1:1
wrong 2 "expected a time from 1ms" connect --connect-timeout never tls://127.0.0.1:1
wrong 2 "no completion for 'csh'" completion csh
wrong 2 "no verb 'nothing'" help nothing

# A full disk is an error, not silence.
if [ -w /dev/full ]; then
	status=0
	"$broch" help >/dev/full 2>"$tmp/err" || status=$?
	: >"$tmp/out"
	expect 1 "standard output" "help to a full disk"
else
	skipped "no /dev/full"
fi
counts
