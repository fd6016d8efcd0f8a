/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/sgx.h"

#include "lib/base/rw.h"

enum { RECORD_SIZE = 64, CHUNK_SIZE = 256, TAG_SIZE = 8 };

static const char create_tag[] = "ECREATE", add_tag[] = "EADD\0\0\0", extend_tag[] = "EEXTEND", unmeasured_tag[] = "UNMEASRD";

static enum err head(struct writer *w, const char tag[static TAG_SIZE])
{
	return wr_bytes(w, slice_of(tag, TAG_SIZE));
}

static void record(struct sgx_measure *m, struct writer *w, uint8_t *bytes)
{
	CHECK(wr_zero(w, RECORD_SIZE - wr_used(w)) == OK);
	sha256_update(&m->hash, m->fast, slice_of(bytes, RECORD_SIZE));
}

enum err sgx_measure_begin(struct sgx_measure *m, uint64_t size, uint32_t ssa_frame_size)
{
	uint8_t bytes[RECORD_SIZE];
	struct writer w = wr_of(bytes, sizeof bytes);

	if (size < SGX_PAGE_SIZE || (size & (size - 1)) != 0 || ssa_frame_size == 0)
		return ERR_RANGE;
	*m = (struct sgx_measure){.size = size, .fast = sha256_is_fast()};
	br_sha256_init(&m->hash);
	TRY(head(&w, create_tag));
	TRY(wr_u32le(&w, ssa_frame_size));
	TRY(wr_u64le(&w, size));
	record(m, &w, bytes);
	return OK;
}

static enum err add(struct sgx_measure *m, uint64_t offset, uint64_t flags)
{
	uint8_t bytes[RECORD_SIZE];
	struct writer w = wr_of(bytes, sizeof bytes);

	TRY(head(&w, add_tag));
	TRY(wr_u64le(&w, offset));
	TRY(wr_u64le(&w, flags)); /* the first of SECINFO's 48 measured bytes; the others are reserved */
	record(m, &w, bytes);
	return OK;
}

static enum err extend(struct sgx_measure *m, uint64_t offset, const uint8_t *chunk)
{
	uint8_t bytes[RECORD_SIZE];
	struct writer w = wr_of(bytes, sizeof bytes);

	TRY(head(&w, extend_tag));
	TRY(wr_u64le(&w, offset));
	record(m, &w, bytes);
	sha256_update(&m->hash, m->fast, slice_of(chunk, CHUNK_SIZE));
	return OK;
}

enum err sgx_measure_page(struct sgx_measure *m, uint64_t offset, uint64_t flags, const uint8_t *content)
{
	if (offset % SGX_PAGE_SIZE != 0 || offset > m->size - SGX_PAGE_SIZE)
		return ERR_RANGE;
	TRY(add(m, offset, flags));
	for (size_t at = 0; content != NULL && at < SGX_PAGE_SIZE; at += CHUNK_SIZE)
		TRY(extend(m, offset + at, content + at));
	return OK;
}

void sgx_measure_end(const struct sgx_measure *m, uint8_t mrenclave[static SGX_MRENCLAVE_SIZE])
{
	br_sha256_out(&m->hash, mrenclave);
}

/* How many bytes stand behind a record's head, and do they count? */
static const struct stream_record {
	const char *tag;
	size_t size;
	bool counts, first;
} records[] = {
	{create_tag, RECORD_SIZE, true, true},
	{add_tag, RECORD_SIZE, true, false},
	{extend_tag, RECORD_SIZE + CHUNK_SIZE, true, false},
	{unmeasured_tag, RECORD_SIZE + CHUNK_SIZE, false, false},
};

static const struct stream_record *record_of(const struct reader *r)
{
	struct reader ahead = *r;
	struct slice tag;

	if (rd_bytes(&ahead, TAG_SIZE, &tag) != OK)
		return NULL;
	for (size_t i = 0; i < ARRAY_COUNT(records); i++)
		if (memcmp(records[i].tag, tag.data, TAG_SIZE) == 0)
			return &records[i];
	return NULL;
}

enum err sgx_measure_stream(struct slice sgxs, uint8_t mrenclave[static SGX_MRENCLAVE_SIZE], struct note *n)
{
	struct reader r = rd_of(sgxs);
	br_sha256_context hash;
	const bool fast = sha256_is_fast();

	br_sha256_init(&hash);
	do {
		const struct stream_record *k = record_of(&r);
		const size_t at = rd_offset(&r);
		struct slice bytes;

		if (k == NULL || k->first != (at == 0))
			return refuse(n, ERR_FORMAT, "SGX stream, offset %llu: no record of an enclave's building belongs here",
				      (unsigned long long)at);
		if (rd_bytes(&r, k->size, &bytes) != OK)
			return refuse(n, ERR_TRUNCATED, "SGX stream: it ends inside the record at offset %llu", (unsigned long long)at);
		if (k->counts)
			sha256_update(&hash, fast, bytes);
	} while (rd_left(&r) > 0);
	br_sha256_out(&hash, mrenclave);
	return OK;
}
