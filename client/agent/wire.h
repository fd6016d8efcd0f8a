/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream to a host: a Unix socket, or TCP with TLS 1.2 or later (certificate and name checked). Never blocks but
 * in wire_wait; every wait has a deadline and ends early when the user interrupts.
 *
 * TLS protects the token and hides lengths from the network; nothing of a workload's safety rests on it.
 */
#ifndef BROCH_AGENT_WIRE_H
#define BROCH_AGENT_WIRE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct wire; /* heap */

struct wire_tls { /* each may be NULL */
	const char *ca, *cert, *key;
};

/* Monotonic milliseconds, and a deadline so many from now. */
int64_t clock_ms(void);

/* wake_fd (-1: none) becomes readable when the user interrupts: waits then end with ERR_STOPPED. */
MUST_USE enum err wire_open_unix(const char *path, int wake_fd, struct wire **out, struct note *n);
MUST_USE enum err wire_open_tls(const char *host, const char *port, const struct wire_tls *tls, int wake_fd,
                                int64_t deadline, struct wire **out, struct note *n);
/*
 * TLS with a Keep, for whom no authority vouches but evidence: its certificate is taken as it comes, and the caller
 * must judge wire_peer before a byte is written. pin: SHA-256 of the SubjectPublicKeyInfo that must be shown (ERR_AUTH
 * otherwise); NULL: the first time, when it is not known yet.
 */
MUST_USE enum err wire_open_keep(const char *host, const char *port, const uint8_t *pin, int wake_fd, int64_t deadline,
                                 struct wire **out, struct note *n);
/* The certificate whose key the other end has proved to have, DER; the caller frees *der. TLS only. */
MUST_USE enum err wire_peer(const struct wire *w, uint8_t **der, size_t *size);
/* Takes over a connected socket. */
MUST_USE enum err wire_of_fd(int fd, int wake_fd, struct wire **out);
void wire_close(struct wire *w); /* takes NULL */

/* Nothing more will be written: the other end learns it (shutdown, or close_notify). */
void wire_finish(struct wire *w);
/* OK with *size >= 1, ERR_AGAIN, ERR_CLOSED (read: orderly end; write: nobody listens), ERR_IO. */
MUST_USE enum err wire_read(struct wire *w, void *out, size_t capacity, size_t *size);
MUST_USE enum err wire_write(struct wire *w, struct slice in, size_t *size);

/* For poll: the descriptor, and what to ask for so that a read (a write) may make progress. */
int wire_fd(const struct wire *w);
short wire_events(const struct wire *w, bool reading, bool writing);
/* Until a read (a write) may make progress. ERR_TIMEOUT, ERR_STOPPED. */
MUST_USE enum err wire_wait(const struct wire *w, bool reading, bool writing, int64_t deadline);
/* Writes all of it, waiting as needed. */
MUST_USE enum err wire_write_all(struct wire *w, struct slice in, int64_t deadline);

#endif
