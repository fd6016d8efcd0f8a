#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# files.sh BIN VECTORS: broch verify with evidence of real platforms as files, under policies written by broch policy init.
set -u
suite=files bin=$1 vectors=$2
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"
need vectors "$vectors/tdx/quotes"
# policy TEE HEX SED...: the template with this value filled in, and edits
policy() {
	tee=$1 hex=$2
	shift 2
	"$broch" policy init --tee "$tee" | sed -e "s/<[0-9]* hex digits>/$hex/" "$@"
}
verify() {
	p=$1
	shift
	"$broch" verify --policy "$t/$p" "$@"
}

# ---- SGX ----
enclave=a4f45c39dac622cb1dd32ddb35a52ec92db41d0fa88a1c911c49e59c534f61cd
harden='s/"UpToDate"\]/"UpToDate", "SWHardeningNeeded"]/'
policy sgx $enclave -e "$harden" -e 's/^# advisories = .*/advisories = ["INTEL-SA-00615"]/' >"$t/sgx"
policy sgx $enclave -e "$harden" >"$t/sgx-advisory"
policy sgx $enclave >"$t/sgx-strict"
policy sgx 00${enclave#??} -e "$harden" -e 's/^# advisories = .*/advisories = ["any"]/' >"$t/sgx-other"
quote=$vectors/sgx/quotes/icelake-606a.bin
intel=$vectors/sgx/collateral
expect 0 accepted verify sgx -C "$intel" --at 2025-08-20 "$quote"
expect 0 accepted verify sgx -C "$intel/00606a-2025-08.json" --at 2025-08-20 "$quote"
expect 3 dcap.tcb.advisories verify sgx-advisory -C "$intel" --at 2025-08-20 "$quote"
expect 3 dcap.tcb.status verify sgx-strict -C "$intel" --at 2025-08-20 "$quote"
expect 3 sgx.measurement verify sgx-other -C "$intel" --at 2025-08-20 "$quote"
expect 3 dcap.tcb_info.time verify sgx -C "$intel" --at 2025-10-01 "$quote"
expect 3 dcap.root_crl.read verify sgx --at 2025-08-20 "$quote"
expect 3 dcap.report_data verify sgx -C "$intel" --at 2025-08-20 --report-data "$(printf '%0128d' 1)" "$quote"
expect 0 accepted verify sgx -C "$intel" --at 2025-08-20 --report-data "$(printf '%0128d' 0)" "$quote"
expect 2 "--nonce does not go with an SGX or TDX quote" verify sgx -C "$intel" --nonce 00 "$quote"
expect 2 "128 hex digits" verify sgx --report-data 00 "$quote"
base64 "$quote" >"$t/quote.txt"
expect 0 accepted verify sgx -C "$intel" --at 2025-08-20 "$t/quote.txt"
mkdir "$t/parts"
python3 - "$intel/00606a-2025-08.json" "$t/parts" <<'EOF'
import json, sys
c = json.load(open(sys.argv[1]))
def put(name, data):
    open(sys.argv[2] + "/" + name, "wb").write(data if isinstance(data, bytes) else data.encode())
put("a", '{"tcbInfo":' + c["tcb_info"] + ',"signature":"' + c["tcb_info_signature"] + '"}')
put("b", '{"enclaveIdentity":' + c["qe_identity"] + ',"signature":"' + c["qe_identity_signature"] + '"}')
put("c", bytes.fromhex(c["pck_crl"]))
put("d", bytes.fromhex(c["root_ca_crl"]))
put("e", c["tcb_info_issuer_chain"])
put("README", "not collateral")
EOF
expect 0 accepted verify sgx -C "$t/parts" --at 2025-08-20 "$quote"
for one in a b c d e; do
	mkdir "$t/without" && cp "$t"/parts/* "$t/without" && rm "$t/without/$one"
	expect 3 refused: verify sgx -C "$t/without" --at 2025-08-20 "$quote"
	rm -r "$t/without"
done

# ---- TDX ----
mrtd=91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407de03ae6dc5f87f27428b2538873118b7
policy tdx $mrtd >"$t/tdx"
policy tdx $mrtd -e 's/rtmrs_free.*/rtmrs_free = [1, 2, 3]/' -e "s/^# rtmr0.*/rtmr0 = [\"$mrtd\"]/" >"$t/tdx-rtmr"
quote=$vectors/tdx/quotes/v4-b0c06f.bin
expect 0 accepted verify tdx -C "$vectors/tdx/collateral" --at 2025-06-25 "$quote"
expect 3 tdx.rtmr0 verify tdx-rtmr -C "$vectors/tdx/collateral" --at 2025-06-25 "$quote"
expect 3 evidence.tee verify sgx -C "$vectors/tdx/collateral" --at 2025-06-25 "$quote"
head -c 1000 "$quote" >"$t/cut"
expect 3 dcap.quote.read verify tdx -C "$vectors/tdx/collateral" --at 2025-06-25 "$t/cut"

# ---- SEV-SNP ----
report=$vectors/snp/reports/milan-v2-virtee.bin
digest=$(od -An -v -tx1 -j144 -N48 "$report" | tr -d ' \n')
policy snp x -e "s/\"shipped\"/\"$digest\"/" -e 's/crl = "required" /crl = "if-given" /' >"$t/snp"
policy snp x -e "s/\"shipped\"/\"$digest\"/" >"$t/snp-crl"
expect 0 accepted verify snp -C "$vectors/snp/certs" -C "$vectors/snp/reports" --at 2025-06-01 "$report"
expect 3 snp.crl.read verify snp-crl -C "$vectors/snp/certs" -C "$vectors/snp/reports" --at 2025-06-01 "$report"
expect 3 snp.key.read verify snp -C "$vectors/snp/certs" --at 2025-06-01 "$report"
expect 3 snp.report.signature verify snp -C "$vectors/snp/certs" \
	-C "$vectors/snp/reports/milan-v2-coco.vcek.der" --at 2025-06-01 "$report"

# ---- the others ----
policy nitro f4d48b81a460c9916d1e685119074bf24660afd3e34fae9fca0a0d28d9d5599936332687e6f66fc890ac8cf150142d8b >"$t/nitro"
expect 3 nitro.chain.time verify nitro --at 2022-01-01 "$vectors/nitro/doc-2022.bin"
expect 3 evidence.tee verify tdx --at 2022-10-10 "$vectors/nitro/doc-2022.bin"
expect 3 nitro.nonce verify nitro --nonce 0102 --at 2022-10-08 "$vectors/nitro/doc-2022.bin"
paravisor=6a063be9dd79f6371c842e480f8dc3b5c725961344e57130e88c5adf49e8f7f6c79b75a5eb77fc769959f4aeb2f9401e
pcr4=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[4])' "$vectors/vtpm/milan/pcrs.json")
vtpm() {
	"$broch" policy init --tee vtpm | sed -e "s/<96 hex digits>/$1/" -e "s/<64 hex digits>/$2/" -e 's/crl = "required"/crl = "if-given"/'
}
vtpm $paravisor "$pcr4" >"$t/vtpm"
vtpm $paravisor "00${pcr4#??}" >"$t/vtpm-other"
hcl=$vectors/vtpm/milan/hcl.bin
expect 0 accepted verify vtpm -C "$vectors/snp/certs" -C "$vectors/vtpm/milan" --at 2025-06-01 --nonce 6368616c6c656e6765 "$hcl"
expect 3 vtpm.tpm.nonce verify vtpm -C "$vectors/snp/certs" -C "$vectors/vtpm/milan" --at 2025-06-01 --nonce 00 "$hcl"
expect 3 vtpm.tpm.pinned verify vtpm-other -C "$vectors/snp/certs" -C "$vectors/vtpm/milan" --at 2025-06-01 "$hcl"
expect 3 vtpm.tpm.read verify vtpm -C "$vectors/snp/certs" --at 2025-06-01 "$hcl"
# As tpm2-tools write it, the signature stands behind its algorithms and its size (TPM 2.0 part 2, TPMT_SIGNATURE).
tpmt() { # folder, head
	mkdir "$t/$1" && cp "$vectors/vtpm/milan"/* "$t/$1" && chmod u+w "$t/$1"/*
	# shellcheck disable=SC2059 # the head is in octal
	{ printf "$2"; cat "$vectors/vtpm/milan/quote.sig"; } >"$t/$1/quote.sig"
}
tpmt headed '\000\024\000\013\001\000'
tpmt longer '\000\024\000\013\001\001'
tpmt strange '\000\026\000\013\001\000'
expect 0 accepted verify vtpm -C "$vectors/snp/certs" -C "$t/headed" --at 2025-06-01 "$hcl"
expect 3 vtpm.tpm.signature verify vtpm -C "$vectors/snp/certs" -C "$t/longer" --at 2025-06-01 "$hcl"
expect 3 vtpm.tpm.signature verify vtpm -C "$vectors/snp/certs" -C "$t/strange" --at 2025-06-01 "$hcl"
paravisor=$vectors/vtpm/tdx-806f05
"$broch" policy from-evidence -C "$paravisor" "$paravisor/hcl.bin" >"$t/vtpm-td"
expect 3 "FMSPC 00806f050000" verify vtpm-td -C "$paravisor" --at 2024-06-01 "$paravisor/hcl.bin"
expect 3 dcap.root_crl.read verify vtpm-td -C "$paravisor" --at 2024-06-01 "$paravisor/hcl.bin"
expect 3 vtpm.tpm.nonce verify vtpm-td -C "$paravisor" --nonce 00 --at 2024-06-01 "$paravisor/hcl.bin"
expect 3 evidence.tee verify snp -C "$vectors/snp/certs" -C "$vectors/vtpm/milan" --at 2025-06-01 "$hcl"
expect 3 sgx.debug verify sgx -C "$intel" --at 2023-08-01 "$vectors/ratls/gramine-cert.pem"
expect 3 enarx.csr.tee verify tdx --at 2023-08-01 "$vectors/snp/enarx/milan.csr"
expect 1 "no evidence that is known" verify sgx "$intel/00606a-2025-08.json"
expect 1 "No such file" verify sgx -C "$t/none" "$quote"

# ---- Arm CCA ----
token=$vectors/cca/token-01.cbor
cp "$vectors/cca/cpak.json" "$t/cpak.json"
"$broch" policy from-evidence "$token" | sed 's/<file of a JWK>/cpak.json/' >"$t/cca"
sed 's/^initial_measurements = ."../initial_measurements = ["f0/' "$t/cca" >"$t/cca-other"
sed 's/^rem1 = ."../rem1 = ["f0/' "$t/cca" >"$t/cca-rem"
sed 's/^    "../    "f0/' "$t/cca" >"$t/cca-software"
printf '{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}' axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU >"$t/other.json"
sed 's/"cpak.json"/"other.json", "cpak.json"/' "$t/cca" >"$t/cca-two"
sed 's/"cpak.json"/"other.json"/' "$t/cca" >"$t/cca-key"
expect 0 accepted verify cca "$token"
expect 0 accepted verify cca-two "$token"
expect 0 "any CCA platform" "$broch" policy check "$t/cca"
expect 3 cca.platform.signature verify cca-key "$token"
expect 3 cca.measurement verify cca-other "$token"
expect 3 cca.extensible verify cca-rem "$token"
expect 3 cca.platform.components verify cca-software "$token"
expect 3 cca.challenge verify cca --nonce "$(printf '%0128d' 7)" "$token"
expect 3 cca.binding verify cca "$vectors/cca/token-bug33.cbor"
expect 3 evidence.tee verify tdx "$token"

# ---- drafts: each accepts its own evidence, and says what it tolerates ----
# drafted NAME AT EVIDENCE EDIT COLLATERAL...
drafted() {
	name=$1 at=$2 file=$3 edit=$4
	shift 4
	"$broch" policy from-evidence "$file" "$@" >"$t/raw" || return
	sed -e "$edit" "$t/raw" >"$t/$name"
	expect 0 accepts "$broch" policy check "$t/$name"
	expect 0 accepted verify "$name" --at "$at" "$@" "$file"
}
none='s/crl = "required"/crl = "if-given"/'
drafted d-sgx 2025-08-20 "$vectors/sgx/quotes/icelake-606a.bin" "$harden; s/^# advisories/advisories/" -C "$intel"
drafted d-tdx 2025-06-25 "$vectors/tdx/quotes/v4-b0c06f.bin" '' -C "$vectors/tdx/collateral"
drafted d-snp 2025-06-01 "$report" "$none; s/\"Milan\", \"Genoa\"/\"Milan\"/" -C "$vectors/snp/certs" -C "$vectors/snp/reports"
drafted d-turin 2026-01-01 "$vectors/snp/reports/turin-v5-oak.bin" "$none" -C "$vectors/snp/certs" -C "$vectors/snp/reports"
drafted d-vtpm 2025-06-01 "$hcl" "$none" -C "$vectors/snp/certs" -C "$vectors/vtpm/milan"
drafted d-csr 2023-01-01 "$vectors/snp/enarx/milan.csr" "$none" -C "$vectors/snp/certs"
expect 0 "debug = true  # !" "$broch" policy from-evidence "$vectors/sgx/quotes/a067-debug.bin"
expect 0 "pcr0 = [" "$broch" policy from-evidence "$vectors/nitro/doc-2022.bin"
expect 0 "mrenclaves = [" "$broch" policy from-evidence "$vectors/ratls/gramine-cert.pem"
expect 1 "no evidence that is known" "$broch" policy from-evidence "$t/sgx"
expect 2 "needs a file" "$broch" policy from-evidence

result
