/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noise_NN_25519_AESGCM_SHA512 (Noise specification revision 34): this one pattern, on BearSSL. Used by session.c only.
 * NN authenticates nobody by itself; the evidence inside the channel does.
 */
#ifndef BROCH_SESSION_NOISE_H
#define BROCH_SESSION_NOISE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <bearssl.h>

enum {
	NOISE_KEY_SIZE = 32,
	NOISE_HASH_SIZE = 64,
	NOISE_TAG_SIZE = 16,
	NOISE_FIRST_SIZE = NOISE_KEY_SIZE,                   /* with an empty payload, as ours is */
	NOISE_SECOND_SIZE = NOISE_KEY_SIZE + NOISE_TAG_SIZE, /* the same */
};

/* One direction's key and nonce (CipherState). Holds no pointer to itself. */
struct noise_cipher {
	br_aes_gen_ctr_keys keys;
	br_ghash ghash;
	uint64_t nonce;
};

/*
 * What this CPU does AES-GCM with. Asking the CPU is an exit to the host in a VM, so it is done once a session. Both
 * choices are constant-time.
 */
struct noise_engine {
	const br_block_ctr_class *aes;
	br_ghash ghash;
};
struct noise_engine noise_engine(void);

void noise_cipher_init(struct noise_cipher *c, struct noise_engine e, const uint8_t key[static NOISE_KEY_SIZE]);
/* Encrypts in place and writes the tag. ERR_LIMIT when the nonces are used up. */
MUST_USE enum err noise_seal(struct noise_cipher *c, struct slice ad, uint8_t *data, size_t size,
			     uint8_t tag[static NOISE_TAG_SIZE]);
/* Decrypts in place; ERR_AUTH wipes data. */
MUST_USE enum err noise_open(struct noise_cipher *c, struct slice ad, uint8_t *data, size_t size,
			     const uint8_t tag[static NOISE_TAG_SIZE]);

struct noise {
	uint8_t chain[NOISE_HASH_SIZE], hash[NOISE_HASH_SIZE];
	uint8_t secret[NOISE_KEY_SIZE]; /* ephemeral, ours */
	uint8_t public[NOISE_KEY_SIZE];
	uint8_t remote[NOISE_KEY_SIZE]; /* ephemeral, the other's: responder, between the messages */
	bool initiator;
	struct noise_engine engine;
};

void noise_init(struct noise *n, bool initiator, struct slice prologue, const uint8_t ephemeral[static NOISE_KEY_SIZE]);

/*
 * The two messages: the initiator writes the first and reads the second, the responder the other way round; the caller
 * keeps the order. out has room for payload plus NOISE_FIRST_SIZE or NOISE_SECOND_SIZE. Reading works in place; the
 * payload points into the message. ERR_TRUNCATED, ERR_AUTH, and ERR_CRYPTO for a public key that leads to an all-zero
 * secret.
 */
void noise_write_first(struct noise *n, struct slice payload, uint8_t *out, size_t *size);
MUST_USE enum err noise_read_first(struct noise *n, uint8_t *message, size_t size, struct slice *payload);
MUST_USE enum err noise_write_second(struct noise *n, struct slice payload, uint8_t *out, size_t *size);
MUST_USE enum err noise_read_second(struct noise *n, uint8_t *message, size_t size, struct slice *payload);

/* After both messages; then n->hash is the handshake hash, and every secret in *n is gone. */
void noise_split(struct noise *n, struct noise_cipher *send, struct noise_cipher *receive);

#endif
