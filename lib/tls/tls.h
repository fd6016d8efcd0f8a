/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS without I/O: bytes from the peer go in, bytes for the peer come out, and the caller moves both. This version is
 * TLS 1.2 (RFC 5246) by BearSSL: ECDHE with AEAD suites only, no renegotiation, no compression, no session resumption.
 *
 * The life of a connection: tls_client or tls_server, then until it ends: tls_records_out, tls_records_in, tls_read,
 * tls_write in any order. A step that can do nothing now reports a size of 0, never an error. The context holds
 * pointers into itself: it must not be moved, and what the settings point to must outlive it.
 *
 * Limits of this version: a certificate that is refused ends the connection without an alert (the peer sees it close);
 * no client certificates, no pinning by key digest; the server's key is ECDSA P-256.
 */
#ifndef BROCH_TLS_TLS_H
#define BROCH_TLS_TLS_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <bearssl.h>

enum { TLS_NAME_MAX = 255, TLS_ENTROPY_SIZE = 32 };

struct tls { /* fields are private */
	union {
		br_ssl_client_context client;
		br_ssl_server_context server;
	} side;
	br_ssl_engine_context *engine;
	br_x509_minimal_context x509;
	uint8_t in[BR_SSL_BUFSIZE_INPUT], out[BR_SSL_BUFSIZE_OUTPUT];
};

struct tls_client_settings {
	const char *name; /* checked against the certificate and sent as SNI; there is no way to leave it out */
	const br_x509_trust_anchor *roots;
	size_t root_count;      /* at least one */
	uint64_t now_s;         /* the caller's clock, seconds since 1970 */
	const char **protocols; /* ALPN, best first; without a common one the connection fails */
	size_t protocol_count;
	uint8_t entropy[TLS_ENTROPY_SIZE]; /* fresh random bytes, different for each connection */
};

struct tls_server_settings {
	const br_x509_certificate *chain; /* own certificate first */
	size_t chain_count;
	const br_ec_private_key *key;
	const char **protocols;
	size_t protocol_count;
	uint8_t entropy[TLS_ENTROPY_SIZE];
};

/* ERR_INVALID: a name that is empty or too long, no root, no certificate; ERR_CRYPTO: the library refuses the settings.
 */
MUST_USE enum err tls_client(struct tls *t, const struct tls_client_settings *s);
MUST_USE enum err tls_server(struct tls *t, const struct tls_server_settings *s);

/* Takes some of the peer's bytes and says how many. */
MUST_USE enum err tls_records_in(struct tls *t, struct slice bytes, size_t *taken);
/* Gives at most size bytes for the peer. */
MUST_USE enum err tls_records_out(struct tls *t, uint8_t *to, size_t size, size_t *given);
/* Plaintext, after the handshake. */
MUST_USE enum err tls_read(struct tls *t, uint8_t *to, size_t size, size_t *given);
MUST_USE enum err tls_write(struct tls *t, struct slice plain, size_t *taken);
/* Sends what was written and then close_notify. */
void tls_close(struct tls *t);
/* OK while the connection lives; ERR_CLOSED after close_notify from either side; ERR_AUTH when the peer's certificate
 * was refused; ERR_CRYPTO for any other failure. Only ERR_CLOSED means that nothing was cut off. */
MUST_USE enum err tls_status(const struct tls *t);
/* The protocol that was agreed on, NULL if none. */
const char *tls_protocol(const struct tls *t);

#endif
