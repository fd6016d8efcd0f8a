/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/noise.h"

#include "lib/base/ct.h"

#include <assert.h>

/* ---- primitives ---- */

struct noise_engine noise_engine(void)
{
	struct noise_engine e = {br_aes_x86ni_ctr_get_vtable(), br_ghash_pclmul_get()};

	if (e.aes == NULL)
		e.aes = &br_aes_ct64_ctr_vtable;
	if (e.ghash == 0)
		e.ghash = br_ghash_ctmul64;
	return e;
}

void noise_cipher_init(struct noise_cipher *c, struct noise_engine e, const uint8_t key[static NOISE_KEY_SIZE])
{
	c->ghash = e.ghash;
	c->nonce = 0;
	e.aes->init(&c->keys.vtable, key, NOISE_KEY_SIZE);
}

/* A context only for this message: BearSSL's points at the AES keys, and ours must be free to move. */
static enum err begin(struct noise_cipher *c, struct slice ad, br_gcm_context *gcm)
{
	uint8_t iv[12] = {0};

	/* The last nonce is reserved for rekeying (section 5.1). */
	if (c->nonce == UINT64_MAX)
		return ERR_LIMIT;
	for (unsigned i = 0; i < 8; i++)
		iv[4 + i] = (uint8_t)(c->nonce >> (56 - 8 * i));
	c->nonce++;
	br_gcm_init(gcm, &c->keys.vtable, c->ghash);
	br_gcm_reset(gcm, iv, sizeof iv);
	br_gcm_aad_inject(gcm, ad.data, ad.size);
	br_gcm_flip(gcm);
	return OK;
}

enum err noise_seal(struct noise_cipher *c, struct slice ad, uint8_t *data, size_t size,
		    uint8_t tag[static NOISE_TAG_SIZE])
{
	br_gcm_context gcm;

	TRY(begin(c, ad, &gcm));
	br_gcm_run(&gcm, 1, data, size);
	br_gcm_get_tag(&gcm, tag);
	wipe(&gcm, sizeof gcm);
	return OK;
}

enum err noise_open(struct noise_cipher *c, struct slice ad, uint8_t *data, size_t size,
		    const uint8_t tag[static NOISE_TAG_SIZE])
{
	br_gcm_context gcm;
	bool good;

	TRY(begin(c, ad, &gcm));
	br_gcm_run(&gcm, 0, data, size);
	good = br_gcm_check_tag(&gcm, tag) == 1;
	wipe(&gcm, sizeof gcm);
	if (good)
		return OK;
	wipe(data, size);
	return ERR_AUTH;
}

/* X25519 (RFC 7748). For this curve BearSSL takes scalars little-endian, as the RFC has them, and clamps a copy. */
static void x25519(uint8_t out[static NOISE_KEY_SIZE], const uint8_t *point, const uint8_t scalar[static NOISE_KEY_SIZE])
{
	memmove(out, point, NOISE_KEY_SIZE);
	br_ec_c25519_m31.mul(out, NOISE_KEY_SIZE, scalar, NOISE_KEY_SIZE, BR_EC_curve25519);
}

static void hmac(const uint8_t key[static NOISE_HASH_SIZE], struct slice a, struct slice b,
		 uint8_t out[static NOISE_HASH_SIZE])
{
	br_hmac_key_context kc;
	br_hmac_context hc;

	br_hmac_key_init(&kc, &br_sha512_vtable, key, NOISE_HASH_SIZE);
	br_hmac_init(&hc, &kc, 0);
	br_hmac_update(&hc, a.data, a.size);
	br_hmac_update(&hc, b.data, b.size);
	br_hmac_out(&hc, out);
	wipe(&kc, sizeof kc);
	wipe(&hc, sizeof hc);
}

/* HKDF of section 4.3 with two outputs; first may be chain. */
static void hkdf2(const uint8_t chain[static NOISE_HASH_SIZE], struct slice input, uint8_t first[static NOISE_HASH_SIZE],
		  uint8_t second[static NOISE_HASH_SIZE])
{
	static const uint8_t one = 1, two = 2;
	uint8_t temp[NOISE_HASH_SIZE];

	hmac(chain, input, slice_of(NULL, 0), temp);
	hmac(temp, slice_of(&one, 1), slice_of(NULL, 0), first);
	hmac(temp, slice_of(first, NOISE_HASH_SIZE), slice_of(&two, 1), second);
	wipe(temp, sizeof temp);
}

/* ---- SymmetricState (section 5.2) ---- */

static void mix_hash(struct noise *n, struct slice s)
{
	br_sha512_context c;

	br_sha512_init(&c);
	br_sha512_update(&c, n->hash, sizeof n->hash);
	br_sha512_update(&c, s.data, s.size);
	br_sha512_out(&c, n->hash);
}

/* Mixes DH(ours, remote) into the chain and leaves the cipher keyed for the payload. */
static enum err mix_dh(struct noise *n, struct noise_cipher *c)
{
	static const uint8_t zero[NOISE_KEY_SIZE];
	uint8_t shared[NOISE_KEY_SIZE], key[NOISE_HASH_SIZE];
	bool weak;

