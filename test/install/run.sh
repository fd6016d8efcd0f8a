#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # test/cli/lib.sh has names and judges
# run.sh MAKE: `make install` into an empty folder puts everything where it belongs, and Broch works from there alone.
suite=install
export BROCH_TEST_ROOT="$B/test/soft-root/broch"
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
make=$1 usr=$tmp/root/usr

if (umask 077 && cd "$root" && $make -s install DESTDIR="$tmp/root" PREFIX=/usr) >"$tmp/out" 2>"$tmp/err"; then good; else bad "make install"; fi

# there MODE FILE...: each file is there, with this mode, and not empty.
there() {
	mode=$1
	shift
	for f in "$@"; do
		if [ "$(stat -c %a "$tmp/root$f" 2>&1)" = "$mode" ] && [ -s "$tmp/root$f" ]; then good; else bad "$f is missing, empty or not of mode $mode"; fi
	done
}
there 755 /usr/bin/broch /usr/sbin/brochd /usr/lib/broch/brochd-keep
there 644 /usr/lib/broch/broch-keep-vm.elf /usr/lib/broch/broch-keep-process.elf /lib/systemd/system/brochd.service \
	/usr/lib/sysusers.d/brochd.conf /usr/share/man/man8/brochd.8 /usr/share/man/man1/broch.1 \
	/usr/share/bash-completion/completions/broch /usr/share/zsh/site-functions/_broch /usr/share/fish/vendor_completions.d/broch.fish
there 644 /usr/include/broch/attest.h /usr/lib/libbroch-attest.a /usr/lib/pkgconfig/broch-attest.pc /usr/share/man/man3/broch_attest.3
there 755 /usr/lib/libbroch-attest.so.0.1.0
for verb in $("$broch" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'); do there 644 "/usr/share/man/man1/broch-$verb.1"; done
closed=$(find "$tmp/root" -mindepth 1 -type d ! -perm 755)
if [ -z "$closed" ]; then good; else bad "folders not of mode 755: $closed"; fi
if grep -q '^ExecStart=/usr/sbin/brochd ' "$tmp/root/lib/systemd/system/brochd.service"; then good; else bad "the unit starts another program"; fi

run measure
built=$(sed 's/ .*//' "$tmp/out")
broch=$usr/bin/broch
run version
expect 0 - version
run measure
expect 0 - measure
if [ "$(sed 's/ .*//' "$tmp/out")" = "$built" ] && ! grep -vq " $usr/" "$tmp/out"; then good; else bad "measure: not the same digests, or not of the installed images"; fi
run run -q --backend process "$B/examples/hello.wasm" there
expect 0 - "run in a process Keep"
[ "$(cat "$tmp/out")" = "Hello, there, from inside a Keep!" ] && good || bad "run in a process Keep: another output"
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	run run -q --backend kvm "$B/examples/hello.wasm" there
	expect 0 - "run in a VM Keep"
	[ "$(cat "$tmp/out")" = "Hello, there, from inside a Keep!" ] && good || bad "run in a VM Keep: another output"
else
	skipped "a VM Keep: /dev/kvm is missing or not permitted"
fi
if "$usr/sbin/brochd" --check >"$tmp/out" 2>"$tmp/err"; then good; else bad "brochd --check"; fi
echo "install: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
