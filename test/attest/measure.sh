#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# measure.sh BIN VECTORS [PLAN_PAGES]: broch measure of firmware, trust domains and enclaves against published values, and manifests
# read by other code.
set -u
suite=measure bin=$1 vectors=$2 plan_pages=${3-}
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"
need vectors "$vectors/snp/launch"

# ---- firmware: SEV, SEV-ES, SNP ----
python3 "$here/measure_cases.py" "$vectors" >"$t/cases" || exit 2
tab=$(printf '\t')
cases=0
while IFS= read -r line; do
	cases=$((cases + 1))
	old=$IFS
	IFS=$tab
	# shellcheck disable=SC2086 # the line is split at its tabs
	set -- $line
	IFS=$old
	digest=$1
	shift
	if [ "$digest" = - ]; then expect 1 "no place for kernel hashes" "$broch" measure "$@"; else expect 0 "$digest  " "$broch" measure "$@"; fi
done <"$t/cases"
[ "$cases" -ge 8 ] || bad "only $cases launches in $vectors"
fw=$vectors/snp/launch/fw-a.fd
expect 0 "420203cc1c2082fde33842fd12efe7a7" "$broch" measure --tee snp --vcpus 2 --vcpu-type EPYC-Turin-v1 "$fw"
expect 0 "no Keep starts under snp in this version" "$broch" measure --tee snp "$fw"
expect 0 '"launch-digest": "4f6da9a609959df71c47aca57716d78026776305ea32fc1ddd5eccbdb67640b9"' "$broch" measure --tee sev --output json "$fw"
expect 2 "--vcpu-type PDP-11" "$broch" measure --tee snp --vcpu-type PDP-11 "$fw"
expect 2 "--vcpu-type 25,1" "$broch" measure --tee snp --vcpu-type 25,1 "$fw"
expect 2 "--vcpus 5000" "$broch" measure --tee snp --vcpus 5000 "$fw"
expect 2 "--vcpus -1" "$broch" measure --tee snp --vcpus=-1 "$fw"
expect 1 "0 vCPUs" "$broch" measure --tee snp --vcpus 0 "$fw"
expect 2 "bit 0 (SNP)" "$broch" measure --tee snp --features 2 "$fw"
expect 2 "only SNP measures them" "$broch" measure --tee sev-es --features 1 "$fw"
expect 2 "--vmm xen" "$broch" measure --tee snp --vmm xen "$fw"
expect 2 "go with --kernel" "$broch" measure --tee snp --cmdline quiet "$fw"
expect 2 "--vcpus goes with --tee snp" "$broch" measure --tee tdx --vcpus 2 "$fw"
expect 2 "--tee is soft-snp" "$broch" measure --tee sgx2 "$fw"
expect 1 "no Keep image" "$broch" measure "$fw"
expect 1 "starts no Keeps under sev-es" "$broch" measure --tee sev-es
expect 1 "starts no Keeps under tdx" "$broch" measure --tee tdx "$bin/broch"
expect 1 "$t/none" "$broch" measure --tee snp "$t/none"
head -c 8192 "$fw" >"$t/cut.fd"
expect 1 "$t/cut.fd" "$broch" measure --tee snp "$t/cut.fd"

# ---- TDX ----
td=$vectors/tdx/mrtd/fw-a.fd log=$vectors/tdx/ccel/gcp.ccel
expect 0 "85a3a5678992a10a08356d6dc075ef391bc1647c2e9381aa4890db71bbed39bc0b6c3e96fec192fb55baa6884822379f  tdx mrtd" "$broch" measure --tee tdx "$td"
expect 0 "77485f814023bb27323a874df0d1a08f156b60c6dd9a57984a4e62b95af76ae515dd6eeeeb891ffe1c1999bae423299f" "$broch" measure --tee tdx --two-pass "$td"
# The same log's registers are in the quote, at fixed places of its body.
quote=$vectors/tdx/quotes/v4-806f05-gcp-ccel.bin
for i in 0 1 2 3; do
	rtmr=$(tail -c +$((48 + 328 + 48 * i + 1)) "$quote" | head -c 48 | od -An -vtx1 | tr -d ' \n')
	expect 0 "$rtmr  tdx rtmr$i $log" "$broch" measure --tee tdx --event-log "$log" "$td"
