# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2013,SC2034,SC2059,SC2154
B=${B:-build}
brochd=${BROCHD:-$B/bin/brochd} fake=$B/test/agent/fake-keeper session=$B/test/agent/session
tmp=$(mktemp -d "${TMPDIR:-/tmp}/broch-agent.XXXXXX") || exit 2
umask 077
unset NOTIFY_SOCKET
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
	echo "FAILED $suite/$part: $*"
	for f in "$tmp/out" "$tmp/err" "$dir/log"; do
		[ ! -s "$f" ] || { echo "  $(basename "$f"):"; tail -n 12 "$f" | cut -c 1-300 | sed 's/^/    /'; }
	done
}
result() { echo "$suite: $pass passed, $fail failed, $skip skipped"; [ "$fail" -eq 0 ]; }
check() { # what, command...: passes when the command does
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then good; else bad "$what"; fi
}
refute() {
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then bad "$what"; else good; fi
}
until_true() { # seconds, command...: never measures time, only gives up
	n=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
		sleep 0.05
	done
}

begin_part() {
	dir=$tmp/$1
	sock=$dir/s
	mkdir -p "$dir/state" "$dir/img"
	[ ! -d "$tmp/soft-snp" ] || cp -r "$tmp/soft-snp" "$dir/state/" # making the test root takes seconds
	: >"$dir/img/broch-keep-process.elf"
	: >"$dir/img/broch-keep-vm.elf"
}
end_part() {
	stop_agent
	[ -d "$tmp/soft-snp" ] || cp -r "$dir/state/soft-snp" "$tmp/" 2>/dev/null
	refute "the socket file stays behind" test -e "$sock"
	refute "the agent's own words show a bug" grep -q -e 'Sanitizer' -e 'runtime error' -e 'broch: bug' "$dir/log"
}

start_agent() { # options...
	"$brochd" --listen "unix:$sock" --state "$dir/state" --image-dir "$dir/img" --keeper "$fake" "$@" >>"$dir/log" 2>&1 </dev/null &
	agent_pid=$!
	until_true 20 curl -s --unix-socket "$sock" http://x/v1/platform || bad "brochd does not start"
}
stop_agent() {
	[ -n "$agent_pid" ] || return 0
	kill "$agent_pid" 2>/dev/null
	agent_status=0
	wait "$agent_pid" 2>/dev/null || agent_status=$?
	agent_pid=
	[ "$agent_status" -eq 0 ] || bad "the agent ends with status $agent_status"
}
behave() { echo "$1" >"$dir/state/behaviour"; }

# call METHOD PATH [BODY]: status in $status, body in $tmp/out
call() {
	method=$1 path=$2
	shift 2
	[ $# -eq 0 ] || set -- --data-binary "$1"
	status=$(curl -s -S -m 20 --unix-socket "$sock" -o "$tmp/out" -w '%{http_code}' -X "$method" "$@" "http://x$path" 2>"$tmp/err")
}
want() { # status, what
	if [ "$status" = "$1" ]; then good; else bad "$2: status $status, expected $1"; fi
}
says() { # text: is it in the answer?
	if grep -q -F -- "$1" "$tmp/out"; then good; else bad "$method $path: the answer lacks: $1"; fi
}
# An error has words and a cure.
want_error() { # status, text, what
	want "$1" "$3"
	if grep -q '^{"error":".*","hint":".*"}$' "$tmp/out" && grep -q -F -- "$2" "$tmp/out"; then good; else bad "$3: no such error: $2"; fi
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$tmp/out" | head -n 1; }
new_keep() { # [body]: id in $id
	call POST /v1/keeps "${1:-{\}}"
	id=$(field id)
	[ "$status" = 201 ]
}
state_of() { call GET "/v1/keeps/$1"; field state; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
delete_all() {
	call GET /v1/keeps
	for i in $(grep -o '"id":"[0-9a-f]*"' "$tmp/out" | cut -d '"' -f 4); do call DELETE "/v1/keeps/$i"; done
}
# raw TEXT: what the socket answers to exactly these bytes (printf escapes), first line in $status
raw() {
	printf "$1" | timeout 15 curl -s --unix-socket "$sock" -T - telnet://x >"$tmp/out" 2>"$tmp/err"
	status=$(head -n 1 "$tmp/out" | cut -d ' ' -f 2)
}
fds() { find "/proc/$agent_pid/fd" -type l | wc -l; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"; }
keepers() { pgrep -P "$agent_pid"; }
no_keepers() { [ -z "$(keepers)" ]; }
