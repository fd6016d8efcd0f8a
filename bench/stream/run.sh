#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [MIB]: bytes through a whole session, in and out. Over a local socket the host agent hands the client's
# connection on to the Keep's process; over TLS it relays every byte. Beside it what processes and a pipe reach here.
set -eu
build=$1
mib=${2:-1024}
dir=$build/bench/stream
tmp=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$tmp"' EXIT
export XDG_STATE_HOME="$tmp/state" XDG_CONFIG_HOME="$tmp/config"
kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else echo "skipped: VM Keeps, /dev/kvm is missing or not permitted"; fi
zeros() { head -c "${mib}M" /dev/zero; }
now() { date +%s%N; }
report() { # what, from: since then, $mib
	awk -v what="$1" -v ns="$(($(now) - $2))" -v mib="$mib" 'BEGIN { printf "%-44s %6.0f MB/s\n", what, mib * 1048576 / (ns / 1e9) / 1e6 }'
}
same() { [ "$1" = "$2" ] || { echo "FAILED: $1, expected $2" >&2; exit 1; }; }

both_ways() { # what, command...
	what=$1
	shift
	"$@" --no-stdin "$dir/source.wasm" 0 # makes the test root of the software stand-in
	from=$(now)
	same "$(zeros | "$@" --interactive "$dir/sink.wasm")" "$((mib * 1048576)) 0"
	report "$what, $mib MiB in" "$from"
	from=$(now)
	same "$("$@" --no-stdin "$dir/source.wasm" "$mib" | wc -c)" $((mib * 1048576))
	report "$what, $mib MiB out" "$from"
}

start_tls_agent() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
	echo "ops 0123456789abcdef0123456789abcdef" >"$tmp/tokens"
	echo 0123456789abcdef0123456789abcdef >"$tmp/token"
	chmod 600 "$tmp/key.pem" "$tmp/tokens" "$tmp/token"
	"$build/bin/brochd" --listen tcp:127.0.0.1:0 --state "$tmp/agent" --tls-cert "$tmp/cert.pem" --tls-key "$tmp/key.pem" \
		--token-file "$tmp/tokens" >"$tmp/log" 2>&1 </dev/null &
	agent=$!
	until [ -f "$tmp/agent/soft-snp/ark.pem" ] && grep -q port= "$tmp/log"; do sleep 0.1; kill -0 "$agent"; done
	url=https://127.0.0.1:$(sed -n 's/.* port=\([0-9]*\).*/\1/p' "$tmp/log" | head -n 1)
	printf 'tee = ["soft"]\nmeasurements = ["shipped"]\n[soft]\nroot = "%s"\n' "$tmp/agent/soft-snp/ark.pem" >"$tmp/policy.toml"
}

from=$(now)
same "$(zeros | cat | wc -c)" $((mib * 1048576))
report "head | cat | wc" "$from"
for kind in $kinds; do
	both_ways "$kind Keep" "$build/bin/broch" run -q --backend "$kind"
done
start_tls_agent
for kind in $kinds; do
	both_ways "$kind Keep, relay with TLS" "$build/bin/broch" deploy -q --host "$url" --ca "$tmp/cert.pem" --token-file "$tmp/token" \
		--policy "$tmp/policy.toml" --backend "$kind"
done
