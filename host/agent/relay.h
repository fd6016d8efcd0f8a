/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session bytes between a client and its keeper where the keeper cannot have the connection itself: TLS ends here. Each
 * direction holds at most RELAY_BUFFER bytes or little more; a side that does not read stops the other from sending.
 */
#ifndef BROCH_HOST_AGENT_RELAY_H
#define BROCH_HOST_AGENT_RELAY_H

#include "host/agent/keep.h"

struct bufferevent;

enum { RELAY_BUFFER = 256 * 1024 };

struct relays {
	TAILQ_HEAD(relay_list, relay) list;
};

/* Takes bev on success only; bytes it has read already go first. */
MUST_USE enum err relay_start(struct relays *all, struct event_base *base, struct bufferevent *bev, struct keep *k);
void relays_free(struct relays *all);

#endif
