#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2046,SC2086,SC2154,SC2015,SC1010 # lib.sh has names and judges; $p and $k are several words
# deploy, ps, logs, wait, inspect, stop, rm against a host agent of our own.
suite=deploy
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"
guests=$B/test/guests
sock=$tmp/brochd.sock
export BROCH_HOST="unix:$sock"

"$B/bin/brochd" --listen "unix:$sock" --state "$XDG_STATE_HOME/broch" >"$tmp/agent.log" 2>&1 </dev/null &
agent=$!
children=$agent
if ! until_true 200 "$broch" platform; then
	bad "the host agent does not start"
	counts
	exit 1
fi
"$broch" policy init --soft >"$tmp/policy.toml"
p="--policy $tmp/policy.toml"

run platform
out_has '^brochd .* says:' 'platform --host'
run platform --json
json_ok 'd["host"].startswith("unix:") and {f["name"] for f in d["features"]} >= {"kvm", "process", "soft-snp"}' 'platform --host --json'

run deploy -q $p "$hello" there
expect 0 - "deploy"
out_is 'Hello, there, from inside a Keep!' deploy
run deploy -q $p "$guests/status.wasm" 7
expect 7 - "exit status"
run deploy -q $p "$guests/status.wasm" trap
expect 134 trapped "trap"
# Where the time goes; a second Keep, for which the host agent knows what the first one found out.
run deploy -q --json --timings $p "$hello"
tail -n 1 "$tmp/err" >"$tmp/out"
json_ok 'all(d["timings"][k] > 0 for k in "agent keep handshake evidence verify deliver run".split())' "deploy --timings: steps"
json_ok 'd["timings"]["keep_says"]["load"] > 0 and "end" not in d["timings"]' "deploy --timings: the Keep's"
run deploy -d --timings $p "$hello"
expect 125 'detach' "--timings needs the end"
run deploy --show-chain $p "$hello"
for link in root 'platform key' report measurement handshake module; do
	if grep -q "^✓ $link " "$tmp/err"; then good; else bad "the chain lacks '$link'"; fi
done
mkdir -p "$XDG_CONFIG_HOME/broch"
cp "$tmp/policy.toml" "$XDG_CONFIG_HOME/broch/"
run deploy -q "$hello"
expect 0 - "the standard policy file"
status=0
head -c 500000 /dev/zero | timeout 60 "$broch" deploy -q "$guests/status.wasm" sum >"$tmp/out" 2>"$tmp/err" || status=$?
out_is '500000 bytes, sum 0' "standard input"

# What the policy does not accept is refused, and nothing is sent: the host sees no module-sized upload.
printf 'tee = ["snp"]\nmeasurements = ["shipped"]\n[snp]\nproducts = ["Milan"]\n[snp.minimum_tcb]\nboot_loader = 0\ntee = 0\nsnp = 0\nmicrocode = 0\n' >"$tmp/snp.toml"
run deploy --policy "$tmp/snp.toml" "$hello"
if [ "$status" -eq 3 ] && grep -q 'refused' "$tmp/err" && [ ! -s "$tmp/out" ]; then good
elif [ "$status" -eq 125 ] && grep -q 'snp.toml' "$tmp/err"; then skipped "the policy for SNP needs more: $(cat "$tmp/err")"
else bad "a soft TEE under a policy for real ones: $status"; fi
sed "s/\"shipped\"/\"$(printf '%096d' 0)\"/" "$tmp/policy.toml" >"$tmp/other.toml"
run deploy --policy "$tmp/other.toml" "$hello"
expect 3 'refused: measurement' "another measurement"
if [ -s "$tmp/out" ]; then bad "output of a refused Keep"; else good; fi
run deploy --show-chain --policy "$tmp/other.toml" "$hello"
if [ "$status" -eq 3 ] && grep -q '^✗ measurement' "$tmp/err"; then good; else bad "the chain does not show where it breaks"; fi
run ps -q
out_is '' "a refused Keep does not stay"
sed 's/^memory = .*/memory = "32MiB"/' "$tmp/policy.toml" >"$tmp/small.toml"
run deploy --policy "$tmp/small.toml" --memory 64MiB "$hello"
expect 125 '--memory 64MiB: the policy allows less' "limits of the policy"

run deploy -q $p --evidence "$tmp/quick.evidence" "$hello" quick
expect 0 - "deploy --evidence"
run verify $p "$tmp/quick.evidence"
if [ "$status" -eq 0 ]; then good; else bad "evidence of a workload that is over at once"; fi

# Detached.
run deploy -q -d --name first $p --evidence "$tmp/first.evidence" "$hello" detached
expect 0 - "deploy -d"
id=$(cat "$tmp/out")
if echo "$id" | grep -Eq '^[0-9a-f]{12}$'; then good; else bad "deploy -d prints an id"; fi
run deploy -q -d --name first $p "$hello"
expect 125 'name first is taken' "a name twice"
run deploy --json -d --name second $p "$guests/wait.wasm"
json_ok 'd["schema"] == "broch.deployed/1" and d["name"] == "second" and len(d["id"]) == 12' "deploy -d --json"
for name in first "$id" "$(echo "$id" | cut -c 1-8)"; do
	run logs -q "$name"
	expect 0 - "logs $name"
	out_is 'Hello, detached, from inside a Keep!' "logs $name"
