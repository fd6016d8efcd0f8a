/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/clock.h"

#include "keep/call/call.h"
#include "keep/call/cpu.h"

#define SECOND UINT64_C(1000000000)
#define HZ_LEAST UINT64_C(100000000)
#define HZ_MOST UINT64_C(16000000000) /* so that a second's rest times 10^9 fits into 64 bits */
#define HZ_GUESS UINT64_C(2000000000)
enum { SAMPLE_NS = 10000000 };

static bool plausible(uint64_t hz)
{
	return hz >= HZ_LEAST && hz <= HZ_MOST;
}

/* Without a hint: how far does the counter get while the host says that 10 ms go by? */
static uint64_t measure(void)
{
	uint64_t from_ns, to_ns, from = cpu_tsc(), ticks;
	size_t ready;

	if (call_time(&from_ns) != OK || call_wait(NULL, 0, SAMPLE_NS, &ready) != OK || call_time(&to_ns) != OK)
		return 0;
	ticks = cpu_tsc() - from;
	if (to_ns <= from_ns || ticks > UINT64_MAX / SECOND)
		return 0;
	return ticks * SECOND / (to_ns - from_ns);
}

void clock_init(struct clock *c)
{
	uint64_t hz = call_hints().tsc_hz;

	if (!plausible(hz))
		hz = measure();
	if (!plausible(hz))
		hz = HZ_GUESS;
	*c = (struct clock){.hz = hz, .start = cpu_tsc()};
	c->last = c->start;
}

uint64_t clock_monotonic(struct clock *c)
{
	uint64_t now = cpu_tsc(), ticks;

	if (now > c->last) /* else the counter was set back, by a migration or a liar */
		c->last = now;
	ticks = c->last - c->start;
	return ticks / c->hz * SECOND + ticks % c->hz * SECOND / c->hz;
}

uint64_t clock_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return add_overflows(a, b, &sum) ? CLOCK_NEVER : sum;
}

void clock_set_wall(struct clock *c, uint64_t wall_ns)
{
	c->wall_ns = wall_ns;
	c->wall_at = clock_monotonic(c);
}

uint64_t clock_wall(struct clock *c)
{
	return clock_add(c->wall_ns, clock_monotonic(c) - c->wall_at);
}
