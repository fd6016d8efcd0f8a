/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on channels, ended in the Keep: what a socket of the workload reads and writes is plaintext, what the host moves
 * is not. One pool belongs to a workload; it makes the Keep's key and certificate when the first connection needs them.
 * Nothing here waits: the caller does, for what secure_wants says.
 */
#ifndef BROCH_KEEP_SECURE_H
#define BROCH_KEEP_SECURE_H

#include "keep/run/certificate.h"
#include "keep/run/delivery.h"
#include "keep/run/memory.h"
#include "keep/run/meter.h"
#include "lib/tls/stream.h"

enum { SECURE_ALPN_MAX = 8, SECURE_OUTBOXES = 64 };

/* What the tenant said about TLS; all of it lives as long as the pool. */
struct secure_settings {
	const uint8_t *manifest;  /* SHA-256, 32 bytes: what the certificate says is run here */
	const char *const *names; /* DNS names of the certificate */
	size_t name_count;
	struct tls_protocols protocols;
	struct tls_trust servers; /* whom we connect to; now_s is set for each connection */
	struct tls_trust clients; /* who may come; without roots and pins: anybody */
};

/* The same from what was delivered. Everything is copied into the arena, but for the digest. The note says which file
 * of roots is wrong, and how. */
MUST_USE enum err secure_settings_read(const struct delivery *d, struct arena *a, struct secure_settings *out,
                                       struct note *n);

struct secure; /* a connection */

struct secure_pool { /* zero-initialised, then secure_begin */
	struct secure_settings settings;
	struct identity *identity;
	struct memory *memory;
	struct meter *meter;  /* of what its connections move */
	struct secure *spare; /* closed ones, to be used again */
	struct tls_outbox *outboxes; /* for long writes, those that nobody has; beyond SECURE_OUTBOXES one record is sent at a time */
	unsigned outbox_count;
	uint64_t charged;     /* bytes of all of them */
	bool made;
	uint64_t made_s; /* when, by the tenant's clock; made again a month before it is not valid any longer */
	struct keep_certificate certificate;
	struct tls_identity own;
};

void secure_begin(struct secure_pool *p, const struct secure_settings *s, struct identity *id, struct memory *m,
                  struct meter *meter);
/* All are closed, and the memory they had is somebody else's from now on. */
void secure_over(struct secure_pool *p);

/*
 * Takes over an open channel; on failure the caller still has it. now_s: the tenant's clock. Memory counts as the
 * workload's. ERR_NOMEM, ERR_LIMIT, ERR_NO_RANDOM, ERR_IO (the host gives no evidence), ERR_INVALID (a client without
 * anybody to believe); the note has words.
 */
MUST_USE enum err secure_server(struct secure_pool *p, uint32_t channel, uint64_t now_s, struct secure **out,
                                struct note *n);
struct secure_peer {
	const char *name;   /* the name it must have, and is asked for */
	const uint8_t *pin; /* NULL, or the one key we believe here, in place of all that the settings say: 32 bytes */
};
/* Shows our certificate when it is asked for. */
MUST_USE enum err secure_client(struct secure_pool *p, uint32_t channel, const struct secure_peer *server, uint64_t now_s,
                                struct secure **out, struct note *n);

/* As lib/tls/stream.h has them. */
MUST_USE enum err secure_read(struct secure *s, void *out, size_t capacity, size_t *got);
MUST_USE enum err secure_write(struct secure *s, struct slice plain, size_t *taken);
MUST_USE enum err secure_flush(struct secure *s);
void secure_end(struct secure *s);
bool secure_readable(struct secure *s);
bool secure_writable(struct secure *s);
/* For WAIT: bits of enum keepcall_poll_events on the channel; 0: the wire brings nothing new. Then what it said: until
 * then secure_readable and secure_writable answer from what is known. */
uint16_t secure_wants(const struct secure *s);
void secure_news(struct secure *s, uint16_t ready);
uint32_t secure_channel(const struct secure *s);
struct tls_facts secure_facts(const struct secure *s);

/* Closes the channel, sends nothing more, wipes all keys. */
void secure_close(struct secure_pool *p, struct secure *s);

#endif
