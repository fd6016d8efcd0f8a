/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader that cannot pass its end and a writer that cannot overrun: no parser in Broch does pointer arithmetic.
 * A failed call leaves the reader or writer where it was. Readers are copied by value freely. All results of a reader
 * point into its input, which must outlive them. Reading past the end is ERR_TRUNCATED, a full writer is ERR_SPACE.
 */
#ifndef BROCH_BASE_RW_H
#define BROCH_BASE_RW_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct reader {
	const uint8_t *at, *end;   /* private */
	const uint8_t *begin;      /* private: offsets in messages count from here */
};

struct reader rd_of(struct slice in);

static inline size_t rd_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline size_t rd_offset(const struct reader *r)
{
	return (size_t)(r->at - r->begin);
}

MUST_USE enum err rd_u8(struct reader *r, uint8_t *out);
MUST_USE enum err rd_u16le(struct reader *r, uint16_t *out);
MUST_USE enum err rd_u32le(struct reader *r, uint32_t *out);
MUST_USE enum err rd_u64le(struct reader *r, uint64_t *out);
MUST_USE enum err rd_u16be(struct reader *r, uint16_t *out);
MUST_USE enum err rd_u32be(struct reader *r, uint32_t *out);
MUST_USE enum err rd_u64be(struct reader *r, uint64_t *out);
MUST_USE enum err rd_bytes(struct reader *r, size_t size, struct slice *out);
MUST_USE enum err rd_copy(struct reader *r, void *out, size_t size);
MUST_USE enum err rd_sub(struct reader *r, size_t size, struct reader *out); /* offsets go on counting from the outer begin */
MUST_USE enum err rd_skip(struct reader *r, size_t size);
MUST_USE enum err rd_zero(struct reader *r, size_t size);                     /* ERR_FORMAT unless all zero */
MUST_USE enum err rd_end(const struct reader *r);                             /* ERR_TRAILING unless consumed */

struct writer {
	uint8_t *at, *end;   /* private */
	uint8_t *begin;      /* private */
};

struct writer wr_of(void *out, size_t size);
size_t wr_used(const struct writer *w);
struct slice wr_slice(const struct writer *w); /* what has been written so far */
MUST_USE enum err wr_u8(struct writer *w, uint8_t v);
MUST_USE enum err wr_u16le(struct writer *w, uint16_t v);
MUST_USE enum err wr_u32le(struct writer *w, uint32_t v);
MUST_USE enum err wr_u64le(struct writer *w, uint64_t v);
MUST_USE enum err wr_u16be(struct writer *w, uint16_t v);
MUST_USE enum err wr_u32be(struct writer *w, uint32_t v);
MUST_USE enum err wr_u64be(struct writer *w, uint64_t v);
MUST_USE enum err wr_bytes(struct writer *w, struct slice s);
MUST_USE enum err wr_zero(struct writer *w, size_t size);

#endif
