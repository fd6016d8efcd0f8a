#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sev.sh BIN VECTORS: broch sev against a stand-in for the firmware: session, measurement, secret.
set -u
suite=sev bin=$1 vectors=$2
# shellcheck source=test/attest/lib.sh
. "$(dirname "$0")/lib.sh"
flow=$vectors/sev/flow
need vectors "$flow"

# The look-alike's root, as SubjectPublicKeyInfo: the digest that the refusal names is what --root takes.
root=$("$broch" sev session --policy 5 --out "$t/none" --verbose "$flow" | grep -F sev.ark.pinned -A 3 | grep -oE '[0-9a-f]{64}' | tail -1)
pdh=$flow/pdh-test-key.pem
digest=$("$broch" measure -q --tee sev-es "$vectors/snp/launch/fw-a.fd" | cut -d' ' -f1)

# ---- session ----
expect 3 "sev.ark.pinned" "$broch" sev session --policy 5 --out "$t/none" "$flow"
is "$(ls "$t/none" 2>/dev/null)" "" "files of a platform that was refused"
expect 0 "platform key" "$broch" sev session --root "$root" --policy 5 --out "$t/launch" "$flow"
is "$(stat -c %a "$t/launch/transport.keys")" 600 "mode of the keys"
is "$(stat -c %s "$t/launch/transport.keys" "$t/launch/session.bin" "$t/launch/godh.cert" | tr '\n' ' ')" "36 128 2084 " "sizes"
expect 1 "a key that is gone does not come back" "$broch" sev session --root "$root" --policy 5 --out "$t/launch" "$flow"
cat "$flow/pdh.cert" "$flow/pek.cert" "$flow/oca.cert" "$flow/cek.cert" "$flow/ask.cert" "$flow/ark.cert" >"$t/chain"
expect 0 "platform key" "$broch" sev session --root "$root" --policy 5 --out "$t/two" --qemu "$t/chain"
base64 -d "$t/two/session.bin" >"$t/two/session.raw" && base64 -d "$t/two/godh.cert" >"$t/two/godh.raw"
expect 0 "launched" python3 "$here/sev_firmware.py" launch "$pdh" "$t/two/godh.raw" "$t/two/session.raw" 5 1.55.21 "$digest" "$t/two/measure"
head -c 5000 "$t/chain" >"$t/cut"
expect 1 "no full chain" "$broch" sev session --root "$root" --policy 5 --out "$t/none" "$t/cut"
cp -r "$flow" "$t/bad"
chmod -R u+w "$t/bad"
printf '\377' | dd of="$t/bad/pdh.cert" bs=1 seek=5 conv=notrunc 2>/dev/null
expect 3 "sev.pdh.signature" "$broch" sev session --root "$root" --policy 5 --out "$t/none" "$t/bad"
expect 3 '"ok": false' "$broch" sev session --json --root "$root" --policy 5 --out "$t/none" "$t/bad"
expect 3 "sev.pek" "$broch" sev session --root "$root" --min-api 99.0 --policy 5 --out "$t/none" "$flow"
rm "$t/bad/oca.cert"
expect 1 "oca.cert" "$broch" sev session --root "$root" --policy 5 --out "$t/none" "$t/bad"
expect 2 "--policy is missing" "$broch" sev session --out "$t/none" "$flow"
expect 2 "--out is missing" "$broch" sev session --policy 5 "$flow"
expect 2 "say MAJOR.MINOR" "$broch" sev session --policy 5 --min-api 1.2.3 --out "$t/none" "$flow"
expect 2 "--keys has no place" "$broch" sev session --policy 5 --keys x --out "$t/none" "$flow"
expect 2 "say session PLATFORM or secret" "$broch" sev session
expect 1 "$t/nowhere" "$broch" sev session --policy 5 --out "$t/none" "$t/nowhere"
is "$(ls "$t/none" 2>/dev/null)" "" "files of what failed"

# ---- the firmware takes it, for this policy and on this platform only ----
expect 0 "launched" python3 "$here/sev_firmware.py" launch "$pdh" "$t/launch/godh.cert" "$t/launch/session.bin" 5 1.55.21 "$digest" "$t/measure"
expect 1 "another policy" python3 "$here/sev_firmware.py" launch "$pdh" "$t/launch/godh.cert" "$t/launch/session.bin" 4 1.55.21 "$digest" "$t/x"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$t/other.pem" 2>/dev/null
expect 1 "not for this platform" python3 "$here/sev_firmware.py" launch "$t/other.pem" "$t/launch/godh.cert" "$t/launch/session.bin" 5 1.55.21 "$digest" "$t/x"

