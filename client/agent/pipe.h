/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encrypted session with one Keep: a wire, a struct session and two bounded buffers. The host in between can only
 * cut it. Blocking calls have the place's time-out and end with ERR_STOPPED when the user interrupts.
 *
 * ERR_CLOSED: cut between two records. ERR_TRUNCATED: cut inside one. ERR_TIMEOUT. ERR_STOPPED. Anything else: a record
 * was not what the Keep sent, and the session is dead. The note says which in words.
 */
#ifndef BROCH_AGENT_PIPE_H
#define BROCH_AGENT_PIPE_H

#include "client/agent/place.h"
#include "lib/session/messages.h"

struct pipe; /* heap */

/* Opens the byte pipe at the host (its errors are the place's) and shakes hands with whoever is in there: nothing is known
 * about them yet. ERR_REFUSED: the handshake did not come about. */
MUST_USE enum err pipe_open(struct place *p, const char *id, struct pipe **out, struct note *n);
void pipe_close(struct pipe *p); /* takes NULL; wipes the keys */
const uint8_t *pipe_hash(const struct pipe *p);

/* Seals one message and queues it, waiting for room when the buffer is full. The body is a then b. */
MUST_USE enum err pipe_send(struct pipe *p, enum session_type type, struct slice a, struct slice b, struct note *n);
/* Waits until everything queued is written. */
MUST_USE enum err pipe_flush(struct pipe *p, struct note *n);
/* Waits for the next message; the body is valid until the next call. */
MUST_USE enum err pipe_receive(struct pipe *p, enum session_type *type, struct slice *body, struct note *n);

/* For the event loop: no waiting. pipe_next is ERR_AGAIN when nothing is complete; pipe_pump writes what goes out now. */
MUST_USE enum err pipe_next(struct pipe *p, enum session_type *type, struct slice *body, struct note *n);
MUST_USE enum err pipe_pump(struct pipe *p, struct note *n);
bool pipe_unread(struct pipe *p); /* something came that nobody has taken */
bool pipe_queued(const struct pipe *p);
size_t pipe_room(const struct pipe *p); /* body bytes that a message sent now may have without waiting */
int pipe_fd(const struct pipe *p);
short pipe_events(const struct pipe *p);

#endif
