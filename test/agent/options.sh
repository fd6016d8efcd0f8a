# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# The command line: what is wrong is said, with the cure, and nothing starts.
refused() { # exit status, text, options...
	want_exit=$1 text=$2 status=0
	shift 2
	timeout 10 "$brochd" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	if [ "$status" -eq "$want_exit" ] && grep -q -F -- "$text" "$tmp/err"; then good; else bad "$*: status $status"; fi
}
base="--state $dir/state --keeper $fake --image-dir $dir/img"
refused 2 'did you mean --listen' --listn x
refused 2 'unknown argument' something
refused 2 'needs a value' --listen
refused 2 'takes no value' --check=1
refused 2 'give a number' --max-keeps many
refused 2 'give a number' --max-memory 1Q
refused 2 'give a number' --max-memory 99999999999999999999
refused 2 'at least 1' --max-keeps 0
refused 2 'text or json' --log-format xml
refused 2 'error, warn' --log-level loud
refused 2 'go together' --tls-cert x
refused 2 'go together' --private
# shellcheck disable=SC2086
{
	refused 1 'unix:PATH' $base --listen http://x
	refused 1 'add --tls-cert' $base --listen tcp:127.0.0.1:0
	refused 1 'not a program' --state "$dir/state" --keeper "$dir/none"
	refused 1 'not a listening socket' $base --listen fd:0
	refused 1 'exists and is not a socket' $base --listen "unix:$dir/img/broch-keep-vm.elf"
	refused 1 'a socket path has' $base --listen "unix:$(printf '%0200d' 0)"
	mkdir -p "$dir/open"; chmod 777 "$dir/open"
	refused 1 'others may write' $base --listen "unix:$dir/open/s"
	refused 1 'No such file' $base --tls-cert "$dir/none" --tls-key "$dir/none"
}
check "--help" "$brochd" --help
check "--version" sh -c "'$brochd' --version | grep -q '^brochd [0-9]'"
for o in $("$brochd" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
	check "brochd.8 explains $o" grep -q -e "${o#--}" "$here/../../doc/man/brochd.8"
done
# shellcheck disable=SC2086
check "--check" "$brochd" $base --check
