#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# collateral.sh BIN VECTORS: broch collateral check, and fetch from a service on this machine that answers like the vendors'.
set -u
suite=collateral bin=$1 vectors=$2
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"
service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null; rm -rf "$t"' EXIT
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
need vectors "$vectors/tdx/quotes"

# ---- check ----
intel=$vectors/tdx/collateral/b0c06f-2025-06.json
quote=$vectors/tdx/quotes/v4-b0c06f.bin
expect 0 "0 expired, 0 not yet valid, 0 missing" "$broch" collateral check --at 2025-06-25 --within 1d "$intel"
expect 0 "TCB info TDX, FMSPC b0c06f000000" "$broch" collateral check --at 2025-06-25 "$intel"
expect 0 "expires soon" "$broch" collateral check --at 2025-07-18 --within 30d "$intel"
expect 3 "expired" "$broch" collateral check --at 2025-08-25 "$intel"
expect 3 "not yet valid" "$broch" collateral check --at 2025-06-01 "$intel"
expect 0 "0 missing" "$broch" collateral check --at 2025-06-25 --evidence "$quote" "$intel"
expect 3 "TCB info" "$broch" collateral check --at 2025-06-25 --evidence "$vectors/snp/reports/milan-v5-gcp.bin" "$intel"
expect 3 "VCEK or VLEK" "$broch" collateral check --at 2025-06-25 --evidence "$vectors/snp/reports/milan-v5-gcp.bin" "$vectors/snp/certs"
expect 3 "revocation list of ARK-Turin" "$broch" collateral check --at 2025-06-25 "$vectors/snp/certs"
expect 3 '"state": "missing"' "$broch" collateral check --json --at 2025-06-25 "$vectors/snp/certs/milan-ark.der"
expect 3 "the vTPM's quote" "$broch" collateral check --at 2025-06-01 --evidence "$vectors/vtpm/milan/hcl.bin" "$vectors/snp/certs"
paravisor=$vectors/vtpm/tdx-806f05
expect 3 "the TD quote: missing" "$broch" collateral check --evidence "$paravisor/hcl.bin" "$vectors/vtpm/milan"
expect 3 "Intel's TCB info: missing" "$broch" collateral check --evidence "$paravisor/hcl.bin" "$paravisor"
expect 3 "Intel's TCB info: missing" "$broch" collateral check --evidence "$vectors/ratls/gramine-cert.pem" "$vectors/ratls"
expect 3 "5 missing" "$broch" collateral check --evidence "$vectors/ratls/gramine-cert.pem" "$vectors/ratls"
expect 3 "(ASK or ASVK): missing" "$broch" collateral check --evidence "$vectors/snp/enarx/milan.csr" "$vectors/pef"
expect 0 "0 missing" "$broch" collateral check --at 2023-08-01 --evidence "$vectors/snp/enarx/milan.csr" "$vectors/snp/certs"
expect 3 "Intel's identity of the quoting enclave: missing" "$broch" collateral check --evidence "$vectors/sgx/enarx/icelake-xeon.csr" "$vectors/pef"
expect 1 "No such file" "$broch" collateral check "$t/none"
expect 2 "say check FOLDER or fetch FOLDER" "$broch" collateral check
expect 2 "--within soon" "$broch" collateral check --within soon "$intel"
mkdir "$t/empty"
expect 3 "5 missing" "$broch" collateral check --evidence "$quote" "$t/empty"
echo hello >"$t/empty/note"
expect 0 "not understood" "$broch" collateral check "$t/empty"

# ---- fetch ----
python3 "$here/service.py" "$vectors" "$t/port" &
service=$!
i=0
while [ ! -s "$t/port" ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
base=http://127.0.0.1:$(cat "$t/port")
# What is fetched is from 2025: today it has expired, which the check at the end says.
expect 3 "expired" "$broch" collateral fetch --base "$base" --evidence "$quote" "$t/intel"
expect 0 "0 missing" "$broch" collateral check --at 2025-06-25 --evidence "$quote" "$t/intel"
"$broch" policy from-evidence "$quote" >"$t/policy"
expect 0 accepted "$broch" verify -p "$t/policy" -C "$t/intel" --at 2025-06-25 "$quote"
expect 3 "expired" "$broch" collateral fetch --base "$base" --product Milan --evidence "$vectors/snp/reports/milan-v5-gcp.bin" "$t/amd"
"$broch" policy from-evidence "$vectors/snp/reports/milan-v5-gcp.bin" | sed 's/crl = "required"/crl = "if-given"/' >"$t/policy"
rm "$t/amd/crl.der"
expect 0 accepted "$broch" verify -p "$t/policy" -C "$t/amd" --at 2026-06-01 "$vectors/snp/reports/milan-v5-gcp.bin"
expect 1 "status 404" "$broch" collateral fetch --base "$base/none" --evidence "$quote" "$t/other"
expect 1 "more than 1048576 bytes" "$broch" collateral fetch --base "$base/big" --evidence "$quote" "$t/other"
expect 1 "an empty answer" "$broch" collateral fetch --base "$base/empty" --evidence "$quote" "$t/other"
expect 1 "127.0.0.1:1/" "$broch" collateral fetch --base http://127.0.0.1:1 --evidence "$quote" "$t/other"
expect 1 "rotocol" "$broch" collateral fetch --base "file://$t" --evidence "$quote" "$t/other"
expect 1 "give --product" "$broch" collateral fetch --base "$base" --evidence "$vectors/snp/reports/milan-v2-coco.bin" "$t/other"
expect 1 "brings everything itself" "$broch" collateral fetch --base "$base" --evidence "$vectors/nitro/doc-2022.bin" "$t/other"
expect 1 "put it into the folder first" "$broch" collateral fetch --base "$base" --evidence "$paravisor/hcl.bin" "$t/td"
mkdir -p "$t/td"
cp "$paravisor/td-quote.bin" "$t/td"
expect 1 "/tdx/certification/v4/tcb?fmspc=00806f050000: status 404" "$broch" collateral fetch --base "$base" --evidence "$paravisor/hcl.bin" "$t/td"
expect 1 "/sgx/certification/v4/tcb?fmspc=00606a000000: status 404" "$broch" collateral fetch --base "$base" --evidence "$vectors/ratls/gramine-cert.pem" "$t/other"
expect 1 "/sgx/certification/v4/tcb?fmspc=00606a000000: status 404" "$broch" collateral fetch --base "$base" --evidence "$vectors/sgx/enarx/icelake-xeon.csr" "$t/other"
expect 1 "/vcek/v1/Milan/" "$broch" collateral fetch --base "$base" --product Milan --evidence "$vectors/snp/enarx/milan.csr" "$t/other"
expect 2 "needs one folder" "$broch" collateral fetch "$t/other"

result
