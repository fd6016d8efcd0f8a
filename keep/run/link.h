/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: a session on a channel, with the bytes that are under way. Nothing here blocks. */
#ifndef BROCH_KEEP_LINK_H
#define BROCH_KEEP_LINK_H

#include "keep/call/call.h"
#include "lib/base/arena.h"
#include "lib/session/session.h"

enum { LINK_BUFFER = KEEPCALL_WINDOW_SIZE };

struct link {
	bool open;
	bool closing;          /* nothing is read any more; closed when all is sent and the client is gone, or at the deadline */
	bool gone;             /* the wire is dead */
	uint32_t channel;
	uint64_t deadline;     /* monotonic: when patience ends, CLOCK_NEVER: never */
	struct session *session;
	uint8_t *in, *out;     /* LINK_BUFFER each */
	size_t in_at, in_size, out_at, out_size;
};

/* Memory for one link; it is used again by each connection. */
MUST_USE enum err link_alloc(struct link *l, struct arena *a);
MUST_USE enum err link_open(struct link *l, uint32_t channel);
/* Wipes the session and everything decrypted. */
void link_close(struct link *l);
/* Is there room for one more message of any size? Until there is, no message is taken from the client either. */
bool link_room(struct link *l);
/* Seals a message into the buffer; the caller has asked for room. */
MUST_USE enum err link_put(struct link *l, enum session_type type, struct slice a, struct slice b);
bool link_pending(const struct link *l);
/* Sends what it can. ERR_AGAIN: some is left. Other errors: the wire is dead. */
MUST_USE enum err link_flush(struct link *l);
/* Takes what the wire has, if all before was used. ERR_AGAIN: nothing. */
MUST_USE enum err link_fill(struct link *l);
/* The next message; body valid until the next call. ERR_AGAIN: fill first, or no room. Answers the handshake itself. */
MUST_USE enum err link_next(struct link *l, enum session_type *type, struct slice *body);

#endif
