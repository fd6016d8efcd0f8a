#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: what a verdict about evidence of real platforms costs. Goals: SNP 5 ms, TDX 10 ms, memory 4 MiB.
set -eu
build=$1
vectors=${VECTORS:-../shared/vectors}
if [ ! -d "$vectors/tdx/quotes" ]; then
	echo "SKIPPED: no vectors in $vectors"
	exit 0
fi
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
# one NAME EVIDENCE EDIT AT COLLATERAL...: a draft of a policy, edited, and the collateral in one folder
one() {
	name=$1 evidence=$2 edit=$3 at=$4
	shift 4
	mkdir "$t/$name"
	cp "$@" "$t/$name"
	"$build/bin/broch" policy from-evidence "$evidence" | sed "$edit" >"$t/$name.toml"
	"$build/bench/verify-run" "$name" "$t/$name.toml" "$evidence" "$t/$name" "$(date -u -d "$at" +%s)"
}
snp=$vectors/snp
one SNP-Milan "$snp/reports/milan-v5-gcp.bin" 's/crl = "required"/crl = "if-given"/' 2026-06-01 \
	"$snp/certs/milan-ark.der" "$snp/certs/milan-ask.der" "$snp/reports/milan-v5-gcp.vcek.der"
one SNP-Turin "$snp/reports/turin-v5-oak.bin" 's/crl = "required"/crl = "if-given"/' 2026-06-01 \
	"$snp/certs/turin-ark.der" "$snp/certs/turin-ask.der" "$snp/reports/turin-v5-oak.vcek.der"
one SGX "$vectors/sgx/quotes/icelake-606a.bin" 's/"UpToDate"/"UpToDate", "SWHardeningNeeded"/; s/^# advis/advis/' 2025-08-20 \
	"$vectors/sgx/collateral/00606a-2025-08.json"
one TDX "$vectors/tdx/quotes/v4-b0c06f.bin" '' 2025-06-25 "$vectors/tdx/collateral/b0c06f-2025-06.json"
