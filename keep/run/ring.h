/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of a workload nobody watches: the last RING_SIZE bytes of it, in pieces that remember their stream. Old
 * pieces make room for new ones; readers keep a position and learn how much they missed.
 */
#ifndef BROCH_KEEP_RING_H
#define BROCH_KEEP_RING_H

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum { RING_SIZE = 1 << 20, RING_PIECE_MAX = 32 << 10 };

struct ring { /* private; positions count all bytes ever put, headers included, and never wrap */
	uint8_t *bytes;
	uint64_t first, end;
	uint64_t first_output, output; /* bytes of output before `first`, and of all */
};

struct ring_reader {
	uint64_t at;
	uint64_t output; /* bytes of output before `at` */
};

MUST_USE enum err ring_alloc(struct ring *r, struct arena *a);
/* size <= RING_PIECE_MAX */
void ring_put(struct ring *r, uint8_t stream, struct slice data);
struct ring_reader ring_oldest(const struct ring *r);
struct ring_reader ring_newest(const struct ring *r);
/*
 * The next piece, copied out; false: no more. *missed is how many bytes of output were dropped before this piece.
 */
bool ring_next(const struct ring *r, struct ring_reader *reader, uint8_t *stream, uint8_t out[static RING_PIECE_MAX],
	       size_t *size, uint64_t *missed);

#endif
