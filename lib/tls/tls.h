/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS without I/O: bytes from the peer go in, bytes for the peer come out, and the caller moves both. A version of the
 * protocol is one struct of functions; there is one today, TLS 1.2 (RFC 5246) by BearSSL: ECDHE with AEAD suites only,
 * no renegotiation, no compression, no session resumption.
 *
 * The life of a connection: `client` or `server` into memory of `size` bytes, then until it ends records_out,
 * records_in, read and write in any order, then `wipe`. A step that can do nothing now reports a size of 0, never an
 * error. The memory holds pointers into itself: it must not be moved, and what the settings point to must outlive it.
 *
 * After an error records_out still gives what the peer should see, the alert last: send it, then close the wire. Of a
 * chain that is refused the peer learns why (RFC 5246 7.2.2): 42 malformed, false name, false signature, 43 not for
 * this use, 45 not valid now, 46 not the pinned key, 48 no root of ours behind it.
 *
 * Limits: own keys are ECDSA P-256; servers have names, not addresses (DNS names in the certificate; with pins alone
 * nothing is compared); no extended master secret (RFC 7627), which nothing here rests on without resumption and
 * renegotiation; extended key usage is judged in the peer's own certificate, not in those of its
 * issuers; nothing is asked about revocation; a certificate of a peer has at most TLS_LEAF_MAX bytes.
 */
#ifndef BROCH_TLS_TLS_H
#define BROCH_TLS_TLS_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <bearssl.h>

enum { TLS_NAME_MAX = 255, TLS_ENTROPY_SIZE = 32, TLS_PIN_SIZE = 32, TLS_LEAF_MAX = 16384, TLS_ALIGN = 16 };

/*
 * Whom we believe. With roots, the peer's chain must lead to one of them, be valid now and, for a server, name it. With
 * pins, the peer's key must be one of those keys: SHA-256 of its DER SubjectPublicKeyInfo (RFC 7469 2.4). With both,
 * both. With pins alone the key is all there is to check: names, dates and issuers are not looked at, which is right
 * for certificates that a Keep signed itself. With neither nobody is believed: ERR_INVALID.
 */
struct tls_trust {
	const br_x509_trust_anchor *roots;
	size_t root_count;
	const uint8_t (*pins)[TLS_PIN_SIZE];
	size_t pin_count;
	uint64_t now_s; /* the caller's clock, seconds since 1970 */
};

struct tls_identity {
	const br_x509_certificate *chain; /* own certificate first */
	size_t chain_count;
	const br_ec_private_key *key;
};

struct tls_protocols { /* ALPN, best first; without a common one the connection fails. Count 0: not spoken of */
	const char **names;
	size_t count;
};

struct tls_client_settings {
	const char *name; /* checked against the certificate and sent as SNI; there is no way to leave it out */
	struct tls_trust trust;
	const struct tls_identity *identity; /* shown when the server asks; NULL: none */
	struct tls_protocols protocols;
	uint8_t entropy[TLS_ENTROPY_SIZE]; /* fresh random bytes, different for each connection */
};

struct tls_server_settings {
	struct tls_identity identity;
	const struct tls_trust *clients; /* who may come, with a certificate; NULL: anybody, none is asked for */
	struct tls_protocols protocols;
	uint8_t entropy[TLS_ENTROPY_SIZE];
};

struct tls; /* a connection */

struct tls_facts {            /* what is known so far; all points into the connection */
	bool established;     /* the handshake is over */
	const char *protocol; /* what was agreed on, NULL: none */
	const char *name;     /* which server the client asked for, NULL: it did not say */
	struct slice peer;    /* the peer's certificate, DER; size 0: it showed none. Judged only once established. */
	const uint8_t *pin;   /* SHA-256 of its SubjectPublicKeyInfo, NULL: none */
	const char *why;      /* in words, why the connection failed; NULL: it did not */
	unsigned alert;       /* the fatal alert we sent; 0: none */
	unsigned peers_alert; /* the one we got */
};

struct tls_version {
	const char *name;
	size_t size; /* of a connection's memory, aligned to TLS_ALIGN */
	/* ERR_INVALID: a name that is empty or too long, nobody to believe, no certificate; ERR_CRYPTO: the library
	 * refuses the settings. The memory then needs no wipe. */
	enum err (*client)(struct tls *t, const struct tls_client_settings *s);
	enum err (*server)(struct tls *t, const struct tls_server_settings *s);
	/* Takes some of the peer's bytes and says how many. */
	enum err (*records_in)(struct tls *t, struct slice bytes, size_t *taken);
	/* Gives at most size bytes for the peer. */
	enum err (*records_out)(struct tls *t, uint8_t *to, size_t size, size_t *given);
	/* The same without a copy: what waits for the peer, valid until the next call; then how much of it was sent. */
	struct slice (*pending)(const struct tls *t);
	void (*sent)(struct tls *t, size_t size);
	/* Plaintext, after the handshake. */
	enum err (*read)(struct tls *t, uint8_t *to, size_t size, size_t *given);
	enum err (*write)(struct tls *t, struct slice plain, size_t *taken);
	/* Could a read give something, a write take something, now? */
	bool (*readable)(const struct tls *t);
	bool (*writable)(const struct tls *t);
	/* Sends what was written and then close_notify. */
	void (*close)(struct tls *t);
	/* The wire has ended: ERR_CLOSED when the peer said so before; else ERR_TRUNCATED, for ever. */
	enum err (*wire_ended)(struct tls *t);
	/* OK while the connection lives; ERR_CLOSED after close_notify from either side; ERR_AUTH when the peer's
	 * certificate was refused; ERR_TRUNCATED after a cut, or a close_notify that came before the handshake was over; ERR_CRYPTO for any other failure. Only ERR_CLOSED means
	 * that nothing was cut off. */
	enum err (*status)(const struct tls *t);
	struct tls_facts (*facts)(const struct tls *t);
	void (*wipe)(struct tls *t);
};

extern const struct tls_version tls_1_2;

#endif
