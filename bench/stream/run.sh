#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [MIB]: bytes through a whole session: client, relay of the host agent, Keep, WASI; in, and out. Beside it
# what two processes and a pipe reach here.
set -eu
build=$1
mib=${2:-1024}
dir=$build/bench/stream
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
export XDG_STATE_HOME="$state"
kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else echo "skipped: VM Keeps, /dev/kvm is missing or not permitted"; fi
zeros() { head -c "${mib}M" /dev/zero; }
now() { date +%s%N; }
report() { # what, from: since then, $mib
	awk -v what="$1" -v ns="$(($(now) - $2))" -v mib="$mib" 'BEGIN { printf "%-28s %6.0f MB/s\n", what, mib * 1048576 / (ns / 1e9) / 1e6 }'
}
same() { [ "$1" = "$2" ] || { echo "FAILED: $1, expected $2" >&2; exit 1; }; }

from=$(now)
same "$(zeros | cat | wc -c)" $((mib * 1048576))
report "head | cat | wc" "$from"
for kind in $kinds; do
	set -- "$build/bin/broch" run -q --backend "$kind"
	"$@" --no-stdin "$dir/source.wasm" 0 # makes the test root of the software stand-in
	from=$(now)
	same "$(zeros | "$@" "$dir/sink.wasm")" "$((mib * 1048576)) 0"
	report "$kind Keep, $mib MiB in" "$from"
	from=$(now)
	same "$("$@" --no-stdin "$dir/source.wasm" "$mib" | wc -c)" $((mib * 1048576))
	report "$kind Keep, $mib MiB out" "$from"
done
