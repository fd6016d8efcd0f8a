/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of one Keep: numbers it uses, descriptors we hold. Channel 0 is the listener on which client sessions
 * arrive. Numbers come from the Keep: every function takes any number and says ERR_INVALID for one that is not open, or
 * not of the right kind.
 */
#ifndef BROCH_HOST_CHANNELS_H
#define BROCH_HOST_CHANNELS_H

#include "abi/keepcall.h"
#include "lib/base/err.h"

enum { CHANNELS_PENDING_MAX = 8 }; /* sessions that wait for ACCEPT */

enum channel_kind { CHANNEL_FREE, CHANNEL_LISTENER, CHANNEL_STREAM, CHANNEL_OPENING };

struct channel {
	enum channel_kind kind;
	int fd;          /* -1 for the listener of sessions, while opening, and when that failed */
	bool ended;      /* the other side was seen to be gone */
	bool session;    /* of a client: came from channel 0 */
	uint64_t opening; /* which of all that were opened */
	uint32_t why;    /* it came to nothing: enum keepcall_why */
	/* wait.c: what the watcher looks for, 0 for nothing; the WAIT that wanted it last; what the watcher saw, in which sleep. */
	uint32_t watched, seen;
	uint64_t wanted_in, seen_in;
};

struct channels { /* fields are private, but for wait.c, which reads them */
	struct channel channel[KEEPCALL_CHANNEL_MAX];
	int pending[CHANNELS_PENDING_MAX];
	size_t pending_count;
	uint64_t arrivals; /* sessions offered so far */
	uint64_t openings; /* asked for so far */
	int watcher;       /* an epoll that forgets what is closed here; the caller's */
};

void channels_init(struct channels *c, int watcher);
void channels_close_all(struct channels *c);
/* Takes the descriptor in any case. ERR_LIMIT when too many wait, ERR_INVALID when it is no stream socket; it is closed then. */
MUST_USE enum err channels_offer(struct channels *c, int fd);
/* NULL when it is not open. */
struct channel *channels_find(struct channels *c, uint64_t number);

/* ERR_AGAIN when no session waits, ERR_NOMEM when all numbers are taken (the session goes on waiting). */
MUST_USE enum err channels_accept(struct channels *c, uint64_t listener, uint32_t *number);
/* Never block. *moved is 1..size on OK. ERR_AGAIN, ERR_CLOSED, ERR_IO. */
MUST_USE enum err channels_send(struct channels *c, uint64_t number, const void *data, size_t size, size_t *moved);
MUST_USE enum err channels_receive(struct channels *c, uint64_t number, void *data, size_t size, size_t *moved);
/* The listener of sessions stays open. */
MUST_USE enum err channels_close(struct channels *c, uint64_t number);
/* Half: the other side sees the end of what was sent. */
MUST_USE enum err channels_shut(struct channels *c, uint64_t number);

/* A number for a socket that somebody else opens; *opening names the request. ERR_NOMEM when all are taken. */
MUST_USE enum err channels_open(struct channels *c, uint32_t *number, uint64_t *opening);
struct control;
/* CONTROL_OPENED: here it is (taken over in any case), or -1: there is none. False: nobody waits for it any more. */
bool channels_opened(struct channels *c, const struct control *answer, int fd);

#endif
