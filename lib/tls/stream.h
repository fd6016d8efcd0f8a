/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of lib/tls on a wire that never blocks, with the manners of a socket: read, write, end, and what to wait
 * for. The handshake happens by itself. Nothing here waits, and nothing is kept but what came from the wire at a time.
 */
#ifndef BROCH_TLS_STREAM_H
#define BROCH_TLS_STREAM_H

#include "lib/tls/tls.h"

enum {
	TLS_STREAM_IN = 65536,       /* some records: each time the wire is asked is a call to a host */
	TLS_RECORD_PLAIN = 16384,    /* the most that one has (RFC 5246 6.2.1) */
	TLS_OUTBOX = 4 * (TLS_RECORD_PLAIN + 64)
};

struct tls_wire {
	/* At least one byte: OK. ERR_AGAIN: wait until it is writable (readable). ERR_CLOSED: the other side ended.
	 * Anything else: the wire is dead. */
	enum err (*send)(void *ctx, struct slice bytes, size_t *sent);
	enum err (*receive)(void *ctx, void *buffer, size_t capacity, size_t *got);
	void *ctx;
};

/*
 * The records of a long write, sealed, that leave together. A stream that has none sends each by itself; one is lent for as
 * long as there is something in it, so that many streams do with few.
 */
struct tls_outbox {
	struct tls_outbox *next; /* the lender's */
	size_t at, size;         /* private: what was not yet sent */
	uint8_t bytes[TLS_OUTBOX];
};

struct tls_stream { /* private; made by the caller around a connection that was begun */
	const struct tls_version *version;
	struct tls *tls;
	struct tls_wire wire;
	bool in_over, out_over; /* the wire's two directions */
	size_t at, size;        /* of bytes that were received and are not taken */
	struct tls_outbox *out; /* sent before what the connection has; NULL: none was lent */
	uint8_t in[TLS_STREAM_IN];
};

void tls_stream_begin(struct tls_stream *s, const struct tls_version *version, struct tls *tls, struct tls_wire wire);

/*
 * OK with at least one byte, ERR_AGAIN, or the end for ever: ERR_CLOSED, the peer ended in order and all was read;
 * ERR_TRUNCATED, it did not; ERR_AUTH, ERR_CRYPTO as tls_version.status, facts say why.
 */
MUST_USE enum err tls_stream_read(struct tls_stream *s, void *out, size_t capacity, size_t *got);
/* Took at least one byte (they may still wait here: tls_stream_flush), ERR_AGAIN, or the same ends. */
MUST_USE enum err tls_stream_write(struct tls_stream *s, struct slice plain, size_t *taken);
/* Goes on with the handshake and with what waits to be sent. OK: nothing waits. ERR_AGAIN, or an end. */
MUST_USE enum err tls_stream_flush(struct tls_stream *s);
/* For the writes that follow, of more than a record each. */
void tls_stream_lend(struct tls_stream *s, struct tls_outbox *o);
/* It comes back, unless something in it still waits to be sent. NULL: not now, or none was lent. */
struct tls_outbox *tls_stream_return(struct tls_stream *s);
/* The stream is over: it comes back whatever is in it. */
struct tls_outbox *tls_stream_abandon(struct tls_stream *s);
/* Nothing more will be written: tells the peer, behind what waits. Flush until it says OK or an end, then close the
 * wire. */
void tls_stream_end(struct tls_stream *s);

/* For poll: would this return something else than ERR_AGAIN? Goes on with what can go on. */
bool tls_stream_readable(struct tls_stream *s);
bool tls_stream_writable(struct tls_stream *s);
/* If not: what the wire has to become. */
struct tls_stream_wants {
	bool readable, writable;
};
struct tls_stream_wants tls_stream_wants(const struct tls_stream *s);

#endif
