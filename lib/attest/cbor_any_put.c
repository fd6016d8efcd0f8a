/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cbor_any.h"

#include "lib/cbor/cbor.h"

enum { HEAD_MAX = 9, MAJOR_NEGATIVE = 1, MAJOR_TAG = 6, MAJOR_SHIFT = 5 };

/* The head of a whole number, with another major type. */
static enum err put_head(struct writer *w, unsigned major, uint64_t v)
{
	uint8_t head[HEAD_MAX];
	struct writer h = wr_of(head, sizeof head);

	TRY(cbor_put_uint(&h, v));
	head[0] = (uint8_t)(head[0] | major << MAJOR_SHIFT);
	return wr_bytes(w, wr_slice(&h));
}

enum err cbor_any_put_tag(struct writer *w, uint64_t tag)
{
	return put_head(w, MAJOR_TAG, tag);
}

enum err cbor_any_put_int(struct writer *w, int64_t v)
{
	return v >= 0 ? cbor_put_uint(w, (uint64_t)v) : put_head(w, MAJOR_NEGATIVE, (uint64_t)(-1 - v));
}
