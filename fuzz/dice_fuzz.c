/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as tagged evidence of a certificate: what is read lies inside the input, and a refusal says why. */
#include "lib/attest/dice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size == 0 || (s.data >= data && s.data + s.size <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dice_evidence e;
	struct note n = {""};

	if (dice_evidence_read(slice_of(data, size), &e, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	CHECK(e.key_hash.size == (e.hash == DICE_SHA256 ? 32 : e.hash == DICE_SHA384 ? 48 : 64));
	inside(e.quote, data, size);
	inside(e.claims, data, size);
	inside(e.key_hash, data, size);
	inside(e.nonce, data, size);
	return 0;
}