	x25519(shared, n->remote, n->secret);
	wipe(n->secret, sizeof n->secret);
	/* A point of low order would give every eavesdropper our key. */
	weak = ct_equal(shared, zero, sizeof shared);
	hkdf2(n->chain, slice_of(shared, sizeof shared), n->chain, key);
	noise_cipher_init(c, n->engine, key); /* AES-256 takes the first 32 bytes (section 5.2, MixKey) */
	wipe(shared, sizeof shared);
	wipe(key, sizeof key);
	return weak ? ERR_CRYPTO : OK;
}

/* ---- the pattern: -> e; <- e, ee ---- */

void noise_init(struct noise *n, bool initiator, struct slice prologue, const uint8_t ephemeral[static NOISE_KEY_SIZE])
{
	static const char name[] = "Noise_NN_25519_AESGCM_SHA512";
	static const uint8_t base[NOISE_KEY_SIZE] = {9};

	*n = (struct noise){.initiator = initiator, .engine = noise_engine()};
	memcpy(n->secret, ephemeral, sizeof n->secret);
	x25519(n->public, base, n->secret);
	/* Shorter than the hash: padded with zeros instead of hashed (section 5.2, InitializeSymmetric). */
	static_assert(sizeof name - 1 <= NOISE_HASH_SIZE, "protocol name");
	memcpy(n->hash, name, sizeof name - 1);
	memcpy(n->chain, n->hash, sizeof n->chain);
	mix_hash(n, prologue);
}

void noise_write_first(struct noise *n, struct slice payload, uint8_t *out, size_t *size)
{
	memcpy(out, n->public, NOISE_KEY_SIZE);
	if (payload.size > 0)
		memcpy(out + NOISE_KEY_SIZE, payload.data, payload.size);
	mix_hash(n, slice_of(out, NOISE_KEY_SIZE));
	mix_hash(n, payload);
	*size = NOISE_KEY_SIZE + payload.size;
}

enum err noise_read_first(struct noise *n, uint8_t *message, size_t size, struct slice *payload)
{
	if (size < NOISE_FIRST_SIZE)
		return ERR_TRUNCATED;
	memcpy(n->remote, message, NOISE_KEY_SIZE);
	*payload = slice_of(message + NOISE_KEY_SIZE, size - NOISE_KEY_SIZE);
	mix_hash(n, slice_of(message, NOISE_KEY_SIZE));
	mix_hash(n, *payload);
	return OK;
}

enum err noise_write_second(struct noise *n, struct slice payload, uint8_t *out, size_t *size)
{
	uint8_t *body = out + NOISE_KEY_SIZE;
	struct noise_cipher c;
	enum err err;

	memcpy(out, n->public, NOISE_KEY_SIZE);
	mix_hash(n, slice_of(out, NOISE_KEY_SIZE));
	err = mix_dh(n, &c);
	if (err == OK && payload.size > 0)
		memcpy(body, payload.data, payload.size);
	if (err == OK)
		err = noise_seal(&c, slice_of(n->hash, sizeof n->hash), body, payload.size, body + payload.size);
	wipe(&c, sizeof c);
	TRY(err);
	mix_hash(n, slice_of(body, payload.size + NOISE_TAG_SIZE));
	*size = NOISE_SECOND_SIZE + payload.size;
	return OK;
}

enum err noise_read_second(struct noise *n, uint8_t *message, size_t size, struct slice *payload)
{
	uint8_t *body = message + NOISE_KEY_SIZE, before[NOISE_HASH_SIZE];
	struct noise_cipher c;
	size_t plain;
	enum err err;

	if (size < NOISE_SECOND_SIZE)
		return ERR_TRUNCATED;
	plain = size - NOISE_SECOND_SIZE;
	memcpy(n->remote, message, NOISE_KEY_SIZE);
	mix_hash(n, slice_of(message, NOISE_KEY_SIZE));
	memcpy(before, n->hash, sizeof before);
	mix_hash(n, slice_of(body, plain + NOISE_TAG_SIZE)); /* the ciphertext, so before it is decrypted in place */
	err = mix_dh(n, &c);
	if (err == OK)
		err = noise_open(&c, slice_of(before, sizeof before), body, plain, body + plain);
	wipe(&c, sizeof c);
	*payload = slice_of(body, plain);
	return err;
}

void noise_split(struct noise *n, struct noise_cipher *send, struct noise_cipher *receive)
{
	uint8_t first[NOISE_HASH_SIZE], second[NOISE_HASH_SIZE];

	/* The first key is the initiator's for sending. */
	hkdf2(n->chain, slice_of(NULL, 0), first, second);
	noise_cipher_init(send, n->engine, n->initiator ? first : second);
	noise_cipher_init(receive, n->engine, n->initiator ? second : first);
	wipe(first, sizeof first);
	wipe(second, sizeof second);
	wipe(n->chain, sizeof n->chain);
	wipe(n->secret, sizeof n->secret);
}
