# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# For the tests of the verifier's verbs: a private folder $t, a home with nothing in it, counting. Sourced with the name of
# the suite as $suite and the folder of the programs as $bin.
pass=0 fail=0
here=$(dirname "$0")
t=$(mktemp -d) || exit 2
trap 'rm -rf "$t"' EXIT
export HOME="$t" XDG_STATE_HOME="$t/state" XDG_CONFIG_HOME="$t/config" NO_COLOR=1 LC_ALL=C
broch=$bin/broch

good() { pass=$((pass + 1)); }
bad() { # what...
	fail=$((fail + 1))
	echo "FAILED $suite: $*"
}
result() { echo "$suite: $pass passed, $fail failed, 0 skipped"; [ "$fail" -eq 0 ]; }

# Ends the suite where what it reads is missing.
need() { # what, path
	[ ! -e "$2" ] || return 0
	echo "SKIPPED $suite: no $1 at $2"
	echo "$suite: 0 passed, 0 failed, 1 skipped"
	exit 0
}

# The status must be this, and the output must hold the words.
expect() { # status, words, command...
	want=$1 words=$2
	shift 2
	case $(command -v "$1") in
	*/*) timeout 120 "$@" >"$t/out" 2>&1 ;;
	*) "$@" >"$t/out" 2>&1 ;; # a function of the suite
	esac
	got=$?
	if [ "$got" -eq "$want" ] && grep -qF -- "$words" "$t/out"; then
		good
	else
		bad "$*: status $got, expected $want and \"$words\""
		sed 's/^/    /' "$t/out"
	fi
}

is() { # a, b, what
	if [ "$1" = "$2" ]; then good; else bad "$3: '$1' is not '$2'"; fi
}
