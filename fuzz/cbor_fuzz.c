/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the reader takes, the writer writes again to the very same bytes. */
#include "lib/cbor/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err copy_scalar(struct reader *r, struct writer *w, uint8_t major)
{
	struct slice s;
	uint64_t v;
	bool b;

	switch (major) {
	case 0: TRY(cbor_uint(r, &v)); return cbor_put_uint(w, v);
	case 2: TRY(cbor_bytes(r, &s)); return cbor_put_bytes(w, s);
	case 3: TRY(cbor_text(r, &s)); return cbor_put_text(w, s);
	case 7: TRY(cbor_bool(r, &b)); return cbor_put_bool(w, b);
	default: return ERR_UNSUPPORTED;
	}
}

static enum err copy(struct reader *r, struct writer *w, unsigned depth);

static enum err copy_map(struct reader *r, struct writer *w, unsigned depth)
{
	struct cbor_map m;
	uint64_t key;

	TRY(cbor_map(r, &m));
	TRY(cbor_put_map(w, m.left));
	while (m.left > 0) {
		TRY(cbor_key_uint(r, &m, &key));
		TRY(cbor_put_uint(w, key));
		TRY(copy(r, w, depth + 1));
	}
	return OK;
}

static enum err copy(struct reader *r, struct writer *w, unsigned depth)
{
	struct reader peek = *r;
	uint8_t first;
	size_t count;

	if (depth > CBOR_DEPTH_MAX)
		return ERR_LIMIT;
	TRY(rd_u8(&peek, &first));
	if (first >> 5 == 5)
		return copy_map(r, w, depth);
	if (first >> 5 != 4)
		return copy_scalar(r, w, first >> 5);
	TRY(cbor_array(r, &count));
	TRY(cbor_put_array(w, count));
	for (size_t i = 0; i < count; i++)
		TRY(copy(r, w, depth + 1));
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_of(slice_of(data, size)), skip = r;
	uint8_t *out = malloc(size + 1);
	struct writer w = wr_of(out, size + 1);
	enum err skipped = cbor_skip(&skip);

	if (copy(&r, &w, 0) == OK) {
		CHECK(wr_used(&w) == rd_offset(&r) && (wr_used(&w) == 0 || memcmp(out, data, wr_used(&w)) == 0));
		CHECK(skipped == ERR_LIMIT || (skipped == OK && rd_offset(&skip) == rd_offset(&r)));
	}
	free(out);
	return 0;
}
