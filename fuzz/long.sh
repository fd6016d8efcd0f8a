#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# long.sh TARGET RUNS [LONGEST]: runs a fuzz target for so many executions on one core, and adds a line to fuzz/RECORD:
# target, commit, executions, findings, and how long an input may be (65536 bytes when it is not said; with less, more are
# tried in a second, but seeds are cut). What was found before lies in build/fuzz/TARGET/new and is where it goes on. The counts
# of all lines of a target add up; a line with findings names the input in build/fuzz/TARGET. long.sh --sum prints them.
# TARGET_quick is the target with the stand-in of fuzz/quick/quick.c; it has lines of its own.
set -u
record=fuzz/RECORD

if [ "${1-}" = --sum ]; then
	awk '!/^#/ && NF >= 4 { runs[$1] += $3; bad[$1] += $4 } END { for (t in runs) printf "%-18s %12d executions, %d findings\n", t, runs[t], bad[t] }' "$record" | sort
	exit 0
fi
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: fuzz/long.sh TARGET RUNS [LONGEST], or --sum" >&2; exit 2; }
target=$1 runs=$2 longest=${3-65536}
work=build/fuzz/$target log=$work/long.$$.log # several may run at once
make -s "build/fuzz/${target}_fuzz" || exit 2
commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain -- client lib sys keep host fuzz/quick fuzz/"${target%_quick}_fuzz.c")" ] || commit=$commit+changes
mkdir -p "$work/new"
before=$(find "$work" -maxdepth 1 -type f \( -name 'crash-*' -o -name 'leak-*' -o -name 'oom-*' -o -name 'timeout-*' \) | wc -l)
seeds=
[ -d "fuzz/corpus/${target%_quick}" ] && seeds=fuzz/corpus/${target%_quick}
# One job of many executions; -print_final_stats says how many there were, also when it was stopped.
trap 'kill -INT "$child" 2>/dev/null' INT TERM
# shellcheck disable=SC2086
chrt -i 0 nice -n 19 "build/fuzz/${target}_fuzz" -runs="$runs" -artifact_prefix="$work/" -rss_limit_mb=4096 -timeout=20 -max_len="$longest" \
	-print_final_stats=1 -verbosity=0 -print_funcs=0 -close_fd_mask=1 "$work/new" $seeds >"$log" 2>&1 &
child=$!
wait "$child"
wait "$child" 2>/dev/null
done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
after=$(find "$work" -maxdepth 1 -type f \( -name 'crash-*' -o -name 'leak-*' -o -name 'oom-*' -o -name 'timeout-*' \) | wc -l)
[ -n "$done" ] || { echo "long.sh: $target said no number of executions; see $log" >&2; exit 2; }
printf '%s %s %s %s %s\n' "$target" "$commit" "$done" "$((after - before))" "$longest" >>"$record"
echo "$target: $done executions, $((after - before)) findings"
[ "$after" -eq "$before" ]
