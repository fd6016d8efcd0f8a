/* SPDX-License-Identifier: Apache-2.0 */
/* A piece is one byte for the stream, two for the size (little-endian), then the bytes; any of it may wrap around. */
#include "keep/run/ring.h"

enum { HEADER = 3 };

enum err ring_alloc(struct ring *r, struct arena *a)
{
	*r = (struct ring){.bytes = arena_alloc(a, RING_SIZE, 16)};
	return r->bytes != NULL ? OK : ERR_NOMEM;
}

static void copy_in(struct ring *r, uint64_t at, const uint8_t *from, size_t size)
{
	size_t offset = (size_t)(at % RING_SIZE);
	size_t first = size < RING_SIZE - offset ? size : RING_SIZE - offset;

	memcpy(r->bytes + offset, from, first);
	memcpy(r->bytes, from + first, size - first);
}

static void copy_out(const struct ring *r, uint64_t at, uint8_t *to, size_t size)
{
	size_t offset = (size_t)(at % RING_SIZE);
	size_t first = size < RING_SIZE - offset ? size : RING_SIZE - offset;

	memcpy(to, r->bytes + offset, first);
	memcpy(to + first, r->bytes, size - first);
}

static size_t piece_at(const struct ring *r, uint64_t at, uint8_t *stream)
{
	uint8_t h[HEADER];

	copy_out(r, at, h, HEADER);
	*stream = h[0];
	return (size_t)h[1] | (size_t)h[2] << 8;
}

static void drop_oldest(struct ring *r)
{
	uint8_t stream;
	size_t size = piece_at(r, r->first, &stream);

	r->first += HEADER + size;
	r->first_output += size;
}

void ring_put(struct ring *r, uint8_t stream, struct slice data)
{
	const uint8_t h[HEADER] = {stream, (uint8_t)data.size, (uint8_t)(data.size >> 8)};

	CHECK(data.size <= RING_PIECE_MAX);
	if (data.size == 0)
		return;
	while (r->end + HEADER + data.size - r->first > RING_SIZE)
		drop_oldest(r);
	copy_in(r, r->end, h, HEADER);
	copy_in(r, r->end + HEADER, data.data, data.size);
	r->end += HEADER + data.size;
	r->output += data.size;
}

struct ring_reader ring_oldest(const struct ring *r)
{
	return (struct ring_reader){r->first, 0}; /* what was dropped before counts as missed */
}

struct ring_reader ring_newest(const struct ring *r)
{
	return (struct ring_reader){r->end, r->output};
}

bool ring_next(const struct ring *r, struct ring_reader *reader, uint8_t *stream, uint8_t out[static RING_PIECE_MAX],
	       size_t *size, uint64_t *missed)
{
	if (reader->at == r->end)
		return false;
	if (reader->at < r->first)
		reader->at = r->first;
	*missed = 0;
	if (reader->at == r->first) {
		*missed = r->first_output - reader->output;
		reader->output = r->first_output;
	}
	*size = piece_at(r, reader->at, stream);
	copy_out(r, reader->at + HEADER, out, *size);
	reader->at += HEADER + *size;
	reader->output += *size;
	return true;
}
