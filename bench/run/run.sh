#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [COUNT]: a cold `broch run hello`, whole and step by step, in both kinds of Keep; the same deployed to a
# host agent that stands; then the size of the image.
set -eu
build=$1
count=${2:-40}
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
export XDG_STATE_HOME="$state"
kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else echo "skipped: VM Keeps, /dev/kvm is missing or not permitted"; fi
for kind in $kinds; do
	python3 bench/run/steps.py "broch run, $kind Keep" "$count" "$build/bin/broch" run -q --json --timings --no-stdin --backend "$kind" "$build/examples/hello.wasm"
done
"$build/bin/broch" policy init --soft >"$state/policy.toml"
"$build/bin/brochd" --listen "unix:$state/sock" --state "$state/broch" >"$state/log" 2>&1 &
agent=$!
trap 'kill "$agent"; rm -rf "$state"' EXIT
while ! "$build/bin/broch" platform --host "unix:$state/sock" >"$state/out" 2>&1; do
	kill -0 "$agent" || { cat "$state/log" >&2; exit 1; }
done
for kind in $kinds; do
	python3 bench/run/steps.py "broch deploy, $kind Keep of a standing host agent" "$count" "$build/bin/broch" deploy -q --json --timings \
		--no-stdin --host "unix:$state/sock" --policy "$state/policy.toml" --backend "$kind" "$build/examples/hello.wasm"
done
for image in "$build"/bin/broch-keep-*.elf; do
	size "$image" | awk -v name="$(basename "$image")" -v file="$(stat -c %s "$image")" \
		'NR == 2 { printf "image %s: %d bytes measured (text %d, data %d, bss %d), file %d bytes\n", name, $4, $1, $2, $3, file }'
done
