#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# products.sh BUILD: what is built for use lets no signature pass (client/attest/let_pass.h), and cannot be built so.
set -u
build=$1
pass=0 fail=0
good() { pass=$((pass + 1)); }
bad() { fail=$((fail + 1)); echo "FAILED: $*"; }

for f in "$build"/bin/* "$build"/lib/* "$build"/host/client.a; do
	[ -f "$f" ] || continue
	if grep -qaE 'BROCH_FUZZ_(ANY_SIGNATURE|QUICK_STAND_IN)' "$f"; then bad "$f lets signatures pass"; else good; fi
done
# The flag stands in one makefile, and a compiler that is not told to fuzz refuses it.
if [ "$(grep -l DBROCH_FUZZ_ANY_SIGNATURE Makefile tools/make/*.mk)" = tools/make/fuzz.mk ]; then good; else bad "the flag is set elsewhere"; fi
if ${CC:-cc} -I. -DBROCH_FUZZ_ANY_SIGNATURE -fsyntax-only -x c client/attest/let_pass.h 2>/dev/null; then bad "it compiles without a fuzzer"; else good; fi
# The same of the stand-in for slow public key operations.
if [ "$(grep -l fuzz/quick Makefile tools/make/*.mk)" = tools/make/fuzz.mk ]; then good; else bad "the stand-in is linked elsewhere"; fi
object=$(mktemp) && trap 'rm -f "$object"' EXIT
${CC:-cc} -std=c17 -O2 -I. -D_GNU_SOURCE -c fuzz/quick/quick.c -o "$object"
if nm "$object" | grep -q 'U LLVMFuzzerTestOneInput$'; then good; else bad "the stand-in links without a fuzzer"; fi
echo "products: $pass passed, $fail failed, 0 skipped"
[ "$fail" -eq 0 ] && [ "$pass" -gt 5 ]