# ---- secret ----
umask 077
printf 'correct horse battery staple' >"$t/disk.key"
printf 'second' >"$t/second"
set -- "$broch" sev secret --keys "$t/launch/transport.keys" --measure "$t/measure" --api 1.55.21
expect 0 "accepted" "$@" --digest "$digest" --secret "$t/disk.key" --secret "00112233-4455-6677-8899-aabbccddeeff=$t/second" --out "$t/launch"
expect 0 "entry e5696873f084734992ec06879ce3da0b correct horse battery staple" python3 "$here/sev_firmware.py" secret "$t/measure" "$t/launch/header.bin" "$t/launch/payload.bin"
expect 0 "entry 33221100554477668899aabbccddeeff second" python3 "$here/sev_firmware.py" secret "$t/measure" "$t/launch/header.bin" "$t/launch/payload.bin"
expect 0 "table 42f5741edd71664d963eef4287ff173b 94" python3 "$here/sev_firmware.py" secret "$t/measure" "$t/launch/header.bin" "$t/launch/payload.bin"
if grep -q horse "$t/launch/payload.bin"; then is clear sealed "the payload"; else is sealed sealed "the payload"; fi
base64 -w0 "$t/measure" >"$t/measure.b64"
echo >>"$t/measure.b64"
"$broch" sev secret --keys fd:3 --measure "$t/measure.b64" --api 1.55.21 --digest "$digest" --secret fd:4 --qemu --out "$t/b64" 3<"$t/launch/transport.keys" 4<"$t/disk.key" >"$t/out"
base64 -d "$t/b64/header.bin" >"$t/header" && base64 -d "$t/b64/payload.bin" >"$t/payload"
expect 0 "correct horse" python3 "$here/sev_firmware.py" secret "$t/measure" "$t/header" "$t/payload"
expect 1 "not for this launch" python3 "$here/sev_firmware.py" secret "$t/two/measure" "$t/header" "$t/payload"
expect 3 "sev.launch.measure" "$@" --digest "$(printf '%064d' 1)" --secret "$t/disk.key" --out "$t/none"
expect 3 "sev.launch" "$@" --digest "$digest" --min-api 1.55.22 --secret "$t/disk.key" --out "$t/none"
expect 3 "sev.launch.measure" "$broch" sev secret --keys "$t/two/transport.keys" --measure "$t/measure" --api 1.55.21 --digest "$digest" --secret "$t/disk.key" --out "$t/none"
expect 3 "sev.launch.measure" "$broch" sev secret --keys "$t/launch/transport.keys" --measure "$t/measure" --api 1.55.20 --digest "$digest" --secret "$t/disk.key" --out "$t/none"
expect 2 "--digest: 64 hexadecimal digits" "$@" --digest 00 --secret "$t/disk.key" --out "$t/none"
expect 2 "--secret is missing" "$@" --digest "$digest" --out "$t/none"
expect 2 "is a GUID" "$@" --digest "$digest" --secret "disk=$t/disk.key" --out "$t/none"
expect 2 "--policy has no place" "$@" --digest "$digest" --policy 5 --secret "$t/disk.key" --out "$t/none"
head -c 16400 /dev/zero >"$t/large"
expect 1 "do not fit" "$@" --digest "$digest" --secret "$t/large" --out "$t/none"
chmod 644 "$t/disk.key"
expect 1 "others may read this secret" "$@" --digest "$digest" --secret "$t/disk.key" --out "$t/none"
expect 1 "48 bytes" "$broch" sev secret --keys "$t/launch/transport.keys" --measure "$t/second" --api 1.55.21 --digest "$digest" --secret "$t/second" --out "$t/none"
expect 1 "not what broch sev session wrote" "$broch" sev secret --keys "$t/second" --measure "$t/measure" --api 1.55.21 --digest "$digest" --secret "$t/second" --out "$t/none"
is "$(ls "$t/none" 2>/dev/null)" "" "files of what failed"

