#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: how long a VM Keep takes from nothing to its first call: the tiny hello Keep, then the real image.
set -eu
build=$1
"$build/bench/vm-run" "$build/keeps/hello.elf"
if [ -f "$build/bin/broch-keep-vm.elf" ]; then
	"$build/bench/vm-run" "$build/bin/broch-keep-vm.elf"
fi
