/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of addresses as few sorted spans: which pages a Keep was granted. Its size is bounded, so a Keep that asks for
 * every other page runs into ERR_LIMIT, not into our memory.
 */
#ifndef BROCH_HOST_SPANS_H
#define BROCH_HOST_SPANS_H

#include "lib/base/err.h"

enum { SPANS_MAX = 256 };

struct spans { /* zero-initialised: empty. Fields are private. */
	struct span {
		uint64_t begin, end; /* ascending, with at least one address between two */
	} span[SPANS_MAX];
	size_t count;
};

/* How much of [begin, end) is not in the set yet; begin <= end. */
uint64_t spans_missing(const struct spans *s, uint64_t begin, uint64_t end);
/* ERR_LIMIT when it would take too many spans; the set is then as before. */
MUST_USE enum err spans_add(struct spans *s, uint64_t begin, uint64_t end);
/* ERR_RANGE unless [begin, end) is a whole span of the set. */
MUST_USE enum err spans_remove(struct spans *s, uint64_t begin, uint64_t end);

#endif
