#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [COUNT]: a cold `broch run hello`, whole and step by step, in both kinds of Keep; then the size of the image.
set -eu
build=$1
count=${2:-40}
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
export XDG_STATE_HOME="$state"
kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else echo "skipped: VM Keeps, /dev/kvm is missing or not permitted"; fi
for kind in $kinds; do
	python3 bench/run/steps.py "$count" "$build/bin/broch" run -q --json --timings --no-stdin --backend "$kind" "$build/examples/hello.wasm"
done
for image in "$build"/bin/broch-keep-*.elf; do
	size "$image" | awk -v name="$(basename "$image")" -v file="$(stat -c %s "$image")" \
		'NR == 2 { printf "image %s: %d bytes measured (text %d, data %d, bss %d), file %d bytes\n", name, $4, $1, $2, $3, file }'
done
