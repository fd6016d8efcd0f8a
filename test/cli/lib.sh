# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # names for those who source it
# For the tests of the command line: a private folder, counting, and a way to say what is expected. Sourced after
# suite=NAME was set.
root=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$root/build}
broch=$B/bin/broch
tmp=$(mktemp -d "${TMPDIR:-/tmp}/broch-cli.XXXXXX") || exit 2
export XDG_STATE_HOME="$tmp/state" XDG_RUNTIME_DIR="$tmp/rt" XDG_CONFIG_HOME="$tmp/config" NO_COLOR=1
unset BROCH_HOST BROCH_TOKEN_FILE
mkdir -m 700 "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME"
[ ! -d "${BROCH_TEST_ROOT:-/nonexistent}" ] || { mkdir "$XDG_STATE_HOME/broch" && cp -rp "$BROCH_TEST_ROOT/soft-snp" "$XDG_STATE_HOME/broch/"; }
pass=0 fail=0 skip=0
children=

finish() {
	for c in $children; do kill "$c" 2>/dev/null; wait "$c" 2>/dev/null; done
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

good() { pass=$((pass + 1)); }
bad() {
	fail=$((fail + 1))
	echo "FAILED $suite: $*"
	for f in out err; do
		[ ! -s "$tmp/$f" ] || { echo "  $f:"; head -n 8 "$tmp/$f" | cut -c1-300 | sed 's/^/    /'; }
	done
}
skipped() { skip=$((skip + 1)); echo "SKIPPED $suite: $*"; }
counts() { echo "counted $pass $fail $skip"; [ "$fail" -eq 0 ]; }

# Runs broch with no input; $status, $tmp/out, $tmp/err. Nothing may hang: a minute is for ever.
run() {
	status=0
	timeout -k 5 60 "$broch" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# expect STATUS ERR-PATTERN WHAT...: judges the last run. ERR-PATTERN "-": standard error must be empty.
expect() {
	want=$1 pattern=$2
	shift 2
	if [ "$status" -ne "$want" ]; then
		bad "$*: exit status $status, expected $want"
	elif [ "$pattern" = - ] && [ -s "$tmp/err" ]; then
		bad "$*: it says something on standard error"
	elif [ "$pattern" != - ] && ! grep -Eq -- "$pattern" "$tmp/err"; then
		bad "$*: standard error does not match '$pattern'"
	elif [ "$pattern" != - ] && [ "$want" -ne 0 ] && [ "$(wc -l <"$tmp/err")" -ne 1 ]; then
		bad "$*: an error is one line"
	else
		good
	fi
}
# wrong STATUS PATTERN ARG...: a wrong input: one line on standard error, nothing on standard output.
wrong() {
	wrong_status=$1 wrong_pattern=$2
	shift 2
	run "$@"
	if [ -s "$tmp/out" ]; then
		bad "broch $*: prints something on standard output"
	else
		expect "$wrong_status" "$wrong_pattern" "broch $*"
	fi
}
out_is() { # text, what
	if [ "$(cat "$tmp/out")" = "$1" ]; then good; else bad "$2: standard output is not what was expected"; fi
}
out_has() { # pattern, what
	if grep -Eq -- "$1" "$tmp/out"; then good; else bad "$2: standard output does not match '$1'"; fi
}
json_ok() { # python expression over d, what
	if python3 -c "import json,sys; d=json.load(open(sys.argv[1])); sys.exit(0 if ($1) else 1)" "$tmp/out" 2>>"$tmp/err"; then
		good
	else
		bad "$2: the JSON does not hold: $1"
	fi
}
until_true() { # tries of 50 ms, command...
	n=$1
	shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
		sleep 0.05
	done
}
no_keepers() { ! pgrep -f "brochd.*$tmp"; }
hello=$B/examples/hello.wasm
