#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh SUITE BUILD WHERE: runs the public wasi-testsuite in SUITE (folders c, rust, assemblyscript), WHERE host (engine and
# WASI in a process) or keep (broch run, in a KVM Keep).
set -eu
suite=$1 build=$2 where=$3
if [ ! -d "$suite/rust" ]; then
	echo "SKIPPED the wasi-testsuite: it is not at $suite; give its folder as WASI_SUITE="
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ "$where" = keep ] && { [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; }; then
	echo "SKIPPED the wasi-testsuite in KVM Keeps: /dev/kvm is missing or not permitted"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
copy=$build/wasi-suite-$where
rm -rf "$copy"
mkdir -p "$copy"
cp -r "$suite"/c "$suite"/rust "$suite"/assemblyscript "$copy"/
chmod -R u+w "$copy" # the original may be read-only
find "$copy" \( -name '*.cleanup' -o -name .keep \) -exec rm -rf {} +
case $where in
host)
	set -- "$build/test/wasi-host"
	export NO_DIRECTORY=--no-dir
	;;
keep)
	set -- "$build/bin/broch" run -q --backend kvm
	export NO_DIRECTORY=--no-root
	;;
*) echo "wasi: WHERE is host or keep, not $where" >&2; exit 1 ;;
esac
exec "$build/test/wasi-suite" "$copy/c" "$copy/rust" "$copy/assemblyscript" -- "$@"
