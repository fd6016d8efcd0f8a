/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Nitro document: all that is read lies inside the input and within the limits the header promises. */
#include "lib/attest/nitro_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size == 0 || (s.data >= data && s.data + s.size <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[NITRO_DOC_SIZE_MAX + COSE_OVERHEAD_MAX];
	struct writer w = wr_of(bytes, sizeof bytes);
	struct nitro_doc d;
	struct note n = {""};

	if (nitro_doc_parse(slice_of(data, size), &d, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	CHECK(d.ca_count >= 1 && d.ca_count <= NITRO_CA_MAX && d.timestamp_ms > 0 && d.module_id.size > 0);
	CHECK(d.cose.signature.size == NITRO_SIGNATURE_SIZE);
	for (size_t i = 0; i < d.ca_count; i++)
		inside(d.cabundle[i], data, size);
	for (size_t i = 0; i < NITRO_PCR_COUNT; i++)
		inside(d.pcrs[i], data, size);
	inside(d.nonce, data, size);
	inside(d.user_data, data, size);
	inside(d.public_key, data, size);
	CHECK(cose_signed_bytes(&d.cose, &w) == OK); /* the overhead is as promised */
	return 0;
}
