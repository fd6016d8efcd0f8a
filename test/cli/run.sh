#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [SUITE...]: runs the suites of this folder one after the other and sums what they counted.
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- usage help local config configverb deploy hosts
# The test root of the software stand-in takes seconds to make: once for all suites.
B=${B:-$here/../../build}
export BROCH_TEST_ROOT="$B/test/soft-root/broch"
[ -e "$BROCH_TEST_ROOT/soft-snp/ark.pem" ] ||
	XDG_STATE_HOME="$B/test/soft-root" timeout 120 "$B/bin/broch" run -q --backend process "$B/examples/hello.wasm" >/dev/null
pass=0 fail=0 skip=0
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
for suite in "$@"; do
	sh "$here/$suite.sh" >"$out" 2>&1 || [ $? -eq 1 ] || echo "$suite broke off"
	grep -v '^counted ' "$out"
	# shellcheck disable=SC2046 # three numbers
	set -- $(sed -n 's/^counted //p' "$out")
	[ $# -eq 3 ] || { fail=$((fail + 1)); continue; }
	pass=$((pass + $1)) fail=$((fail + $2)) skip=$((skip + $3))
done
echo "cli: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
