/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of the workload: channels that the host opened for it. What a program does with them is keep/wasi/port.h.
 */
#ifndef BROCH_KEEP_SOCKET_H
#define BROCH_KEEP_SOCKET_H

#include "abi/keepcall.h"
#include "keep/run/meter.h"
#include "lib/session/manifest.h"

#define LEAVE_PATIENCE (UINT64_C(5) * 1000000000) /* with a peer that does not take what is left for it */

enum { SOCKETS_MAX = 2000 }; /* at once; channels are left for sessions */

struct secure;

/* LEAVES: closed by the program, TLS still has some of its bytes for the peer. */
enum socket_state { SOCKET_FREE, SOCKET_LISTENS, SOCKET_STREAM, SOCKET_LEAVES };

struct socket {
	uint32_t channel;
	uint8_t state;         /* enum socket_state */
	bool over;             /* nothing more can be read */
	bool tls;              /* of a listener: what it accepts talks TLS */
	bool pending;          /* TLS has something to send that the program thinks is sent */
	uint16_t wanted;       /* what the next WAIT is asked for: enum keepcall_poll_events */
	uint16_t ready;        /* what the last one said, until a call says otherwise; of the wire */
	uint64_t until;        /* LEAVES: monotonic ns, when it is not waited for any longer */
	struct secure *secure; /* NULL: what the program writes is what the host sees */
};

struct sockets { /* zero-initialised */
	struct socket socket[SOCKETS_MAX];
	uint32_t top; /* no open one from here on */
	uint32_t count, limit;
	uint32_t leaving;
	struct meter meter;
};

struct keep;
/*
 * Opens a declared one, and waits for it: connected, or listening. ERR_LIMIT, ERR_IO (the host cannot, or the peer does
 * not answer), or why the program has to stop; the note says which.
 */
MUST_USE enum err socket_open(struct keep *k, const struct manifest_descriptor *d, uint32_t *out, struct note *n);

/* Before the first one with TLS, and once for each life of the program. */
MUST_USE enum err sockets_secure(struct keep *k, struct note *n);

/* The program is over: all of its sockets are closed, nothing of their TLS is left. Unless it was stopped, what it wrote is
 * handed over first, as far as peers take it within LEAVE_PATIENCE. */
void sockets_over(struct keep *k);

/* For serve.c: closes those that left for too long; when to come again, at most `until`. */
uint64_t sockets_sweep(struct keep *k, uint64_t until);
/* For serve.c: the entries of WAIT for those that somebody waits for; which they are is put beside them. */
size_t sockets_collect(struct sockets *s, struct keepcall_poll *entries, uint32_t *which);
void sockets_took(struct sockets *s, const struct keepcall_poll *entries, const uint32_t *which, size_t count);
/* For port.c: is one waited for, and is what is waited for there? */
bool sockets_wanted(const struct keep *k);
bool sockets_ready(const struct keep *k);
void sockets_forget_wanted(struct keep *k);

#endif
