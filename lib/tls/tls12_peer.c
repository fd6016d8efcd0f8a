/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls12_peer.h"

/* BearSSL counts days from year 0 of the proleptic Gregorian calendar. */
enum { DAYS_TO_1970 = 719528, SECONDS_A_DAY = 86400 };

static struct tls12_peer *of(const br_x509_class **ctx)
{
	return (struct tls12_peer *)(void *)ctx; /* vtable is its first member */
}

static bool by_roots(const struct tls12_peer *p)
{
	return p->trust.root_count > 0;
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct tls12_peer *p = of(ctx);

	p->certs = 0;
	p->leaf_size = 0;
	p->judged = false;
	p->chain.vtable->start_chain(&p->chain.vtable, server_name);
	br_x509_decoder_init(&p->alone, NULL, NULL);
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct tls12_peer *p = of(ctx);

	p->certs++;
	if (by_roots(p))
		p->chain.vtable->start_cert(&p->chain.vtable, length);
}

static void append(const br_x509_class **ctx, const unsigned char *bytes, size_t size)
{
	struct tls12_peer *p = of(ctx);

	if (by_roots(p))
		p->chain.vtable->append(&p->chain.vtable, bytes, size);
	if (p->certs != 1)
		return;
	if (!by_roots(p))
		br_x509_decoder_push(&p->alone, bytes, size);
	if (p->leaf_size <= sizeof p->leaf && size <= sizeof p->leaf - p->leaf_size)
		memcpy(p->leaf + p->leaf_size, bytes, size);
	p->leaf_size += size; /* a handshake message has at most 2^24 bytes */
}

static void end_cert(const br_x509_class **ctx)
{
	struct tls12_peer *p = of(ctx);

	if (by_roots(p))
		p->chain.vtable->end_cert(&p->chain.vtable);
}

static void note_pin(struct tls12_peer *p, const struct leaf *leaf)
{
	br_sha256_context sha;

	br_sha256_init(&sha);
	br_sha256_update(&sha, leaf->spki.data, leaf->spki.size);
	br_sha256_out(&sha, p->pin);
}

static bool pinned(const struct tls12_peer *p)
{
	for (size_t i = 0; i < p->trust.pin_count; i++)
		if (memcmp(p->trust.pins[i], p->pin, sizeof p->pin) == 0)
			return true;
	return p->trust.pin_count == 0;
}

static unsigned chain_error(struct tls12_peer *p)
{
	int err;

	if (by_roots(p))
		return p->chain.vtable->end_chain(&p->chain.vtable);
	if (p->certs == 0)
		return BR_ERR_X509_EMPTY_CHAIN;
	err = br_x509_decoder_last_error(&p->alone);
	return err == 0 && br_x509_decoder_get_pkey(&p->alone) == NULL ? BR_ERR_X509_TRUNCATED : (unsigned)err;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct tls12_peer *p = of(ctx);
	unsigned err = chain_error(p);
	struct leaf leaf;

	if (err != 0)
		return err;
	if (p->leaf_size > sizeof p->leaf)
		return PEER_TOO_LARGE;
	if (leaf_read(slice_of(p->leaf, p->leaf_size), &leaf) != OK)
		return BR_ERR_X509_INVALID_VALUE;
	note_pin(p, &leaf);
	if (!pinned(p))
		return PEER_NOT_PINNED;
	if (!leaf.signs || !leaf.uses[p->use])
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	p->judged = true;
	return 0;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct tls12_peer *p = (const struct tls12_peer *)(const void *)ctx;

	if (!p->judged)
		return NULL;
	if (by_roots(p))
		return p->chain.vtable->get_pkey(&p->chain.vtable, usages);
	if (usages != NULL)
		*usages = BR_KEYTYPE_SIGN;
	return br_x509_decoder_get_pkey((br_x509_decoder_context *)(uintptr_t)&p->alone);
}

static const br_x509_class peer_class = {
        sizeof(struct tls12_peer), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

enum err tls12_peer_init(struct tls12_peer *p, const struct tls_trust *trust, enum leaf_use use)
{
	br_x509_minimal_context *c = &p->chain;

	if ((trust->root_count == 0 && trust->pin_count == 0) ||
	    trust->now_s / SECONDS_A_DAY > UINT32_MAX - DAYS_TO_1970)
		return ERR_INVALID;
	p->vtable = &peer_class;
	p->trust = *trust;
	p->use = use;
	br_x509_minimal_init(c, &br_sha256_vtable, trust->roots, trust->root_count);
	br_x509_minimal_set_hash(c, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(c, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(c, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(c, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(c, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_time(c, (uint32_t)(trust->now_s / SECONDS_A_DAY) + DAYS_TO_1970,
	                         (uint32_t)(trust->now_s % SECONDS_A_DAY));
	return OK;
}
