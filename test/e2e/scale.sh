#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# KEEPS at once, then CYCLES times start and stop, with no leak of descriptors, memory, processes, VMs or files.
# `make check-scale` is the full run, `make check` does less.
set -u
suite=scale
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
keeps=${KEEPS:-20} cycles=${CYCLES:-40}

start_agent --log-level error --max-keeps $((keeps + 100)) --max-keeps-per-client $((keeps + 100))
make_policy
fds() { find "/proc/$agent_pid/fd" | wc -l; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"; }
vms() { # of our keepers; the agent's idle one stays, and its descriptors are counted below
	for p in $(keepers); do find "/proc/$p/fd" -lname 'anon_inode:kvm-vm' 2>/dev/null; done | wc -l
}
pss() { # KiB of all keepers, what they share counted once
	for p in $(keepers); do awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '{ s += $1 } END { print s + 0 }'
}
count() { "$broch" ps --host "unix:$sock" -q | wc -l; }

fds_before=$(fds) i=0
while [ "$i" -lt "$keeps" ]; do
	"$broch" deploy -d -q --host "unix:$sock" --policy "$policy" "$B/test/guests/wait.wasm" >>"$tmp/ids" 2>>"$tmp/err" || break
	i=$((i + 1))
done
if [ "$(sort -u "$tmp/ids" | wc -l)" -eq "$keeps" ] && [ "$(count)" -eq "$keeps" ]; then good; else bad "$keeps Keeps at once: $(count) run"; fi
if [ ! -w /dev/kvm ]; then
	skipped "KVM Keeps: /dev/kvm is missing or not permitted; these are processes"
elif [ "$(vms)" -eq "$keeps" ]; then
	good
else
	bad "$(vms) VMs for $keeps Keeps"
fi
echo "$keeps Keeps at once: $(pss) KiB in keepers and guests, $(rss) KiB and $(fds) descriptors in the host agent"
xargs -n 20 "$broch" rm -f --host "unix:$sock" <"$tmp/ids" >/dev/null 2>>"$tmp/err"
if [ "$(count)" -eq 0 ]; then good; else bad "$(count) Keeps are left"; fi
if until_true 10 none_left; then good; else bad "keepers are left"; fi
fds_back() { [ "$(fds)" -le $((fds_before + 4)) ]; }
files() { find "$tmp/agent" "$tmp/run" ! -path '*/soft-snp*' | wc -l; }

cycle() { # times
	i=0
	while [ "$i" -lt "$1" ]; do
		"$broch" deploy -q --host "unix:$sock" --policy "$policy" "$hello" >"$tmp/out" 2>"$tmp/err" || return
		[ $((i % 50)) -ne 49 ] || forget
		i=$((i + 1))
	done
	forget
}
forget() { "$broch" ps -a -q --host "unix:$sock" | xargs -r -n 50 "$broch" rm -f --host "unix:$sock" >/dev/null 2>&1; }
cycle 20 # the allocator finds its size
rss_before=$(rss) files_before=$(files)
if cycle "$cycles"; then good; else bad "cycle $i of $cycles failed"; fi
if until_true 10 none_left && [ "$(vms)" -eq 0 ]; then good; else bad "keepers or VMs are left"; fi
if until_true 10 fds_back; then good; else bad "descriptors grew from $fds_before to $(fds)"; fi
if [ "$(files)" -le "$files_before" ]; then good; else bad "files grew from $files_before to $(files)"; fi
if [ "$(rss)" -le $((rss_before + 1024)) ]; then good; else bad "memory grew from $rss_before to $(rss) KiB in $cycles cycles"; fi
echo "$cycles cycles: host agent $rss_before KiB before, $(rss) KiB after; $fds_before descriptors before, $(fds) after"
result
