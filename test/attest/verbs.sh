#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verbs.sh BIN SOFT_EVIDENCE: broch verify, measure and policy from outside, with real files and exit statuses.
set -u
suite=verbs bin=$1 maker=$2
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"

image=$bin/broch-keep-vm.elf
need "Keep image" "$image"
expect 0 "soft-snp vm" "$broch" measure
expect 0 '"schema": "broch.measure/1"' "$broch" measure --json --kind vm
expect 1 "starts no Keeps under snp" "$broch" measure --tee snp "$image"
expect 2 "--kind is vm or process" "$broch" measure --kind pod
expect 1 "$broch" "$broch" measure "$broch"
expect 1 "No such file" "$broch" measure "$t/none"

"$broch" policy init --soft >"$t/soft.toml"
"$broch" policy init >"$t/snp.toml"
expect 0 "any machine under AMD's root" "$broch" policy check "$t/snp.toml"
expect 0 '"schema": "broch.policy/1"' "$broch" policy check --json "$t/snp.toml"
expect 1 "ark.pem" "$broch" policy check "$t/soft.toml"
expect 2 "say init, check or from-evidence" "$broch" policy frobnicate
expect 1 "give --policy FILE" "$broch" policy check
printf 'tee = ["snp"]\nmesurements = []\n' >"$t/bad.toml"
expect 1 "bad.toml:2:1: unknown key mesurements; did you mean measurements?" "$broch" policy check "$t/bad.toml"

"$maker" "$XDG_STATE_HOME/broch" "$image" "$t" 2>/dev/null || exit 2
expect 0 "a software stand-in" "$broch" policy check "$t/soft.toml"
expect 0 "accepted, but signed by a software stand-in" "$broch" verify --policy "$t/soft.toml" "$t/workload"
expect 0 "SHA-256 abcd0000" "$broch" verify -p "$t/soft.toml" "$t/workload"
expect 0 '"ok": true' "$broch" verify --json -p "$t/soft.toml" "$t/workload"
expect 0 "snp.report.scalars (AMD 56860 chapter 10)" "$broch" verify --verbose -p "$t/soft.toml" "$t/workload"
named=$("$broch" verify --json -p "$t/soft.toml" -w "$(printf '%064d' 1)" "$t/workload" | sed -n 's/.*manifest SHA-256 \([0-9a-f]*\).*/\1/p' | head -n 1)
expect 3 "refused: manifest.named" "$broch" verify -p "$t/soft.toml" -w "$(printf '%064d' 1)" "$t/workload"
expect 0 "accepted" "$broch" verify -p "$t/soft.toml" -w "$named" "$t/workload"
expect 0 "accepted" "$broch" verify -p "$t/soft.toml" -w "$t/workload" "$t/workload"
expect 0 "bound to nothing you know" "$broch" verify -p "$t/soft.toml" "$t/envelope"
expect 3 "evidence.tee" "$broch" verify -p "$t/snp.toml" "$t/workload"
expect 3 '"reason": "snp.root.time"' "$broch" verify --json -p "$t/soft.toml" --at 2071-01-01 "$t/workload"
expect 3 "refused: snp.root.time" "$broch" verify -p "$t/soft.toml" --at 2019-12-31T23:59:59Z "$t/workload"
expect 2 "--at yesterday" "$broch" verify -p "$t/soft.toml" --at yesterday "$t/workload"
expect 2 "no policy says what to accept" "$broch" verify "$t/workload"
expect 2 "none.toml" "$broch" verify -p "$t/none.toml" "$t/workload"
expect 1 "no evidence that is known: neither workload evidence" "$broch" verify -p "$t/soft.toml" "$t/soft.toml"
expect 1 "none" "$broch" verify -p "$t/soft.toml" "$t/none"
mkdir -p "$t/config/broch" && cp "$t/soft.toml" "$t/config/broch/policy.toml"
expect 0 "accepted" "$broch" verify "$t/workload"

"$broch" policy from-evidence "$t/workload" >"$t/draft.toml"
expect 0 "accepted, but signed by a software" "$broch" verify -p "$t/draft.toml" "$t/workload"

expect 0 '"ear.status": "warning"' "$broch" verify --json -p "$t/soft.toml" "$t/workload"
expect 3 '"ear.status": "contraindicated"' "$broch" verify --json -p "$t/soft.toml" --at 2071-01-01 "$t/workload"
expect 0 "accepted" "$broch" verify --html "$t/page.html" -p "$t/soft.toml" "$t/workload"
expect 0 "proves nothing about the host" cat "$t/page.html"
expect 3 "refused" "$broch" verify --html "$t/page.html" -p "$t/snp.toml" "$t/workload"
expect 0 "Refused: evidence.tee" cat "$t/page.html"
expect 1 "/none/page.html" "$broch" verify --html /none/page.html -p "$t/soft.toml" "$t/workload"

# Another module in the manifest: the report data no longer matches. (abcd are the first bytes of its digest.)
LC_ALL=C sed 's/\xab\xcd\x00\x00\x00/\xab\xce\x00\x00\x00/' "$t/workload" >"$t/forged"
expect 3 "refused: snp.report_data" "$broch" verify "$t/forged"
head -c 4000 "$t/workload" >"$t/cut"
expect 1 "no evidence that is known: neither workload evidence" "$broch" verify "$t/cut"
rm -rf "$XDG_STATE_HOME/broch/soft-snp"
"$maker" "$XDG_STATE_HOME/broch" "$image" "$t/state" 2>/dev/null || exit 2
expect 3 "refused: snp.root.pinned" "$broch" verify "$t/workload"

result
