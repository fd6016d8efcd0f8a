/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/snp_id.h"

#include "client/attest/ecdsa.h"
#include "client/attest/say.h"
#include "lib/attest/snp_id.h"
#include "lib/attest/snp_report.h"

struct id_case {
	const struct snp_id_input *in;
	bool read, author_there;
	struct snp_id_block block;
	struct snp_id_auth auth;
	EVP_PKEY *id_key, *author_key; /* NULL: no point on the curve */
};

static EVP_PKEY *key_of(const struct snp_id_key *k)
{
	return k->curve == SNP_ID_CURVE_P384 ? ecdsa_key_le(ECDSA_P384, k->x, k->y) : NULL;
}

static enum check_result key_ok(const struct snp_id_key *k, const EVP_PKEY *key, struct check *c)
{
	say(c->expected, "a point on P-384 (curve 2), unused bytes zero");
	say(c->found, "curve %u, %s%s", k->curve, key != NULL ? "a point on it" : "no point on it",
	    k->padded ? "" : ", unused bytes not zero");
	return pass_if(key != NULL && k->padded);
}

static enum check_result signature_ok(const struct snp_id_signature *s, EVP_PKEY *key, struct slice data,
                                      struct check *c)
{
	uint8_t bytes[ECDSA_PAIR_MAX];
	struct slice pair = slice_of(bytes, 2 * ecdsa_size(ECDSA_P384));
	bool form = s->padded && ecdsa_pair_le(ECDSA_P384, s->r, s->s, bytes) && ecdsa_in_range(ECDSA_P384, pair);
	bool good = form && ecdsa_verify(key, ECDSA_SHA384, data, pair);

	say(c->expected, "a good signature by this key");
	say(c->found, good    ? "good"
	              : !form ? "not a signature: out of range or not padded with zeros"
	                      : "not by this key over these bytes");
	return pass_if(good);
}

static enum check_result read(const struct id_case *i, struct check *c)
{
	say(c->expected, "an ID block of %d bytes and an ID authentication page of %d", SNP_ID_BLOCK_SIZE,
	    SNP_ID_AUTH_SIZE);
	say(c->found, "%zu and %zu", i->in->block.size, i->in->auth.size);
	return pass_if(i->read);
}

static enum check_result version(const struct id_case *i, struct check *c)
{
	say(c->expected, "%d", SNP_ID_BLOCK_VERSION);
	say(c->found, "%u", i->block.version);
	return pass_if(i->block.version == SNP_ID_BLOCK_VERSION);
}

static enum check_result policy(const struct id_case *i, struct check *c)
{
	say(c->expected, "guest policy bit 17 is one, bits above 25 are zero");
	say(c->found, "%llxh", (unsigned long long)i->block.policy);
	return pass_if((i->block.policy & SNP_POLICY_ONE) != 0 && (i->block.policy & ~SNP_POLICY_KNOWN) == 0);
}

static enum check_result reserved(const struct id_case *i, struct check *c)
{
	say(c->expected, "reserved bytes are zero");
	say(c->found, i->auth.padded ? "zero" : "not zero");
	return pass_if(i->auth.padded);
}

static enum check_result id_algorithm(const struct id_case *i, struct check *c)
{
	say(c->expected, "1 (ECDSA P-384 with SHA-384)");
	say(c->found, "%u", i->auth.id_algorithm);
	return pass_if(i->auth.id_algorithm == SNP_ID_ALGO_ECDSA_P384_SHA384);
}

static enum check_result id_key(const struct id_case *i, struct check *c)
{
	return key_ok(&i->auth.id_key, i->id_key, c);
}

static enum check_result id_signature(const struct id_case *i, struct check *c)
{
	return signature_ok(&i->auth.block_signature, i->id_key, i->in->block, c);
}

static enum check_result author_algorithm(const struct id_case *i, struct check *c)
{
	say(c->expected, i->in->author ? "1 (ECDSA P-384 with SHA-384)" : "1, or 0 for no author");
	say(c->found, "%u", i->auth.author_algorithm);
	return pass_if(i->auth.author_algorithm == SNP_ID_ALGO_ECDSA_P384_SHA384 ||
	               (!i->in->author && i->auth.author_algorithm == 0));
}

static enum check_result no_author(struct check *c)
{
	say(c->found, "there is no author, and none is asked for");
	return CHECK_SKIP;
}

static enum check_result author_key(const struct id_case *i, struct check *c)
{
	return i->author_there ? key_ok(&i->auth.author_key, i->author_key, c) : no_author(c);
}

static enum check_result author_signature(const struct id_case *i, struct check *c)
{
	return i->author_there ? signature_ok(&i->auth.key_signature, i->author_key, i->auth.id_key.raw, c)
	                       : no_author(c);
}

static const struct {
	const char *id;
	enum check_result (*judge)(const struct id_case *i, struct check *c);
} rows[] = {
        {"snp.id.read", read}, /* the others need it */
        {"snp.id.version", version},
        {"snp.id.policy_form", policy},
        {"snp.id.reserved", reserved},
        {"snp.id.key_algorithm", id_algorithm},
        {"snp.id.key", id_key},
        {"snp.id.block_signature", id_signature},
        {"snp.id.author_algorithm", author_algorithm},
        {"snp.id.author_key", author_key},
        {"snp.id.key_signature", author_signature},
};

static void digest(struct slice raw, uint8_t out[static 48])
{
	SHA384(raw.data, raw.size, out);
}

static void load(struct id_case *i, struct snp_id_digests *d, struct verdict *v)
{
	memset(d, 0, sizeof *d);
	i->read = snp_id_block_parse(i->in->block, &i->block) == OK && snp_id_auth_parse(i->in->auth, &i->auth) == OK;
	if (!i->read)
		return;
	i->author_there = i->in->author || i->auth.author_algorithm != 0;
	i->id_key = key_of(&i->auth.id_key);
	digest(i->auth.id_key.raw, d->id_key);
	memcpy(v->measurement, i->block.launch_digest.data, 48);
	v->measurement_size = 48;
	if (!i->author_there)
		return;
	i->author_key = key_of(&i->auth.author_key);
	digest(i->auth.author_key.raw, d->author_key);
}

void snp_id_verify(const struct snp_id_input *in, struct snp_id_digests *d, struct verdict *v)
{
	struct id_case i = {.in = in};

	verdict_clear(v);
	load(&i, d, v);
	v->ok = true;
	for (size_t k = 0; k < (i.read ? ARRAY_COUNT(rows) : 1); k++) {
		struct check c = {.id = rows[k].id, .link = "measurement", .spec = "AMD 56860 section 8.18"};

		c.result = rows[k].judge(&i, &c);
		verdict_add(v, &c);
	}
	EVP_PKEY_free(i.id_key);
	EVP_PKEY_free(i.author_key);
}

enum err snp_id_key_digest(struct slice key, uint8_t out[static 48])
{
	struct snp_id_key k;
	EVP_PKEY *point;

	TRY(snp_id_key_parse(key, &k));
	point = key_of(&k);
	if (point == NULL || !k.padded) {
		EVP_PKEY_free(point);
		return ERR_INVALID;
	}
	EVP_PKEY_free(point);
	digest(key, out);
	return OK;
}
