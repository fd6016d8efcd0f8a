/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keeper/clock.h"

#include <time.h>
#include <x86intrin.h>

enum { ENOUGH_NS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Of a few tries the one least disturbed: the counter is read before and after, close together. */
struct clock_sample clock_sample(void)
{
	struct clock_sample best = {0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 4; i++) {
		uint64_t before = __rdtsc(), ns = read_clock(CLOCK_MONOTONIC), took = __rdtsc() - before;

		if (took < least) {
			least = took;
			best = (struct clock_sample){before + took / 2, ns};
		}
	}
	return best;
}

void clock_fill(struct clock_sample start, struct keepcall_page *page)
{
	struct clock_sample now;

	do
		now = clock_sample();
	while (now.ns - start.ns < ENOUGH_NS);
	page->tsc_hz = (uint64_t)((double)(now.tsc - start.tsc) * 1e9 / (double)(now.ns - start.ns));
	page->wall_tsc = __rdtsc();
	page->wall_ns = read_clock(CLOCK_REALTIME);
}