# ---- broch verify: platform, launch measurement, report ----
umask 077
mnonce=$(od -An -tx1 -v -j32 -N16 "$flow/launch-measure.bin" | tr -d ' \n')
policy() { # TEE DIGEST MORE
	printf 'tee = ["%s"]\n[sev]\ndigests = ["%s"]\nminimum_firmware = "%s"\nkey_sharing = true\nmigration = true\nroot_sha256 = "%s"\n%s\n' "$1" "$2" "${min:-1.55.21}" "$root" "${3-}"
}
real=$(od -An -tx1 -v -j16 -N32 "$flow/attestation-report.bin" | tr -d ' \n')
policy sev-es "$digest" >"$t/launch.toml"
min=0.24.15 policy sev-es "$real" >"$t/report.toml"
min=0.24.15 policy sev-es "$digest" >"$t/other.toml"
min=0.24.15 policy sev-es "$real" "ceks = [\"$digest\"]" >"$t/cek.toml"
policy sev-es "$digest" | sed /key_sharing/d >"$t/strict.toml"
# shellcheck disable=SC2016 # the inner shell expands them
expect 0 "an SEV launch measurement" sh -c '"$1" verify --json -p "$2" --session "$3" --api 1.55.21 "$4" | grep -q "\"ear.status\": \"warning\"" && echo "an SEV launch measurement"' - "$broch" "$t/launch.toml" "$t/launch/transport.keys" "$t/measure"
set -- "$broch" verify -p "$t/launch.toml" --session "$t/launch/transport.keys" --api 1.55.21
expect 0 "accepted" "$@" "$t/measure"
expect 0 "accepted" "$@" "$t/measure.b64"
expect 3 "sev.launch.measure" "$@" "$t/two/measure"
expect 3 "sev.launch.firmware" "$broch" verify -p "$t/launch.toml" --session "$t/launch/transport.keys" --api 1.54.90 "$t/measure"
expect 3 "sev.launch.keys" "$broch" verify -p "$t/launch.toml" "$t/measure"
expect 2 "go together" "$broch" verify -p "$t/launch.toml" --session "$t/launch/transport.keys" "$t/measure"
expect 1 "not what broch sev session wrote" "$broch" verify -p "$t/launch.toml" --session "$t/second" --api 1.55.21 "$t/measure"
policy sev "$digest" >"$t/sev.toml"
expect 3 "evidence.tee" "$broch" verify -p "$t/sev.toml" --session "$t/launch/transport.keys" --api 1.55.21 "$t/measure"
expect 3 "sev.launch.policy" "$broch" verify -p "$t/strict.toml" --session "$t/launch/transport.keys" --api 1.55.21 "$t/measure"
expect 0 "accepted" "$broch" verify -p "$t/report.toml" "$t/chain"
expect 3 "sev.cek.known" "$broch" verify -p "$t/cek.toml" "$t/chain"
expect 0 "accepted" "$broch" verify -p "$t/report.toml" --nonce "$mnonce" --collateral "$t/chain" "$flow/attestation-report.bin"
expect 0 "accepted" "$broch" verify -p "$t/report.toml" --nonce "$mnonce" --collateral "$flow" --html "$t/page.html" "$flow/attestation-report.bin"
expect 0 "sev.report.nonce" grep -o "sev.report.nonce" "$t/page.html"
expect 3 "sev.report.nonce" "$broch" verify -p "$t/report.toml" --nonce "${mnonce%?}0" --collateral "$flow" --verbose "$flow/attestation-report.bin"
expect 3 "sev.report.digest" "$broch" verify -p "$t/other.toml" --collateral "$flow" "$flow/attestation-report.bin"
expect 3 "sev.pek.read" "$broch" verify -p "$t/report.toml" "$flow/attestation-report.bin"
expect 3 "the ark of the SEV platform" "$broch" collateral check --evidence "$flow/attestation-report.bin" "$flow/pdh.cert"
expect 0 "$real" "$broch" policy from-evidence "$flow/attestation-report.bin"
"$broch" policy from-evidence "$flow/attestation-report.bin" >"$t/draft.toml"
expect 0 "there is no integrity" "$broch" policy check "$t/draft.toml"
expect 0 "minimum_firmware" "$broch" policy from-evidence "$t/chain"
for tee in sev sev-es; do
	"$broch" policy init --tee $tee | sed "s/<64 hex digits>/$digest/" >"$t/init.toml"
	expect 0 "launch digests" "$broch" policy check "$t/init.toml"
done

result
