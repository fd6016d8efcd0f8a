/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/peers.h"

#include <string.h>

static void forgive(struct peer *p, uint64_t now_ms)
{
	uint64_t times = (now_ms - p->forgiven_ms) / PEER_FORGIVE_MS;

	p->failures = times >= p->failures ? 0 : p->failures - (unsigned)times;
	p->forgiven_ms += times * PEER_FORGIVE_MS;
}

/* The entry of this address, else a free one, else the one idle the longest that owes nothing, else the one idle the
 * longest. */
static struct peer *find(struct peers *p, const uint8_t address[static 16], uint64_t now_ms)
{
	struct peer *best = NULL;

	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *e = &p->at[i];

		if (e->used && memcmp(e->address, address, 16) == 0)
			return e;
		if (e->used && e->connections > 0)
			continue;
		if (e->used)
			forgive(e, now_ms);
		if (best == NULL || (best->used && !e->used) ||
		    (best->used == e->used &&
		     (best->failures > e->failures || (best->failures == e->failures && best->seen_ms > e->seen_ms))))
			best = e;
	}
	if (best != NULL) {
		*best = (struct peer){.used = true, .forgiven_ms = now_ms};
		memcpy(best->address, address, 16);
	}
	return best;
}

struct peer *peer_enter(struct peers *p, const uint8_t address[static 16], uint64_t now_ms)
{
	struct peer *e = find(p, address, now_ms);

	if (e == NULL || e->connections >= PEER_CONNECTIONS_MAX)
		return NULL;
	e->connections++;
	e->seen_ms = now_ms;
	return e;
}

void peer_leave(struct peer *p)
{
	p->connections--;
}

bool peer_blocked(struct peer *p, uint64_t now_ms)
{
	forgive(p, now_ms);
	return p->failures >= PEER_FAILURES_MAX;
}

void peer_failed(struct peer *p, uint64_t now_ms)
{
	forgive(p, now_ms);
	if (p->failures < PEER_FAILURES_MAX)
		p->failures++;
}
