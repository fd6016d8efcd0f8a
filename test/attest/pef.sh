#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pef.sh BIN VECTORS: broch pef makes blobs that it and openssl open, and checks a published one.
set -u
suite=pef bin=$1 vectors=$2
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"

umask 077
for k in owner machine stranger; do
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$t/$k.pem" 2>/dev/null
	openssl pkey -in "$t/$k.pem" -pubout -out "$t/$k.pub"
done
printf 'the kernel' >"$t/kernel"
printf 'the initrd' >"$t/initrd"
printf 'the rtas' >"$t/rtas"
set -- "$broch" pef make --rtas "$t/rtas" --kernel "$t/kernel" --initrd "$t/initrd" --bootargs "console=hvc0"
"$@" --recipient "$t/owner.pub" --recipient "$t/machine.pub" --out "$t/blob" || bad "pef make for two recipients"
for k in owner machine; do
	expect 0 "$(sha512sum <"$t/kernel" | cut -d' ' -f1)  kernel" "$broch" pef check --key "$t/$k.pem" "$t/blob"
	expect 0 "$(sha512sum <"$t/rtas" | cut -d' ' -f1)  rtas" "$broch" pef check --key "$t/$k.pem" "$t/blob"
	expect 0 "digests of $k: 64 bytes each, kernel 10" python3 "$here/pef_open.py" "$t/blob" "$t/$k.pem" "$t/kernel" "$t/initrd" "console=hvc0" "$t/rtas" "$k"
done
expect 0 "accepted" "$broch" pef check --key "$t/owner.pem" --kernel "$t/kernel" --initrd "$t/initrd" --bootargs "console=hvc0" "$t/blob"
expect 0 '"ok": true' "$broch" pef check --json --key "$t/owner.pem" "$t/blob"
expect 3 "pef.recipient" "$broch" pef check --key "$t/stranger.pem" "$t/blob"
expect 3 "pef.bootargs" "$broch" pef check --key "$t/owner.pem" --kernel "$t/kernel" --initrd "$t/initrd" --bootargs "console=hvc1" "$t/blob"
expect 3 "pef.initrd" "$broch" pef check --key "$t/owner.pem" --kernel "$t/kernel" --bootargs "console=hvc0" "$t/blob"
expect 3 "pef.kernel" "$broch" pef check --key fd:3 --kernel "$t/initrd" --initrd "$t/initrd" --bootargs "console=hvc0" "$t/blob" 3<"$t/owner.pem"
expect 3 "pef.blob.read" "$broch" pef check --key "$t/owner.pem" "$t/kernel"
expect 1 "no private key" "$broch" pef check --key "$t/owner.pub" "$t/blob"
expect 2 "--key is missing" "$broch" pef check "$t/blob"
expect 2 "compared together" "$broch" pef check --key "$t/owner.pem" --bootargs x "$t/blob"
expect 2 "--recipient is missing" "$@" --out "$t/no"
expect 2 "--out is missing" "$@" --recipient "$t/owner.pub"
expect 2 "--key has no place" "$@" --recipient "$t/owner.pub" --key "$t/owner.pem" --out "$t/no"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$t/ec.pem" 2>/dev/null
expect 2 "recipient 2 has no RSA key" "$@" --recipient "$t/owner.pub" --recipient "$t/ec.pem" --out "$t/no"
expect 2 "say make or check BLOB" "$broch" pef open "$t/blob"
[ ! -e "$t/no" ] || bad "a blob that was refused is there"

pef=$vectors/pef
if [ -d "$pef" ]; then
	cp "$pef/tpm-test-key.pem" "$t/published.pem"
	chmod 600 "$t/published.pem"
	expect 0 "accepted" "$broch" pef check --key "$t/published.pem" --kernel "$pef/kernel.bin" --initrd "$pef/initrd.bin" --bootargs "root=/dev/ram0 console=hvc0" "$pef/esm.blob"
fi
# ---- broch verify ----
sum() { sha512sum <"$1" | cut -d' ' -f1; }
printf 'tee = ["pef"]\n[pef]\nkernels = ["%s"]\ninitrds = ["%s"]\nrtas = ["%s"]\nbootargs = ["console=hvc0"]\n' "$(sum "$t/kernel")" "$(sum "$t/initrd")" "$(sum "$t/rtas")" >"$t/pef.toml"
sed "s/hvc0/hvc1/" "$t/pef.toml" >"$t/other.toml"
expect 0 "accepted" "$broch" verify -p "$t/pef.toml" --key "$t/machine.pem" --html "$t/page.html" "$t/blob"
expect 0 "pef.kernel" grep -o "pef.kernel" "$t/page.html"
expect 0 '"ear.status": "warning"' "$broch" verify --json -p "$t/pef.toml" --key "$t/owner.pem" "$t/blob"
expect 3 "pef.bootargs" "$broch" verify -p "$t/other.toml" --key "$t/owner.pem" "$t/blob"
expect 3 "pef.recipient" "$broch" verify -p "$t/pef.toml" --key "$t/stranger.pem" "$t/blob"
expect 3 "pef.key" "$broch" verify -p "$t/pef.toml" --verbose "$t/blob"
expect 0 "PEF blobs for one of 1 kernels" "$broch" policy check "$t/pef.toml"
expect 1 "an ESM blob is sealed" "$broch" policy from-evidence "$t/blob"
grep -v rtas "$t/pef.toml" >"$t/short.toml"
expect 2 "[pef] rtas is missing" "$broch" verify -p "$t/short.toml" --key "$t/owner.pem" "$t/blob"

result
