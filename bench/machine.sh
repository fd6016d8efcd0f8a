#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# machine.sh COMMAND: the head of a result file: what was run, where, when, of which commit.
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
where=bare\ metal
if grep -qw hypervisor /proc/cpuinfo; then where="in a virtual machine"; fi
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
echo "# $1"
echo "# $(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || echo ' and changes')"
echo "# $cpu, $(nproc) CPUs, $memory, $where, Linux $(uname -r); load before: $(cut -d' ' -f1 /proc/loadavg)"
