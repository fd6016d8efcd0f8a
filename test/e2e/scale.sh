#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 200 Keeps at once, then many start/stop cycles, with no leak of descriptors, memory or VMs in the host agent.
# CYCLES=2000 is the full run; `make check` does fewer.
set -u
suite=scale
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
keeps=${KEEPS:-200} cycles=${CYCLES:-200}

start_agent --max-keeps 400 --max-keeps-per-client 400
make_policy
fds() { find "/proc/$agent_pid/fd" | wc -l; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"; }
count() { "$broch" ps --host "unix:$sock" -q | wc -l; }

fds_before=$(fds)
i=0
while [ "$i" -lt "$keeps" ]; do
	"$broch" deploy -d -q --host "unix:$sock" --policy "$policy" "$B/test/guests/wait.wasm" >>"$tmp/ids" 2>>"$tmp/err" || break
	i=$((i + 1))
done
if [ "$(sort -u "$tmp/ids" | wc -l)" -eq "$keeps" ] && [ "$(count)" -eq "$keeps" ]; then good; else bad "$keeps Keeps at once: $(count) run"; fi
xargs -n 20 "$broch" rm -f --host "unix:$sock" <"$tmp/ids" >/dev/null 2>>"$tmp/err"
if [ "$(count)" -eq 0 ]; then good; else bad "$(count) Keeps are left"; fi
if until_true 10 none_left; then good; else bad "keepers are left"; fi

"$broch" deploy --host "unix:$sock" --policy "$policy" "$hello" >/dev/null 2>&1
rss_before=$(rss)
i=0
while [ "$i" -lt "$cycles" ]; do
	"$broch" deploy -q --host "unix:$sock" --policy "$policy" "$hello" >"$tmp/out" 2>"$tmp/err" || break
	i=$((i + 1))
done
if [ "$i" -eq "$cycles" ]; then good; else bad "cycle $i failed"; fi
"$broch" ps -a -q --host "unix:$sock" | xargs -r -n 50 "$broch" rm -f --host "unix:$sock" >/dev/null 2>&1
sleep 0.2
if [ "$(fds)" -le $((fds_before + 2)) ]; then good; else bad "descriptors grew from $fds_before to $(fds)"; fi
if [ "$(rss)" -le $((rss_before + 4096)) ]; then good; else bad "memory grew from $rss_before to $(rss) KiB in $cycles cycles"; fi
result