done
run ps
out_has "^$id  first  " ps
run ps --json
json_ok 'isinstance(d, list) and {k["name"] for k in d} == {"first", "second"} and all(k["schema"] == "broch.keep/1" for k in d)' 'ps --json'
run inspect --json first
json_ok 'd["schema"] == "broch.inspect/1" and d["record"]["name"] == "first" and d["host"]["id"] == d["record"]["id"]' 'inspect --json'
if grep -q "$(sha256sum <"$hello" | cut -d ' ' -f 1)" "$tmp/out"; then good; else bad "inspect lacks the module's digest"; fi
run inspect -q --evidence "$tmp/again.evidence" first
expect 0 - "inspect --evidence"
for e in first again; do
	run verify $p "$tmp/$e.evidence"
	if [ "$status" -eq 0 ]; then good; else bad "verify does not accept $e.evidence"; fi
	run verify --policy "$tmp/other.toml" "$tmp/$e.evidence"
	if [ "$status" -eq 3 ]; then good; else bad "verify accepts $e.evidence under another measurement"; fi
done
python3 - "$tmp/first.evidence" "$tmp/bent.evidence" <<'E'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 3] ^= 1
open(sys.argv[2], "wb").write(b)
E
run verify $p "$tmp/bent.evidence"
if [ "$status" -ne 0 ]; then good; else bad "verify accepts bent evidence"; fi
wrong 1 "cannot create a file" inspect -q --evidence "$tmp/no/where" first
run wait -q first
expect 0 - "wait"
if until_true 100 sh -c "! '$broch' ps -q | grep -q $id"; then good; else bad "a Keep whose end was collected goes on"; fi
wrong 1 'has ended' logs -q first
wrong 1 'still runs; stop it first' rm second
run stop second
expect 0 - "stop"
run stop second
expect 0 - "stop again"
run rm second first
expect 0 - "rm"
wrong 1 'no Keep has this id or name' rm second
run rm -f second
expect 0 - "rm -f of what is not there"
run ps -a -q
# shellcheck disable=SC2046 # ids have no spaces
if grep -q . "$tmp/out"; then "$broch" rm -q $(cat "$tmp/out"); fi
run ps -a -q
out_is '' "nothing is left"
find "$XDG_STATE_HOME/broch/deployed" -type f >"$tmp/out"
if [ -s "$tmp/out" ]; then bad "records are left"; else good; fi

# A secret that is not ours, a record that is none.
run deploy -q -d --name mine $p "$guests/wait.wasm"
id=$(cat "$tmp/out")
record=$XDG_STATE_HOME/broch/deployed/$id.json
if [ "$(stat -c %a "$record")" = 600 ]; then good; else bad "the record can be read by others"; fi
sed -i 's/"secret": "[0-9a-f]\{4\}/"secret": "0000/' "$record"
wrong 1 'not the owner' logs -q mine
echo '{}' >"$record"
wrong 1 'was not deployed from here' logs -q mine
run rm -q -f mine
expect 0 - "rm -f"
rm -f "$XDG_STATE_HOME"/broch/deployed/*

# Follow, and the interrupt that ends only the following.
run deploy -q -d --name long $p "$guests/spin.wasm"
: >"$tmp/out"
timeout 60 "$broch" logs -q -f long >"$tmp/out" 2>"$tmp/err" </dev/null &
watch=$!
if until_true 200 grep -q started "$tmp/out"; then good; else bad "logs -f"; fi
pkill -INT -P $watch -x broch
status=0
wait $watch || status=$?
expect 130 - "logs -f interrupted"
run ps
out_has ' long  ' "the workload goes on"
timeout 60 "$broch" wait -q long >"$tmp/out" 2>"$tmp/err" </dev/null &
watch=$!
if until_true 100 sh -c "'$broch' ps | grep -q 'long .* attached'"; then good; else bad "wait does not attach"; fi
wrong 1 'no Keep has this id or name' stop nobody-of-this-name
timeout 60 "$broch" stop -q long >/dev/null
status=0
wait $watch || status=$?
if [ "$status" -ne 0 ] && [ -s "$tmp/err" ]; then good; else bad "wait for a workload that the host killed: $status"; fi
run rm -f long

# The host agent ends: its Keeps are gone, the client says so.
run deploy -q -d --name orphan $p "$guests/wait.wasm"
kill "$agent"
wait "$agent" 2>/dev/null
children=
wrong 1 'no host agent listens' ps
wrong 125 'no host agent listens' deploy -q $p "$hello"
wrong 1 'no host agent listens' logs -q orphan
if until_true 100 no_keepers; then good; else bad "keepers are left"; fi
counts