done
expect 0 '"kind": "event log"' "$broch" measure --tee tdx --event-log "$log" --json
expect 1 "Spec ID Event03" "$broch" measure --tee tdx --event-log "$td"

# ---- SGX ----
sig=$vectors/sgx/sigstruct/fortanix-sig1.bin
expect 0 "c50673624a6cb17c1c6c2a4e6906f47a170c4629b8723781d1017ef376f1a75d  sgx mrenclave" "$broch" measure --tee sgx --sigstruct "$sig"
expect 0 "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e  sgx mrsigner" "$broch" measure --tee sgx --sigstruct "$sig"
# ECREATE of a page with one frame for the state, and nothing else.
printf 'ECREATE\0\1\0\0\0\0\20\0\0\0\0\0\0' >"$t/empty.sgxs"
head -c 44 /dev/zero >>"$t/empty.sgxs"
expect 0 "3cc716a42c8d707da48a173278d39d80855ee5f77b881eeba5810349e50127c2  sgx mrenclave" "$broch" measure --tee sgx "$t/empty.sgxs"
# The enclave "small" of the vectors, its pages made from their seeds.
python3 - "$t" <<'EOF'
import hashlib, sys
for name, pages in (("code", 2), ("data", 3)):
    with open(f"{sys.argv[1]}/{name}.bin", "wb") as f:
        for i in range(pages * 128):
            f.write(hashlib.sha256(name.encode() + i.to_bytes(4, "little")).digest())
EOF
layout() { printf '{"size": 65536, "ssa_frame_size": 1, "segments": [{"offset": 0, "type": "tcs", "pages": 1}, {"offset": 4096, "type": "%s", "file": "%s"}, {"offset": %s, "type": "rw", "file": "data.bin"%s}]}' "$@" >"$t/layout.json"; }
layout rx code.bin 12288 ""
expect 0 "d10c5618ccd3f01c5c81a44f5a264f19063b3d9d7c1ed7af63be2ff9d7f66368  sgx mrenclave" "$broch" measure --tee sgx "$t/layout.json"
layout rx code.bin 65536 ""
expect 1 "segment 2: offset 10000h is no page of the enclave" "$broch" measure --tee sgx "$t/layout.json"
layout rq code.bin 12288 ""
expect 1 'segment 1: type "rq"' "$broch" measure --tee sgx "$t/layout.json"
layout rx none.bin 12288 ""
expect 1 "none.bin" "$broch" measure --tee sgx "$t/layout.json"
layout rx code.bin 12288 ', "pages": 3'
expect 1 "segment 2: say either file or pages" "$broch" measure --tee sgx "$t/layout.json"
layout rx code.bin 12288 ', "colour": 3'
expect 1 "colour" "$broch" measure --tee sgx "$t/layout.json"
layout rx code.bin 12288 ', "file": "x"'
expect 1 "duplicate" "$broch" measure --tee sgx "$t/layout.json"
# Heap that nobody measures: its address and type still count.
cat >"$t/layout.json" <<'EOF'
{"size": 131072, "ssa_frame_size": 2, "segments": [
  {"offset": 0, "type": "rx", "file": "first.bin"},
  {"offset": 4096, "type": "tcs", "pages": 1},
  {"offset": 32768, "type": "rw", "pages": 4, "measure": false}]}
