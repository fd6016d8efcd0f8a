#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A full disk under the state folder, and output that has nowhere to go: what is said, the exit status, what is left behind.
# Then a machine without /dev/kvm: a process Keep with a warning, or a refusal with a cure. Both need a mount namespace.
set -u
suite=disk
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
says() { # what, words...: standard error is one line with them
	if [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q "$2" "$tmp/err"; then good; else bad "$1: not one line with: $2"; fi
}

# -- no room for the output: the reason comes first, and alone --
status=0
timeout 60 "$broch" run -q "$hello" >/dev/full 2>"$tmp/err" </dev/null || status=$?
if want_status 125 "run >/dev/full"; then says "run >/dev/full" '^broch: writing to standard output: No space left on device$'; fi

if ! unshare -m true 2>/dev/null; then
	skipped "a full disk, no /dev/kvm: no mount namespace for this user"
	result
	exit
fi
mkdir "$tmp/full" "$tmp/dev"

# -- no room for the test root --
on_full_disk() { # the disk is that of the command's namespace alone; what is on it in the end is in $tmp/left
	# shellcheck disable=SC2016 # the inner shell's
	try unshare -m sh -c 'd=$1 left=$2; shift 2
		mount -t tmpfs -o size=4k,mode=700 none "$d" && head -c 65536 /dev/zero >"$d/fill" 2>/dev/null
		rm "$d/fill"; mkdir "$d/broch"; head -c 65536 /dev/zero >"$d/fill" 2>/dev/null
		"$@"; s=$?; find "$d" ! -name fill ! -name soft-snp.lock -name "soft-snp*" >"$left"; exit $s' sh "$tmp/full" "$tmp/left" "$@"
	if [ -s "$tmp/left" ]; then bad "$what: left on the full disk: $(cat "$tmp/left")"; else good; fi
}
what="run on a full disk"
XDG_STATE_HOME=$tmp/full on_full_disk "$broch" run -q "$hello"
if want_status 125 "$what"; then says "$what" 'test root.*No space left'; fi
what="brochd on a full disk"
on_full_disk "$brochd" --listen "unix:$tmp/full.sock" --state "$tmp/full/broch" --log-level error
if want_status 1 "$what"; then says "$what" '^brochd: .*No space left on device$'; fi
if [ -e "$tmp/full.sock" ]; then bad "$what: the socket is left"; else good; fi

# -- no /dev/kvm --
without_kvm() {
	# shellcheck disable=SC2016
	try unshare -m sh -c 'd=$1; shift; mount -t tmpfs none "$d" || exit 99
		for f in null zero full random urandom; do : >"$d/$f" && mount --bind "/dev/$f" "$d/$f" || exit 99; done
		mount --rbind "$d" /dev || exit 99; "$@"' sh "$tmp/dev" "$@"
}
without_kvm "$broch" run "$hello" world
if want_status 0 "run without /dev/kvm"; then
	if grep -q '/dev/kvm.*process Keep' "$tmp/err" && grep -q world "$tmp/out"; then good; else bad "run without /dev/kvm: no warning or no output"; fi
fi
without_kvm "$broch" run -q --backend kvm "$hello"
if want_status 125 "run --backend kvm without /dev/kvm"; then
	if grep -q '^broch: .*/dev/kvm.*modprobe' "$tmp/err"; then good; else bad "run --backend kvm without /dev/kvm: no cure"; fi
fi
result
