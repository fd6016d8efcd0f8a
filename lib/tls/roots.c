/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/roots.h"

#include "lib/tls/leaf.h"

struct der { /* what a PEM object decodes to */
	uint8_t *bytes;
	size_t size;
	bool over; /* it has more than there is room for */
};

static void collect(void *ctx, const void *bytes, size_t size)
{
	struct der *d = ctx;

	if (d->over || size > ROOT_SIZE_MAX - d->size) {
		d->over = true;
		return;
	}
	memcpy(d->bytes + d->size, bytes, size);
	d->size += size;
}

/* The decoder's key points into the decoder. */
static enum err copy(struct arena *a, unsigned char **bytes, size_t size)
{
	uint8_t *to = arena_scratch(a, size, 1, 1);

	if (to == NULL)
		return ERR_NOMEM;
	memcpy(to, *bytes, size);
	*bytes = to;
	return OK;
}

static enum err take_key(struct arena *a, const br_x509_pkey *key, br_x509_trust_anchor *out)
{
	if (key == NULL)
		return ERR_UNSUPPORTED;
	out->pkey = *key;
	if (key->key_type == BR_KEYTYPE_EC)
		return copy(a, &out->pkey.key.ec.q, key->key.ec.qlen);
	TRY(copy(a, &out->pkey.key.rsa.n, key->key.rsa.nlen));
	return copy(a, &out->pkey.key.rsa.e, key->key.rsa.elen);
}

static enum err take(struct arena *a, struct slice der, br_x509_trust_anchor *out, struct note *n, size_t number)
{
	br_x509_decoder_context decoder;
	struct leaf cert;

	if (leaf_read(der, &cert) != OK)
		return refuse(n, ERR_FORMAT, "certificate %llu is malformed", (unsigned long long)number);
	if (!cert.ca)
		return refuse(n, ERR_INVALID, "certificate %llu is no authority's: its basic constraints do not say CA",
		              (unsigned long long)number);
	br_x509_decoder_init(&decoder, NULL, NULL);
	br_x509_decoder_push(&decoder, der.data, der.size);
	*out = (br_x509_trust_anchor){.flags = BR_X509_TA_CA,
	                              .dn = {(unsigned char *)(uintptr_t)cert.subject.data, cert.subject.size}};
	TRY(copy(a, &out->dn.data, out->dn.len));
	if (take_key(a, br_x509_decoder_get_pkey(&decoder), out) != OK)
		return refuse(n, ERR_UNSUPPORTED, "certificate %llu has a key that is neither RSA nor ECDSA",
		              (unsigned long long)number);
	return OK;
}

/* One object after the other. The decoder sees the end of a line only, so the last one gets one more. */
struct pem {
	br_pem_decoder_context decoder;
	struct slice left;
	bool ended;
};

/* ERR_NOT_FOUND: no more. */
static enum err next_object(struct pem *p, struct der *d)
{
	bool inside = false;

	d->size = 0;
	d->over = false;
	while (p->left.size > 0 || !p->ended) {
		size_t used;

		if (p->left.size == 0) {
			p->left = slice_text("\n");
			p->ended = true;
		}
		used = br_pem_decoder_push(&p->decoder, p->left.data, p->left.size);

		p->left = slice_of(p->left.data + used, p->left.size - used);
		switch (br_pem_decoder_event(&p->decoder)) {
		case BR_PEM_BEGIN_OBJ:
			if (!slice_is(slice_text(br_pem_decoder_name(&p->decoder)), "CERTIFICATE"))
				return ERR_INVALID;
			inside = true;
			br_pem_decoder_setdest(&p->decoder, collect, d);
			break;
		case BR_PEM_END_OBJ: return d->over ? ERR_LIMIT : OK;
		case BR_PEM_ERROR: return ERR_FORMAT;
		default: break;
		}
	}
	return inside ? ERR_TRUNCATED : ERR_NOT_FOUND;
}

static enum err object_words(enum err err, size_t number, struct note *n)
{
	switch (err) {
	case ERR_INVALID:
		return refuse(n, err, "object %llu is no certificate: give certificates only",
		              (unsigned long long)number);
	case ERR_LIMIT:
		return refuse(n, err, "certificate %llu has more than %d bytes", (unsigned long long)number,
		              ROOT_SIZE_MAX);
	default:
		return refuse(n, ERR_FORMAT, "certificate %llu is damaged, or its end is missing",
		              (unsigned long long)number);
	}
}

static enum err read_all(struct arena *a, struct pem *p, struct tls_trust *trust, br_x509_trust_anchor *list,
                         struct der *d, struct note *n)
{
	for (size_t number = 1;; number++) {
		enum err err = next_object(p, d);

		if (err == ERR_NOT_FOUND)
			return number > 1 ? OK : refuse(n, ERR_INVALID, "there is no certificate in it");
		if (err != OK)
			return object_words(err, number, n);
		if (trust->root_count == ROOTS_MAX)
			return refuse(n, ERR_LIMIT, "more than %d certificates", ROOTS_MAX);
		TRY(take(a, slice_of(d->bytes, d->size), &list[trust->root_count], n, number));
		trust->root_count++;
	}
}

enum err roots_read(struct arena *a, struct slice pem, struct tls_trust *trust, struct note *n)
{
	br_x509_trust_anchor *list = arena_many(a, ROOTS_MAX, br_x509_trust_anchor);
	struct der d = {.bytes = arena_scratch(a, ROOT_SIZE_MAX, 1, 1)};
	struct pem p = {.left = pem};

	if (list == NULL || d.bytes == NULL)
		return ERR_NOMEM;
	if (trust->root_count > 0)
		memcpy(list, trust->roots, trust->root_count * sizeof *list);
	trust->roots = list;
	br_pem_decoder_init(&p.decoder);
	return read_all(a, &p, trust, list, &d, n);
}
