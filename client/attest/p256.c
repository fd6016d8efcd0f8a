/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/p256.h"

#include "client/attest/ecdsa.h"

#include <stdlib.h>

/* Named curve, uncompressed: the head of the one SubjectPublicKeyInfo that is taken. OpenSSL refuses points off the
 * curve when it reads the rest. */
static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
enum { SPKI_SIZE = (int)sizeof spki_head + P256_PAIR_SIZE };

enum err cert_key_p256(const struct cert *c, struct note *found)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);
	bool same = size == SPKI_SIZE && memcmp(der, spki_head, sizeof spki_head) == 0;
	EVP_PKEY *key = same ? X509_get0_pubkey(c->x) : NULL;

	OPENSSL_free(der);
	if (key == NULL)
		return refuse(found, ERR_CRYPTO,
		              same ? "a point that is not on P-256" : "not an uncompressed P-256 key");
	note_set(found, "ECDSA P-256");
	return OK;
}

enum err cert_ecdsa256(const struct cert *c, struct slice data, struct slice signature, struct note *found)
{
	struct note key = {""};

	if (cert_key_p256(c, &key) != OK)
		return refuse(found, ERR_CRYPTO, "%s", key.text);
	if (!ecdsa_verify(X509_get0_pubkey(c->x), ECDSA_SHA256, data, signature))
		return refuse(found, ERR_CRYPTO, "the signature is not by this key over these bytes");
	note_set(found, "good signature by %s", c->cn);
	return OK;
}

bool p256_verify(struct slice point, struct slice data, struct slice signature)
{
	uint8_t encoded[1 + P256_PAIR_SIZE] = {4};
	EVP_PKEY *key;
	bool good;

	if (point.size != P256_PAIR_SIZE)
		return false;
	memcpy(encoded + 1, point.data, P256_PAIR_SIZE);
	key = ecdsa_key(ECDSA_P256, slice_of(encoded, sizeof encoded));
	good = ecdsa_verify(key, ECDSA_SHA256, data, signature);
	EVP_PKEY_free(key);
	return good;
}

/* ---- lists ---- */

static bool blank(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] != 0 && s.data[i] != ' ' && s.data[i] != '\n' && s.data[i] != '\r' && s.data[i] != '\t')
			return false;
	return true;
}

/* The next BEGIN to END line; s goes on behind it. */
static bool block(struct slice *s, struct slice *out)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	const uint8_t *from = memmem(s->data, s->size, begin, sizeof begin - 1), *to;
	size_t before, size;

	if (from == NULL)
		return false;
	before = (size_t)(from - s->data);
	to = memmem(from, s->size - before, end, sizeof end - 1);
	if (to == NULL || !blank(slice_of(s->data, before)))
		return false;
	size = (size_t)(to - from) + sizeof end - 1;
	*out = slice_of(from, size);
	*s = slice_of(from + size, s->size - before - size);
	return true;
}

static enum err one_more(struct cert_list *l, struct slice pem, struct note *found)
{
	size_t size = 0;
	enum err err;

	if (l->count == CERT_LIST_MAX)
		return refuse(found, ERR_LIMIT, "more than %u certificates", (unsigned)CERT_LIST_MAX);
	TRY(cert_pem_to_der(pem, &l->der[l->count], &size, found));
	err = cert_read(slice_of(l->der[l->count], size), &l->cert[l->count], found);
	if (err != OK) {
		free(l->der[l->count]);
		return err;
	}
	l->count++;
	return OK;
}

enum err cert_list_read(struct slice pem, struct cert_list *l, struct note *found)
{
	struct slice one;
	enum err err = OK;

	*l = (struct cert_list){.count = 0};
	while (err == OK && block(&pem, &one))
		err = one_more(l, one, found);
	if (err == OK && (l->count == 0 || !blank(pem)))
		err = refuse(found, ERR_FORMAT, "not a PEM text with certificates only");
	if (err != OK)
		cert_list_free(l);
	return err;
}

const struct cert *cert_list_issuer(const struct cert_list *l, const struct cert *of)
{
	for (size_t i = 0; of != NULL && i < l->count; i++)
		if (&l->cert[i] != of && cert_issuer_is(of, &l->cert[i], NULL) == OK)
			return &l->cert[i];
	return NULL;
}

void cert_list_free(struct cert_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		cert_free(&l->cert[i]);
		free(l->der[i]);
	}
	l->count = 0;
}
