#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: how many Keeps a second a host agent makes and removes, and what an idle one costs the host.
set -eu
build=$1
dir=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$dir"' EXIT
"$build/bin/brochd" --listen "unix:$dir/sock" --state "$dir/state" --max-keeps 400 --max-keeps-per-client 400 >"$dir/log" 2>&1 </dev/null &
agent=$!
kinds=process
if [ -w /dev/kvm ]; then kinds="kvm process"; else echo "skipped: VM Keeps, /dev/kvm is missing or not permitted"; fi
for kind in $kinds; do
	python3 bench/keeps/keeps.py "$dir/sock" "$kind"
done
