#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sign.sh BIN: broch key and broch sign; what they write is checked by other code, with openssl.
set -u
suite=sign bin=$1
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- keys ----
umask 0
expect 0 "type: EC P-384" "$broch" key new --type snp "$t/id.pem"
is "$(stat -c %a "$t/id.pem")" 600 "mode of a key"
expect 0 "snp-key-digest: " "$broch" key new --type snp "$t/author.pem"
expect 0 "type: RSA 3072" "$broch" key new --type sgx "$t/sgx.pem"
is "$(stat -c %a "$t/sgx.pem")" 600 "mode of a key"
is "$(openssl rsa -in "$t/sgx.pem" -noout -text 2>/dev/null | sed -n 's/^publicExponent: \([0-9]*\).*/\1/p')" 3 "exponent"
cp "$t/id.pem" "$t/before"
expect 1 "a key that is gone does not come back" "$broch" key new --type snp "$t/id.pem"
is "$(cksum <"$t/id.pem")" "$(cksum <"$t/before")" "a key that was there"
expect 0 "EC P-384" "$broch" key new --type snp --force "$t/other.pem"
expect 0 "EC P-384" "$broch" key new --type snp --force "$t/other.pem"
is "$(stat -c %a "$t/other.pem")" 600 "mode of a key that was replaced"
ln -s "$t/nowhere" "$t/link.pem"
expect 1 "$t/link.pem" "$broch" key new --type snp "$t/link.pem"
"$broch" key new --type snp fd:5 5>"$t/fd.pem" >"$t/made"
is "$("$broch" key show "$t/fd.pem")" "$(cat "$t/made")" "a key through a descriptor"
for k in id author sgx; do openssl pkey -in "$t/$k.pem" -pubout -out "$t/$k.pub"; done
is "$("$broch" key show --public "$t/id.pem")" "$(cat "$t/id.pub")" "public key"
is "$("$broch" key show "$t/id.pub")" "$("$broch" key show "$t/id.pem")" "a public key and its private one"
is "$("$broch" key show "$t/id.pem" | sed -n 's/^spki-sha256: //p')" "$(openssl pkey -pubin -in "$t/id.pub" -outform DER | sha256sum | cut -d' ' -f1)" "SPKI"
expect 0 '"schema": "broch.key/1"' "$broch" key show --json "$t/sgx.pub"
expect 2 "--type is snp" "$broch" key new "$t/x.pem"
expect 2 "--type is snp" "$broch" key new --type rsa "$t/x.pem"
expect 2 "say new WHERE or show WHERE" "$broch" key make "$t/x.pem"
expect 2 "--public goes with show" "$broch" key new --public --type snp "$t/x.pem"
expect 2 "go with new" "$broch" key show --force "$t/id.pem"
expect 1 "no key in PEM" "$broch" key show "$here/sign.sh"
expect 1 "$t/none" "$broch" key show "$t/none"
expect 1 "fd:x" "$broch" key show fd:x
expect 1 "fd:99" "$broch" key show fd:99

# ---- SNP ----
digest=$(printf '%096d' 7)
family=00112233445566778899aabbccddeeff
expect 0 "id-key-digest: $("$broch" key show "$t/id.pub" | sed -n 's/^snp-key-digest: //p')" "$broch" sign snp --key "$t/id.pem" --author "$t/author.pem" \
	--digest "$digest" --policy 0x30000 --svn 5 --family $family --block "$t/block" --auth "$t/auth"
expect 0 "digest: $digest family: $family image: 00000000000000000000000000000000 version, svn, policy: 1 5 196608" \
	python3 "$here/signed.py" snp "$t/block" "$t/auth" "$t/id.pub" "$t/author.pub"
expect 0 "author-key-digest: $("$broch" key show "$t/author.pub" | sed -n 's/^snp-key-digest: //p')" \
	python3 "$here/signed.py" snp "$t/block" "$t/auth" "$t/id.pub" "$t/author.pub"
