/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encrypted session between client agent and Keep, both ends, sans-I/O: bytes in, bytes out.
 *
 * Noise_NN_25519_AESGCM_SHA512 (Noise revision 34), prologue "broch-session/1". The client initiates. On the wire each
 * Noise message or transport record is preceded by its size as u16 big-endian (1..65535). A transport record's
 * plaintext is one message: a type byte, then its body. Control bodies are deterministic CBOR (lib/cbor), bulk bodies
 * are raw bytes. The table of state x message in session.c is the protocol: what is not in it is refused (ERR_STATE),
 * on sending as well as on receiving. After any error but ERR_AGAIN the session is dead and its keys are wiped.
 */
#ifndef BROCH_SESSION_H
#define BROCH_SESSION_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SESSION_RECORD_MAX = 2 + 65535,           /* size field, ciphertext, tag */
	SESSION_BODY_MAX = 65535 - 16 - 1,        /* of one message */
	SESSION_HASH_SIZE = 64,                   /* handshake hash h */
	SESSION_NONCE_SIZE = 32,
	SESSION_SECRET_SIZE = 32,                 /* resumption secret */
};

enum session_role { SESSION_CLIENT, SESSION_KEEP };

/* C: client to Keep, K: Keep to client. Bodies are in lib/session/messages.h. */
enum session_type {
	SESSION_CHALLENGE = 1,   /* C: fresh verifier nonce */
	SESSION_EVIDENCE = 2,    /* K: evidence envelope over (label, role, handshake hash, nonce) */
	SESSION_VERDICT = 3,     /* C: OK or not OK with a reason; after not OK both ends close */
	SESSION_MANIFEST = 4,    /* C: canonical CBOR manifest, in order, in as many pieces as its size needs */
	SESSION_CHUNK = 5,       /* C: u32le blob index, then bytes; blobs in manifest order, each ends when its size is reached */
	SESSION_START = 6,       /* C: the tenant's wall clock; all blobs are complete */
	SESSION_RESUME = 7,      /* C: proof of the resumption secret, instead of a manifest */
	SESSION_READY = 8,       /* K: resumption secret (first session only), workload evidence follows on request */
	SESSION_WORKLOAD_EVIDENCE = 9,  /* K: envelope over (label, handshake hash, manifest digest, Keep signing key) */
	SESSION_ASK_EVIDENCE = 10,      /* C: asks for it, also right behind START; with an optional nonce of a third party */
	SESSION_STDOUT = 11,     /* K: raw */
	SESSION_STDERR = 12,     /* K: raw */
	SESSION_STDIN_PULL = 13, /* K: up to so many bytes, please */
	SESSION_STDIN = 14,      /* C: raw; empty is end of file */
	SESSION_DETACH = 15,     /* C: the workload goes on without me */
	SESSION_STOP = 16,       /* C: end the workload now */
	SESSION_EXIT = 17,       /* K: how the workload ended (enum workload_end, code, message) */
	SESSION_ERROR = 18,      /* K: why the delivery was refused (words for the user) */
	SESSION_ATTACH = 19,     /* C: after RESUME: send me output. from_start: what was kept, too. follow: go on until EXIT;
				    else an empty STDOUT says that this was all so far. EXIT comes if the workload is over;
				    a Keep whose owner got it after follow or STOP is done, after a mere look it stays. */
	SESSION_TYPE_LIMIT
};

struct session; /* see session_size; place it anywhere, it holds no pointers to itself */
size_t session_size(void);

/* Fills out with `size` random bytes or fails; the Keep passes cpu_random. */
typedef enum err session_random(void *out, size_t size);

/* Makes the ephemeral key. nonce-misuse is impossible: a session is used once. */
MUST_USE enum err session_init(struct session *s, enum session_role role, session_random *random);
void session_wipe(struct session *s);

/*
 * Handshake bytes this end wants to send now: *size is 0 when none. The client has some right after init, the Keep
 * after it consumed the client's first message.
 */
MUST_USE enum err session_handshake_out(struct session *s, uint8_t *out, size_t capacity, size_t *size);
bool session_established(const struct session *s);
/* Valid once established. */
const uint8_t *session_hash(const struct session *s);

/*
 * Takes bytes from the wire: at most until one whole record is there. *used says how many were taken. Then session_pop
 * returns the message (body valid until the next push) or ERR_AGAIN if the record is incomplete. Handshake records are
 * consumed inside pop, which then returns ERR_AGAIN.
 */
MUST_USE enum err session_push(struct session *s, struct slice in, size_t *used);
MUST_USE enum err session_pop(struct session *s, enum session_type *type, struct slice *body);

/* Seals one message whose body is a then b (either may be empty) into out (capacity >= 2 + 1 + body + 16). */
MUST_USE enum err session_seal(struct session *s, enum session_type type, struct slice a, struct slice b, uint8_t *out,
			       size_t capacity, size_t *size);

/*
 * The wire ended. OK when the protocol was over (EXIT, ERROR, DETACH or a refusing VERDICT went over it); otherwise
 * ERR_CLOSED, and session_reason says what was missing: whoever cuts the wire is noticed.
 */
MUST_USE enum err session_end(struct session *s);

/* Words for the user about why the session died; "" while it lives. */
const char *session_reason(const struct session *s);

/*
 * What evidence must contain, computed at both ends: SHA-512 over the deterministic CBOR array of the parts.
 * First evidence: ("broch-evidence/1", "keep", handshake hash, verifier nonce).
 */
void session_report_data(const uint8_t hash[static SESSION_HASH_SIZE], const uint8_t nonce[static SESSION_NONCE_SIZE],
			 uint8_t out[static 64]);
/* Workload evidence: ("broch-workload/1", handshake hash, manifest SHA-256, Keep signing key, third-party nonce or empty). */
void session_workload_report_data(const uint8_t hash[static SESSION_HASH_SIZE], const uint8_t manifest[static 32],
				  struct slice signing_key, struct slice nonce, uint8_t out[static 64]);

#endif
