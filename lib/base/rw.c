/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rw.h"

struct reader rd_of(struct slice in)
{
	/* An empty input may come with a NULL pointer, on which no arithmetic is defined. */
	static const uint8_t empty;
	const uint8_t *p = in.size == 0 ? &empty : in.data;

	return (struct reader){p, p + in.size, p};
}

enum err rd_bytes(struct reader *r, size_t size, struct slice *out)
{
	if (size > rd_left(r))
		return ERR_TRUNCATED;
	*out = slice_of(r->at, size);
	r->at += size;
	return OK;
}

enum err rd_copy(struct reader *r, void *out, size_t size)
{
	struct slice s;

	TRY(rd_bytes(r, size, &s));
	if (size > 0)
		memcpy(out, s.data, size);
	return OK;
}

enum err rd_skip(struct reader *r, size_t size)
{
	struct slice s;

	return rd_bytes(r, size, &s);
}

enum err rd_sub(struct reader *r, size_t size, struct reader *out)
{
	struct slice s;
	const uint8_t *begin = r->begin;

	TRY(rd_bytes(r, size, &s));
	*out = (struct reader){s.data, s.data + s.size, begin};
	return OK;
}

enum err rd_zero(struct reader *r, size_t size)
{
	struct reader ahead = *r;
	struct slice s;

	TRY(rd_bytes(&ahead, size, &s));
	for (size_t i = 0; i < size; i++)
		if (s.data[i] != 0)
			return ERR_FORMAT;
	*r = ahead;
	return OK;
}

enum err rd_end(const struct reader *r)
{
	return r->at == r->end ? OK : ERR_TRAILING;
}

enum err rd_u8(struct reader *r, uint8_t *out)
{
	return rd_copy(r, out, 1);
}

static enum err rd_le(struct reader *r, unsigned size, uint64_t *out)
{
	struct slice s;
	uint64_t v = 0;

	TRY(rd_bytes(r, size, &s));
	for (unsigned i = size; i-- > 0;)
		v = v << 8 | s.data[i];
	*out = v;
	return OK;
}

static enum err rd_be(struct reader *r, unsigned size, uint64_t *out)
{
	struct slice s;
	uint64_t v = 0;

	TRY(rd_bytes(r, size, &s));
	for (unsigned i = 0; i < size; i++)
		v = v << 8 | s.data[i];
	*out = v;
	return OK;
}

enum err rd_u16le(struct reader *r, uint16_t *out)
{
	uint64_t v;

	TRY(rd_le(r, 2, &v));
	*out = (uint16_t)v;
	return OK;
}

enum err rd_u32le(struct reader *r, uint32_t *out)
{
	uint64_t v;

	TRY(rd_le(r, 4, &v));
	*out = (uint32_t)v;
	return OK;
}

enum err rd_u64le(struct reader *r, uint64_t *out)
{
	return rd_le(r, 8, out);
}

enum err rd_u16be(struct reader *r, uint16_t *out)
{
	uint64_t v;

	TRY(rd_be(r, 2, &v));
	*out = (uint16_t)v;
	return OK;
}

enum err rd_u32be(struct reader *r, uint32_t *out)
{
	uint64_t v;

	TRY(rd_be(r, 4, &v));
	*out = (uint32_t)v;
	return OK;
}

enum err rd_u64be(struct reader *r, uint64_t *out)
{
	return rd_be(r, 8, out);
}

struct writer wr_of(void *out, size_t size)
{
	uint8_t *p = out;

	return (struct writer){p, p + size, p};
}

size_t wr_used(const struct writer *w)
{
	return (size_t)(w->at - w->begin);
}

struct slice wr_slice(const struct writer *w)
{
	return slice_of(w->begin, wr_used(w));
}

enum err wr_bytes(struct writer *w, struct slice s)
{
	if (s.size > (size_t)(w->end - w->at))
		return ERR_SPACE;
	if (s.size > 0)
		memcpy(w->at, s.data, s.size);
	w->at += s.size;
	return OK;
}

enum err wr_zero(struct writer *w, size_t size)
{
	if (size > (size_t)(w->end - w->at))
		return ERR_SPACE;
	memset(w->at, 0, size);
	w->at += size;
	return OK;
}

static enum err wr_le(struct writer *w, uint64_t v, unsigned size)
{
	uint8_t b[8];

	for (unsigned i = 0; i < size; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	return wr_bytes(w, slice_of(b, size));
}

static enum err wr_be(struct writer *w, uint64_t v, unsigned size)
{
	uint8_t b[8];

	for (unsigned i = 0; i < size; i++)
		b[size - 1 - i] = (uint8_t)(v >> 8 * i);
	return wr_bytes(w, slice_of(b, size));
}

enum err wr_u8(struct writer *w, uint8_t v)
{
	return wr_bytes(w, slice_of(&v, 1));
}

enum err wr_u16le(struct writer *w, uint16_t v)
{
	return wr_le(w, v, 2);
}

enum err wr_u32le(struct writer *w, uint32_t v)
{
	return wr_le(w, v, 4);
}

enum err wr_u64le(struct writer *w, uint64_t v)
{
	return wr_le(w, v, 8);
}

enum err wr_u16be(struct writer *w, uint16_t v)
{
	return wr_be(w, v, 2);
}

enum err wr_u32be(struct writer *w, uint32_t v)
{
	return wr_be(w, v, 4);
}

enum err wr_u64be(struct writer *w, uint64_t v)
{
	return wr_be(w, v, 8);
}