expect 1 "returned non-zero" python3 "$here/signed.py" snp "$t/block" "$t/auth" "$t/author.pub" "$t/id.pub"
"$broch" sign snp --key fd:6 --digest "$digest" --policy 0x30000 --block "$t/block" --auth "$t/auth" 6<"$t/id.pem" >"$t/out"
expect 0 "version, svn, policy: 1 0 196608" python3 "$here/signed.py" snp "$t/block" "$t/auth" "$t/id.pub"
"$broch" sign snp --json --key "$t/id.pem" --digest "$digest" --policy 0x30000 >"$t/json"
python3 -c 'import base64, json, sys; d = json.load(open(sys.argv[1])); [open(sys.argv[i], "wb").write(base64.b64decode(d[k])) for i, k in ((2, "id_block"), (3, "id_auth"))]' "$t/json" "$t/block" "$t/auth"
expect 0 "id-key-digest" python3 "$here/signed.py" snp "$t/block" "$t/auth" "$t/id.pub"
rm -f "$t/block" "$t/auth"
set -- "$broch" sign snp --block "$t/block" --auth "$t/auth"
expect 2 "--key is missing" "$@" --digest "$digest" --policy 0x30000
expect 2 "--digest is missing" "$@" --key "$t/id.pem" --policy 0x30000
expect 2 "--policy is missing" "$@" --key "$t/id.pem" --digest "$digest"
expect 2 "bit 17 must be one" "$@" --key "$t/id.pem" --digest "$digest" --policy 0
expect 2 "--digest: 96 hexadecimal digits" "$@" --key "$t/id.pem" --digest abcd --policy 0x30000
expect 2 "not on P-384" "$@" --key "$t/sgx.pem" --digest "$digest" --policy 0x30000
expect 1 "no private key" "$@" --key fd:7 --digest "$digest" --policy 0x30000 7<"$t/id.pub"
expect 2 "--out has no place in an ID block" "$@" --out "$t/x" --key "$t/id.pem" --digest "$digest" --policy 0x30000
expect 2 "say where to" "$broch" sign snp --key "$t/id.pem" --digest "$digest" --policy 0x30000
is "$(ls "$t/block" "$t/auth" 2>/dev/null)" "" "files of what was not signed"

# ---- SGX ----
mrenclave=$(printf '%064d' 9)
expect 0 "mrsigner: $("$broch" key show "$t/sgx.pub" | sed -n 's/^mrsigner: //p')" "$broch" sign sgx --key "$t/sgx.pem" --digest "$mrenclave" \
	--date 20260228 --product 7 --svn 2 --vendor 0x8086 --swdefined 3 --out "$t/sig"
expect 0 "date: 20260228 mrenclave: $mrenclave attributes: 04000000000000000300000000000000 mask: ffffffffffffffff1bffffffffffffff vendor, swdefined, product, svn: 32902 3 7 2" \
	python3 "$here/signed.py" sgx "$t/sig" "$t/sgx.pub"
expect 0 "$mrenclave  sgx mrenclave" "$broch" measure --tee sgx --sigstruct "$t/sig"
printf '\1' | dd of="$t/sig" bs=1 seek=1026 conv=notrunc 2>/dev/null
expect 1 "returned non-zero" python3 "$here/signed.py" sgx "$t/sig" "$t/sgx.pub"
expect 2 "a date is YYYYMMDD" "$broch" sign sgx --key "$t/sgx.pem" --digest "$mrenclave" --out "$t/no" --date 20261301
expect 2 "a date is YYYYMMDD" "$broch" sign sgx --key "$t/sgx.pem" --digest "$mrenclave" --out "$t/no" --date 2026022
expect 2 "--product 65536" "$broch" sign sgx --key "$t/sgx.pem" --digest "$mrenclave" --out "$t/no" --product 65536
expect 2 "RSA key of 3072 bits with exponent 3" "$broch" sign sgx --key "$t/id.pem" --digest "$mrenclave" --out "$t/no"
expect 2 "--policy has no place in a SIGSTRUCT" "$broch" sign sgx --key "$t/sgx.pem" --digest "$mrenclave" --out "$t/no" --policy 1
expect 2 "say snp (ID block) or sgx (SIGSTRUCT)" "$broch" sign tdx
is "$(ls "$t/no" 2>/dev/null)" "" "a file of what was not signed"

result
