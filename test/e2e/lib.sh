# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# For the end-to-end tests: a private folder, a host agent, counting. Sourced with the name of the suite as $suite.
root=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$root/build}
case $B in /*) ;; *) B=$root/$B ;; esac
broch=$B/bin/broch brochd=$B/bin/brochd
tmp=$(mktemp -d "${TMPDIR:-/tmp}/broch-e2e.XXXXXX") || exit 2
export XDG_STATE_HOME="$tmp/state" XDG_RUNTIME_DIR="$tmp/run" XDG_CONFIG_HOME="$tmp/config" NO_COLOR=1
umask 077
mkdir -p "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME"
pass=0 fail=0 skip=0
agent_pid=

finish() {
	[ -z "$agent_pid" ] || { kill "$agent_pid" 2>/dev/null; wait "$agent_pid" 2>/dev/null; }
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

good() { pass=$((pass + 1)); }
bad() { # what...
	fail=$((fail + 1))
	echo "FAILED $suite: $*"
	for f in "$tmp/out" "$tmp/err" "$tmp/agent.log"; do
		[ ! -s "$f" ] || { echo "  $(basename "$f"):"; tail -n 15 "$f" | sed 's/^/    /'; }
	done
}
skipped() { skip=$((skip + 1)); echo "SKIPPED $suite: $*"; }
result() { echo "$suite: $pass passed, $fail failed, $skip skipped"; [ "$fail" -eq 0 ]; }

# Runs a command with no input: its output in $tmp/out, $tmp/err, its status in $status.
try() {
	status=0
	timeout -k 5 "${LIMIT:-60}" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}
want_status() { [ "$status" -eq "$1" ] || { bad "$2: exit status $status, expected $1"; return 1; }; }

# Empties what `try` and clients write. A job in the background does so too, but only when it comes to run: who looks before
# that reads the words of the one before.
fresh() { : >"$tmp/out" && : >"$tmp/err"; }

# Waits until a condition holds; tests never measure time, they only give up.
until_true() { # seconds, command...
	tries=$(($1 * 20)) # not n: callers count with that
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# Keepers of this test's agents. Anchored, so that nobody finds himself.
keepers() { pgrep -f "^[^ ]*brochd-keep .*$tmp"; }
none_left() { ! keepers >/dev/null; }

start_agent() { # more options...
	sock=$tmp/agent.sock
	"$brochd" --listen "unix:$sock" --state "$tmp/agent" "$@" >"$tmp/agent.log" 2>&1 </dev/null &
	agent_pid=$!
	until_true 30 test -S "$sock" || { bad "the host agent does not start"; result; exit 1; }
	until_true 30 "$broch" platform --host "unix:$sock"
}
stop_agent() {
	[ -n "$agent_pid" ] || return 0
	kill "$agent_pid" 2>/dev/null
	wait "$agent_pid" 2>/dev/null
	agent_pid=
}

# A policy that accepts the software stand-in of this agent and the images built here.
make_policy() {
	policy=$tmp/policy.toml
	cat >"$policy" <<-EOF
		tee = ["soft"]
		measurements = ["shipped"]
		[soft]
		root = "$tmp/agent/soft-snp/ark.pem"
	EOF
}
hello=$B/examples/hello.wasm
