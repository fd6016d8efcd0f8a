#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh BUILD: a host agent, a policy, a deployment into an attested Keep, evidence for others; then everything is
# stopped and removed. Works as root or not, with or without /dev/kvm. Ends with the status of the first thing that failed.
# shellcheck disable=SC2016,SC2317 # $DIR is shown, not expanded; cleanup is called by the trap
set -eu
B=$1
here=$(cd "$(dirname "$0")/.." && pwd)
case $B in /*) ;; *) B=$here/$B ;; esac
broch=$B/bin/broch

dir=$(mktemp -d "${TMPDIR:-/tmp}/broch-demo.XXXXXX")
agent=
cleanup() {
	status=$?
	if [ -n "$agent" ]; then
		kill "$agent" 2>/dev/null || :
		wait "$agent" 2>/dev/null || :
	fi
	rm -rf "$dir"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

export XDG_STATE_HOME="$dir/state" XDG_CONFIG_HOME="$dir/config" XDG_RUNTIME_DIR="$dir"
unset BROCH_HOST BROCH_TOKEN_FILE
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') off=$(printf '\033[0m'); else bold='' off=''; fi

step() { # text...
	printf '\n%s== %s%s\n' "$bold" "$*" "$off"
}
show() { # prints a command as one would type it, then runs it
	printf '$'
	for word in "$@"; do
		case $word in
		"$broch") word=broch ;;
		"$B"/*) word=build${word#"$B"} ;;
		"$dir"/*) word='$DIR'${word#"$dir"} ;;
		"unix:$dir"/*) word='unix:$DIR'${word#"unix:$dir"} ;;
		esac
		printf ' %s' "$word"
	done
	printf '\n'
	"$@"
}

step 'What this machine can do'
show "$broch" platform

step 'A program in a Keep on this machine; the first time, the software stand-in for a TEE makes its keys'
show "$broch" run "$B/examples/hello.wasm" world

step 'A host agent, and a policy that says what its Keeps must prove'
"$B/bin/brochd" --listen "unix:$dir/brochd.sock" --state "$XDG_STATE_HOME/broch" >"$dir/brochd.log" 2>&1 </dev/null &
agent=$!
export BROCH_HOST="unix:$dir/brochd.sock"
echo "\$ brochd --listen unix:\$DIR/brochd.sock --state \$DIR/state/broch &"
tries=100
until "$broch" platform --host "$BROCH_HOST" >/dev/null 2>&1; do
	tries=$((tries - 1))
	if [ "$tries" -eq 0 ] || ! kill -0 "$agent" 2>/dev/null; then
		cat "$dir/brochd.log" >&2
		echo "demo: the host agent does not start" >&2
		exit 1
	fi
	sleep 0.1
done
echo '$ broch policy init --soft > $DIR/policy.toml'
"$broch" policy init --soft >"$dir/policy.toml"
cat "$dir/policy.toml"

step 'Deploy: nothing leaves this side before each link of the chain is verified'
status=0
show "$broch" deploy --show-chain --policy "$dir/policy.toml" --host "unix:$dir/brochd.sock" \
	-e GREETING=hello --dir "$here/examples/data:data" "$B/examples/demo.wasm" one two || status=$?
echo "exit status: $status"
[ "$status" -eq 0 ] || exit "$status"
echo "The same digest, computed here: $(sha256sum <"$here/examples/data/message.txt" | cut -d ' ' -f 1)"

step 'Detached, with evidence that anybody can verify without the host'
show "$broch" deploy -q -d --name demo --policy "$dir/policy.toml" --host "unix:$dir/brochd.sock" \
	"$B/examples/hello.wasm" "whoever asks"
show "$broch" inspect -q --evidence "$dir/demo.evidence" demo >/dev/null
show "$broch" verify --policy "$dir/policy.toml" "$dir/demo.evidence"
show "$broch" logs -q demo
status=0
show "$broch" wait -q demo || status=$?
echo "exit status: $status"
show "$broch" rm -q -f demo

step 'Everything is stopped and removed'
exit "$status"
