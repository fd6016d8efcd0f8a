/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/delivery.h"

#include "lib/base/ct.h"
#include "lib/base/rw.h"
#include "lib/base/sha256.h"

/* From so many bytes on it pays to ask the CPU what it can. */
enum { MUCH = 256 << 10 };

enum err delivery_manifest(struct delivery *d, struct memory *m, struct slice piece, struct note *n)
{
	uint8_t *to;

	if (piece.size > MANIFEST_SIZE_MAX - d->bytes.size)
		return refuse(n, ERR_LIMIT, "the manifest is larger than 4 MiB");
	to = arena_alloc(&m->manifest, piece.size, 1); /* follows the piece before */
	if (to == NULL)
		return refuse(n, ERR_NOMEM, "the host gives no memory for the manifest");
	if (d->bytes.size == 0)
		d->bytes.data = to;
	if (piece.size > 0)
		memcpy(to, piece.data, piece.size);
	d->bytes.size += piece.size;
	return OK;
}

/* The files follow the modules, the secrets the files. */
static size_t first_file(const struct delivery *d)
{
	return 1 + d->manifest.library_count;
}

static size_t first_secret(const struct delivery *d)
{
	return first_file(d) + d->manifest.file_count;
}

static const struct manifest_blob *blob(const struct delivery *d, size_t i)
{
	const struct manifest *m = &d->manifest;

	if (i == 0)
		return &m->module;
	if (i < first_file(d))
		return &m->libraries[i - 1].blob;
	return i < first_secret(d) ? &m->files[i - first_file(d)].blob : &m->secrets[i - first_secret(d)].blob;
}

/* What is delivered is held in memory, so it counts like what the workload itself uses. */
static enum err charge(struct delivery *d, struct memory *m, struct note *n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < d->blob_count; i++)
		total += blob(d, i)->size; /* bounded by the manifest's maxima */
	d->fast = total >= MUCH && sha256_is_fast();
	m->limit = d->manifest.limits.memory_bytes != 0 ? d->manifest.limits.memory_bytes : MANIFEST_MEMORY_DEFAULT;
	m->used = 0;
	if (memory_charge(m, total) == OK)
		return OK;
	return refuse(n, ERR_LIMIT, "modules and files take %llu bytes, the memory limit is %llu: raise it",
		      (unsigned long long)total, (unsigned long long)m->limit);
}

/* Blobs without bytes are complete when it is their turn. */
static enum err finish_blobs(struct delivery *d, struct note *n)
{
	uint8_t sha256[32];

	while (d->current < d->blob_count && d->filled == blob(d, d->current)->size) {
		br_sha256_out(&d->sha, sha256);
		if (!ct_equal(sha256, blob(d, d->current)->sha256, sizeof sha256))
			return refuse(n, ERR_DIGEST, "blob %u is not what the manifest says: its SHA-256 differs",
				      (unsigned)d->current);
		br_sha256_init(&d->sha);
		d->current++;
		d->filled = 0;
	}
	return OK;
}

/* The first chunk says that the manifest is complete. */
static enum err parse(struct delivery *d, struct memory *m, struct note *n)
{
	br_sha256_context sha;

	if (d->parsed)
		return OK;
	d->heap_mark = m->heap.used;
	br_sha256_init(&sha);
	br_sha256_update(&sha, d->bytes.data, d->bytes.size);
	br_sha256_out(&sha, d->digest);
	TRY(manifest_decode(&m->heap, d->bytes, &d->manifest, n));
	d->parsed = true;
	d->blob_count = first_secret(d) + d->manifest.secret_count;
	TRY(charge(d, m, n));
	d->blobs = arena_many(&m->heap, d->blob_count, uint8_t *);
	if (d->blobs == NULL)
		return refuse(n, ERR_NOMEM, "the host gives no memory for the delivery");
	br_sha256_init(&d->sha);
	return finish_blobs(d, n);
}

/* The memory of a blob is taken when its first byte comes: a client that promises much and sends little costs little. */
static enum err begin_blob(struct delivery *d, struct memory *m, struct note *n)
{
	uint64_t size = blob(d, d->current)->size;

	if (d->filled > 0)
		return OK;
	d->blobs[d->current] = arena_alloc(&m->heap, (size_t)size, 16);
	if (d->blobs[d->current] == NULL)
		return refuse(n, ERR_NOMEM, "the host gives no memory for blob %u of %llu bytes", (unsigned)d->current,
			      (unsigned long long)size);
	return OK;
}

enum err delivery_chunk(struct delivery *d, struct memory *m, struct slice body, struct note *n)
{
	struct reader r = rd_of(body);
	struct slice bytes;
	uint32_t index;

	TRY(parse(d, m, n));
	if (rd_u32le(&r, &index) != OK || rd_left(&r) == 0)
		return refuse(n, ERR_FORMAT, "a chunk without bytes");
	if (index != d->current || d->current == d->blob_count)
		return refuse(n, ERR_STATE, "a chunk of blob %u where blob %u is due", (unsigned)index,
			      (unsigned)d->current);
	if (rd_left(&r) > blob(d, d->current)->size - d->filled)
		return refuse(n, ERR_RANGE, "blob %u is longer than the manifest says", (unsigned)index);
	TRY(begin_blob(d, m, n));
	TRY(rd_bytes(&r, rd_left(&r), &bytes));
	memcpy(d->blobs[d->current] + d->filled, bytes.data, bytes.size);
	sha256_update(&d->sha, d->fast, bytes);
	d->filled += bytes.size;
	return finish_blobs(d, n);
}

enum err delivery_complete(struct delivery *d, struct memory *m, struct note *n)
{
	TRY(parse(d, m, n));
	if (d->current < d->blob_count)
		return refuse(n, ERR_TRUNCATED, "start before blob %u of %u was complete", (unsigned)d->current,
			      (unsigned)d->blob_count);
	return OK;
}

void delivery_drop(struct delivery *d, struct memory *m)
{
	if (d->parsed)
		arena_release(&m->heap, d->heap_mark);
	if (d->bytes.size > 0)
		wipe(m->manifest.base, m->manifest.used);
	arena_release(&m->manifest, 0);
	*d = (struct delivery){0};
}

static struct slice delivered(const struct delivery *d, size_t i)
{
	return slice_of(d->blobs[i], (size_t)blob(d, i)->size);
}

struct slice delivery_module(const struct delivery *d, size_t i)
{
	CHECK(i < first_file(d));
	return delivered(d, i);
}

struct slice delivery_file(const struct delivery *d, size_t i)
{
	return delivered(d, first_file(d) + i);
}

struct slice delivery_secret(const struct delivery *d, size_t i)
{
	return delivered(d, first_secret(d) + i);
}

void delivery_forget_secrets(struct delivery *d)
{
	for (size_t i = first_secret(d); i < d->blob_count; i++)
		wipe(d->blobs[i], (size_t)blob(d, i)->size);
}
