/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/envelope.h"

#include "lib/cbor/cbor.h"

enum { VERSION = 1, TEE_NAME_MAX = 32, ITEM_NAME_MAX = 32 };

/* Both maps have all their keys 1, 2, 3... in order, so reading is: expect this key, then this value. */
static enum err expect_key(struct reader *r, struct cbor_map *m, uint64_t key)
{
	uint64_t got;

	if (m->left == 0)
		return ERR_TRUNCATED;
	TRY(cbor_key_uint(r, m, &got));
	return got == key ? OK : ERR_FORMAT;
}

static enum err read_version(struct reader *r, struct cbor_map *m)
{
	uint64_t version;

	TRY(expect_key(r, m, 1));
	TRY(cbor_uint(r, &version));
	return version == VERSION ? OK : ERR_VERSION;
}

static enum err read_bytes(struct reader *r, struct cbor_map *m, uint64_t key, struct slice *out)
{
	TRY(expect_key(r, m, key));
	return cbor_bytes(r, out);
}

static enum err read_tee(struct reader *r, struct cbor_map *m, struct slice *out)
{
	TRY(expect_key(r, m, 2));
	TRY(cbor_text(r, out));
	return out->size >= 1 && out->size <= TEE_NAME_MAX ? OK : ERR_RANGE;
}

static enum err read_collateral(struct reader *r, struct cbor_map *m, struct envelope *out)
{
	struct cbor_map items;

	TRY(expect_key(r, m, 4));
	TRY(cbor_map(r, &items));
	if (items.left > ENVELOPE_COLLATERAL_MAX)
		return ERR_LIMIT;
	for (out->collateral_count = 0; items.left > 0; out->collateral_count++) {
		struct envelope_item *item = &out->collateral[out->collateral_count];

		TRY(cbor_key_text(r, &items, &item->name));
		if (item->name.size > ITEM_NAME_MAX)
			return ERR_RANGE;
		TRY(cbor_bytes(r, &item->value));
	}
	return OK;
}

static enum err read_envelope(struct reader *r, struct envelope *out)
{
	struct cbor_map m;

	TRY(cbor_map(r, &m));
	TRY(read_version(r, &m));
	TRY(read_tee(r, &m, &out->tee));
	TRY(read_bytes(r, &m, 3, &out->evidence));
	TRY(read_collateral(r, &m, out));
	if (m.left > 0)
		return ERR_TRAILING;
	return rd_end(r);
}

enum err envelope_decode(struct slice in, struct envelope *out, struct note *n)
{
	struct reader r = rd_of(in);
	enum err err = in.size > ENVELOPE_SIZE_MAX ? ERR_LIMIT : read_envelope(&r, out);

	if (err == OK)
		return OK;
	return refuse(n, err, "evidence envelope, offset %llu: %s", (unsigned long long)rd_offset(&r), err_text(err));
}

static enum err write_collateral(struct writer *w, const struct envelope *e)
{
	TRY(cbor_put_uint(w, 4));
	TRY(cbor_put_map(w, e->collateral_count));
	for (size_t i = 0; i < e->collateral_count; i++) {
		TRY(cbor_put_text(w, e->collateral[i].name));
		TRY(cbor_put_bytes(w, e->collateral[i].value));
	}
	return OK;
}

static enum err put_keyed_bytes(struct writer *w, uint64_t key, struct slice s)
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_bytes(w, s);
}

static enum err write_envelope(struct writer *w, const struct envelope *e)
{
	TRY(cbor_put_map(w, 4));
	TRY(cbor_put_uint(w, 1));
	TRY(cbor_put_uint(w, VERSION));
	TRY(cbor_put_uint(w, 2));
	TRY(cbor_put_text(w, e->tee));
	TRY(put_keyed_bytes(w, 3, e->evidence));
	return write_collateral(w, e);
}

/* What was written is read back: a caller with unsorted or oversized items hears of it here, not from the verifier. */
enum err envelope_encode(const struct envelope *e, void *out, size_t capacity, size_t *size)
{
	struct writer w = wr_of(out, capacity);
	struct envelope back;

	if (e->collateral_count > ENVELOPE_COLLATERAL_MAX)
		return ERR_LIMIT;
	TRY(write_envelope(&w, e));
	TRY(envelope_decode(wr_slice(&w), &back, NULL));
	*size = wr_used(&w);
	return OK;
}

static enum err read_workload_file(struct reader *r, struct workload_file *out)
{
	struct cbor_map m;

	TRY(cbor_map(r, &m));
	TRY(read_version(r, &m));
	TRY(read_bytes(r, &m, 2, &out->envelope));
	TRY(read_bytes(r, &m, 3, &out->hash));
	TRY(read_bytes(r, &m, 4, &out->manifest));
	TRY(read_bytes(r, &m, 5, &out->signing_key));
	TRY(read_bytes(r, &m, 6, &out->nonce));
	if (m.left > 0)
		return ERR_TRAILING;
	return rd_end(r);
}

enum err workload_file_decode(struct slice in, struct workload_file *out, struct note *n)
{
	struct reader r = rd_of(in);
	enum err err = read_workload_file(&r, out);

	if (err == OK)
		return OK;
	return refuse(n, err, "workload evidence file, offset %llu: %s", (unsigned long long)rd_offset(&r),
		      err_text(err));
}

enum err workload_file_encode(const struct workload_file *f, void *out, size_t capacity, size_t *size)
{
	const struct slice parts[] = {f->envelope, f->hash, f->manifest, f->signing_key, f->nonce};
	struct writer w = wr_of(out, capacity);

	TRY(cbor_put_map(&w, 1 + ARRAY_COUNT(parts)));
	TRY(cbor_put_uint(&w, 1));
	TRY(cbor_put_uint(&w, VERSION));
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
		TRY(put_keyed_bytes(&w, 2 + i, parts[i]));
	*size = wr_used(&w);
	return OK;
}
