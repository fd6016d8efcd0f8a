#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [COUNT]: how long a module of 20 MB takes to its first output, and how much memory: esbuild as its makers
# compile it from Go, in a VM Keep and under node:wasi, in turns.
set -eu
build=$1
module=$build/programs/esbuild.wasm
[ -e "$module" ] || { echo "skipped: $module is not there; make check-programs fetches it"; exit 0; }
[ -w /dev/kvm ] || { echo "skipped: /dev/kvm is missing or not permitted"; exit 0; }
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
XDG_STATE_HOME=$state exec python3 bench/start/start.py "${2:-7}" "$build/bin/broch" "$module"
