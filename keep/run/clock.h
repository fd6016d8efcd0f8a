/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time in a Keep: monotonic from the CPU's time-stamp counter, wall time from the tenant. The host only hints at the
 * counter's frequency; a lie makes time run wrong in length, never backwards, and stays the same for the whole run.
 */
#ifndef BROCH_KEEP_CLOCK_H
#define BROCH_KEEP_CLOCK_H

#include "lib/base/attr.h"

#define CLOCK_NEVER UINT64_MAX

struct clock {
	uint64_t hz;
	uint64_t start, last;              /* counter values */
	uint64_t wall_ns, wall_at;         /* the tenant's clock, and the monotonic time when it was set */
};

void clock_init(struct clock *c);
uint64_t clock_monotonic(struct clock *c); /* ns since clock_init */
void clock_set_wall(struct clock *c, uint64_t wall_ns);
uint64_t clock_wall(struct clock *c);      /* ns since 1970; saturates */
/* a + b, or CLOCK_NEVER. */
uint64_t clock_add(uint64_t a, uint64_t b);

#endif
