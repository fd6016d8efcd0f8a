/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections and how many wrong credentials come from one network address (an IPv6 /64 counts as one)? A
 * table of fixed size: whoever has many addresses displaces only the entries that are idle the longest.
 */
#ifndef BROCH_HOST_AGENT_PEERS_H
#define BROCH_HOST_AGENT_PEERS_H

#include "lib/base/attr.h"

enum {
	PEERS_MAX = 1024,
	PEER_CONNECTIONS_MAX = 128, /* at once, from one address */
	PEER_FAILURES_MAX = 20,     /* wrong credentials before the address must wait; one is forgiven every ... */
	PEER_FORGIVE_MS = 3000,
};

struct peer {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d, IPv6 with the low half zero */
	bool used;
	unsigned connections, failures;
	uint64_t forgiven_ms, seen_ms;
};

struct peers {
	struct peer at[PEERS_MAX];
};

/* A new connection. NULL: too many from there, or the table is full of busy peers; refuse it. Else peer_leave it later.
 */
struct peer *peer_enter(struct peers *p, const uint8_t address[static 16], uint64_t now_ms);
void peer_leave(struct peer *p);
/* Has it failed so often that its credentials are not even looked at now? */
bool peer_blocked(struct peer *p, uint64_t now_ms);
void peer_failed(struct peer *p, uint64_t now_ms);

#endif