EOF
head -c 4096 "$t/code.bin" >"$t/first.bin"
expect 0 "7feff171bc88000f5e207873b918d84d09e4389a89c7b01166894fdf2531f161  sgx mrenclave" "$broch" measure --tee sgx "$t/layout.json"
expect 3 "sgx.sigstruct.mrenclave" "$broch" measure --tee sgx --sigstruct "$sig" "$t/empty.sgxs"
cat "$sig" >"$t/bad.sig" # the original may be read-only
printf '\377' | dd of="$t/bad.sig" bs=1 seek=960 conv=notrunc 2>/dev/null
expect 3 "sgx.sigstruct.signature" "$broch" measure --tee sgx --sigstruct "$t/bad.sig"
expect 1 "$td" "$broch" measure --tee sgx "$td"

# ---- manifests ----
"$broch" measure -q --tee tdx --event-log "$log" --output corim "$td" >"$t/td.corim"
expect 0 "Intel TDX mrtd 85a3a5678992a10a08356d6dc075ef39" python3 "$here/corim.py" "$t/td.corim"
expect 0 "Intel TDX rtmr2 4969684dc87381fc3b3134176c8d8806" python3 "$here/corim.py" "$t/td.corim"
for curve in P-256 P-384 P-521; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$curve -out "$t/$curve.pem" 2>/dev/null
	chmod 600 "$t/$curve.pem"
	openssl pkey -in "$t/$curve.pem" -pubout -out "$t/$curve.pub"
	"$broch" measure -q --tee sev --output corim --key "$t/$curve.pem" --signer "Example Ltd" "$fw" >"$t/signed.corim"
	expect 0 "signed by Example Ltd" python3 "$here/corim.py" "$t/signed.corim" "$t/$curve.pub"
	expect 0 "AMD SEV launch-digest 4f6da9a609959df71c47aca57716d780" python3 "$here/corim.py" "$t/signed.corim" "$t/$curve.pub"
done
expect 1 "returned non-zero" python3 "$here/corim.py" "$t/signed.corim" "$t/P-256.pub"
"$broch" measure -q --tee sev --output corim --key fd:7 "$fw" 7<"$t/P-256.pem" >"$t/signed.corim"
expect 0 "signed by broch measure" python3 "$here/corim.py" "$t/signed.corim" "$t/P-256.pub"
expect 1 "fd:7: no private key" "$broch" measure --tee sev --output corim --key fd:7 "$fw" 7<"$t/P-256.pub"
cp "$t/P-256.pem" "$t/open.pem"
chmod 644 "$t/open.pem"
expect 1 "others may read this secret" "$broch" measure --tee sev --output corim --key "$t/open.pem" "$fw"
"$broch" measure -q --tee sev --output corim --not-before 2026-01-01 --not-after @1800000000 "$fw" >"$t/valid.corim"
expect 0 "valid from 1767225600" python3 "$here/corim.py" "$t/valid.corim"
expect 0 "valid until 1800000000" python3 "$here/corim.py" "$t/valid.corim"
expect 2 "goes with --not-after" "$broch" measure --tee sev --output corim --not-before 2026-01-01 "$fw"
expect 2 "is later than" "$broch" measure --tee sev --output corim --not-before 2026-01-01 --not-after 2025-01-01 "$fw"
expect 2 "are of a manifest" "$broch" measure --tee sev --not-after 2025-01-01 "$fw"
expect 2 "say --output corim" "$broch" measure --tee sev --key "$t/P-256.pem" "$fw"
expect 2 "--output is text, json or corim" "$broch" measure --tee sev --output cbor "$fw"
if [ -f "$bin/broch-keep-vm.elf" ]; then
	"$broch" measure --output corim >"$t/keeps.corim"
	expect 0 "stand-in for SEV-SNP measurement $("$broch" measure --kind vm | cut -d' ' -f1)" python3 "$here/corim.py" "$t/keeps.corim"
	for kind in vm process; do
		[ -n "$plan_pages" ] || continue
		"$plan_pages" "$bin/broch-keep-$kind.elf" $kind >"$t/plan.json"
		expect 0 "$("$broch" measure --kind $kind | cut -d' ' -f1)" python3 "$here/plan_digest.py" "$t/plan.json"
	done
fi

result
