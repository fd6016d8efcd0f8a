/* SPDX-License-Identifier: Apache-2.0 */
/* The chain ARK > ASK > CEK > PEK < OCA, PEK > PDH: a row for each question to each certificate. */
#include "client/attest/sev.h"

#include "client/attest/amd.h"
#include "client/attest/say.h"
#include "client/attest/sev_key.h"
#include "lib/base/hex.h"

const char *const sev_link_names[SEV_LINK_COUNT] = {"ark", "ask", "cek", "oca", "pek", "pdh"};

/* Key id 1bb987c359494606b174945601c9ea5b. */
static const uint8_t naples[SPKI_DIGEST_SIZE] = {0x3a, 0x04, 0xf8, 0xf1, 0x34, 0x7d, 0xe2, 0x06, 0xc9, 0x20, 0x6a, 0x81, 0x14, 0x8b, 0xa4, 0xef,
                                                    0x0a, 0x23, 0x3b, 0x24, 0x5d, 0x43, 0xa1, 0x5d, 0xd8, 0x2d, 0xe0, 0x43, 0xbb, 0x3e, 0x4f, 0x69};

const uint8_t *sev_amd_root(unsigned i)
{
	CHECK(i < SEV_AMD_ROOT_COUNT);
	return i == 0 ? naples : snp_amd_roots[i - 1].spki_sha256;
}

static const uint32_t usages[SEV_LINK_COUNT] = {SEV_ARK, SEV_ASK, SEV_CEK, SEV_OCA, SEV_PEK, SEV_PDH};

static bool is_ca(enum sev_link who)
{
	return who <= SEV_LINK_ASK;
}

struct chain_case {
	const struct sev_chain_input *in;
	enum err read[SEV_LINK_COUNT];
	struct sev_ca cas[2];
	struct sev_cert certs[SEV_LINK_COUNT]; /* the first two unused */
	EVP_PKEY *keys[SEV_LINK_COUNT];        /* NULL: no usable key */
};

static void load(struct chain_case *k)
{
	for (enum sev_link i = 0; i < SEV_LINK_COUNT; i++) {
		if (is_ca(i)) {
			k->read[i] = sev_ca_parse(k->in->certs[i], &k->cas[i]);
			if (k->read[i] == OK)
				k->keys[i] = sev_rsa_key(k->cas[i].exponent, k->cas[i].modulus);
			continue;
		}
		k->read[i] = sev_cert_parse(k->in->certs[i], &k->certs[i]);
		if (k->read[i] == OK)
			k->keys[i] = sev_cert_key(&k->certs[i]);
	}
}

struct row {
	const char *id, *link;
	enum sev_link who, by; /* by: who signed, for the rows of signatures */
	enum check_result (*judge)(const struct chain_case *k, const struct row *r, struct check *c);
};

static enum check_result read(const struct chain_case *k, const struct row *r, struct check *c)
{
	say(c->expected, is_ca(r->who) ? "a certificate of AMD's form with a 2048 or 4096 bit RSA key" : "an SEV certificate of 2084 bytes, version 1");
	say(c->found, "%zu bytes: %s", k->in->certs[r->who].size, k->read[r->who] == OK ? "read" : err_text(k->read[r->who]));
	if (k->read[r->who] != OK && is_ca(r->who))
		say(c->cure, "take the certificate from AMD; an ARK of 576 bytes is an old publication that lacks its signature");
	return pass_if(k->read[r->who] == OK);
}

static enum check_result usage(const struct chain_case *k, const struct row *r, struct check *c)
{
	uint32_t found = is_ca(r->who) ? k->cas[r->who].usage : k->certs[r->who].usage;

	say(c->expected, "usage %xh", usages[r->who]);
	say(c->found, "usage %xh", found);
	return pass_if(found == usages[r->who]);
}

/* The PDH agrees keys, the others sign; a key of one kind must not be used as the other. Only an owner's CA, which comes from
 * outside, may be RSA. */
static bool kind_fits(enum sev_link who, uint32_t algorithm)
{
	const uint32_t kind = algorithm & ~UINT32_C(0x100);

	if (who == SEV_LINK_PDH)
		return kind == SEV_ECDH_SHA256;
	return kind == SEV_ECDSA_SHA256 || (who == SEV_LINK_OCA && kind == SEV_RSA_SHA256);
}

static enum check_result key(const struct chain_case *k, const struct row *r, struct check *c)
{
	static const char *const kinds[SEV_LINK_COUNT] = {[SEV_LINK_CEK] = "ECDSA",
	                                                  [SEV_LINK_OCA] = "ECDSA or RSA",
	                                                  [SEV_LINK_PEK] = "ECDSA",
	                                                  [SEV_LINK_PDH] = "ECDH"};
	const struct sev_cert *s = &k->certs[r->who];
	const char *curve = sev_curve_name(s->curve);
	uint8_t digest[SPKI_DIGEST_SIZE];
	char hex[2 * SPKI_DIGEST_SIZE + 1] = "";

	say(c->expected, "a key for %s", kinds[r->who]);
	if (k->keys[r->who] != NULL && sev_spki(k->keys[r->who], digest))
		hex_encode(slice_of(digest, sizeof digest), hex);
	say(c->found, "algorithm %xh, %s, %s%s", s->algorithm,
	    s->modulus.size > 0 ? "RSA" : curve != NULL ? curve : "no curve we know",
	    k->keys[r->who] != NULL ? "key " : "no key", hex);
	return pass_if(k->keys[r->who] != NULL && kind_fits(r->who, s->algorithm));
}

static enum check_result pinned(const struct chain_case *k, const struct row *r, struct check *c)
{
	uint8_t digest[SPKI_DIGEST_SIZE] = {0};
	char hex[2 * SPKI_DIGEST_SIZE + 1];
	bool good = false;

	say(c->expected, k->in->root != NULL ? "the root that you named" : "a root of AMD's: Naples, Milan, Genoa or Turin");
	if (k->keys[r->who] == NULL || !sev_spki(k->keys[r->who], digest)) {
		say(c->found, "no usable RSA key");
		return CHECK_FAIL;
	}
	for (unsigned i = 0; k->in->root == NULL && i < SEV_AMD_ROOT_COUNT; i++)
		good = good || memcmp(digest, sev_amd_root(i), sizeof digest) == 0;
	if (k->in->root != NULL)
		good = memcmp(digest, k->in->root, sizeof digest) == 0;
	hex_encode(slice_of(digest, sizeof digest), hex);
	say(c->found, "key %s", hex);
	return pass_if(good);
}

/* Whose is this key? One of those that the owner names. */
static enum check_result known(const struct chain_case *k, const struct row *r, struct check *c)
{
	const struct digest_list *l = r->who == SEV_LINK_CEK ? k->in->ceks : k->in->ocas;
	uint8_t digest[SPKI_DIGEST_SIZE];
	char hex[2 * SPKI_DIGEST_SIZE + 1] = "no usable key";
	bool good = k->keys[r->who] != NULL && sev_spki(k->keys[r->who], digest);

	if (good)
		hex_encode(slice_of(digest, sizeof digest), hex);
	say(c->found, "%s", hex);
	if (l == NULL || l->count == 0)
		return CHECK_SKIP;
	say(c->expected, "one of %zu keys", l->count);
	say(c->cure, "add it to [sev] %ss if it is one of yours", sev_link_names[r->who]);
	return pass_if(good && digest_list_has(l, slice_of(digest, sizeof digest)));
}

static enum check_result api(const struct chain_case *k, const struct row *r, struct check *c)
{
	const struct sev_cert *s = &k->certs[r->who];
	const struct sev_chain_input *in = k->in;

	say(c->expected, "SEV API %u.%u or newer", in->api_major_min, in->api_minor_min);
	say(c->found, "%u.%u", s->api_major, s->api_minor);
	say(c->cure, "update the platform's SEV firmware, or use another platform");
	return pass_if(s->api_major > in->api_major_min ||
		       (s->api_major == in->api_major_min && s->api_minor >= in->api_minor_min));
}

static bool ca_signed(const struct chain_case *k, const struct row *r)
{
	const struct sev_ca *one = &k->cas[r->who], *by = &k->cas[r->by];
	uint8_t value[SEV_SIGNATURE_SIZE] = {0};

	if (!slice_equal(one->signer_id, by->key_id) || one->signature.size != by->modulus.size)
		return false;
	memcpy(value, one->signature.data, one->signature.size);
	return sev_verify(k->keys[r->by], by->modulus.size == 256 ? SEV_RSA_SHA256 : SEV_RSA_SHA384, one->signed_part,
			  slice_of(value, sizeof value));
}

/* Either place may hold the signature. */
static bool cert_signed(const struct chain_case *k, const struct row *r)
{
	const struct sev_cert *one = &k->certs[r->who];

	for (unsigned i = 0; i < ARRAY_COUNT(one->signatures); i++) {
		const struct sev_signature *s = &one->signatures[i];

		if (s->usage == usages[r->by] && sev_verify(k->keys[r->by], s->algorithm, one->signed_part, s->value))
			return true;
	}
	return false;
}

static enum check_result signature(const struct chain_case *k, const struct row *r, struct check *c)
{
	bool good = k->read[r->by] == OK && (is_ca(r->who) ? ca_signed(k, r) : cert_signed(k, r));

	say(c->expected, "a good signature by the %s", sev_link_names[r->by]);
	say(c->found, good ? "good" : "none by this key over these bytes");
	return pass_if(good);
}

#define CA(name, NAME, parent)                                                                                         \
	{"sev." name ".read", "root", SEV_LINK_##NAME, SEV_LINK_##NAME, read},                                         \
	{"sev." name ".usage", "root", SEV_LINK_##NAME, SEV_LINK_##NAME, usage},                                       \
	{"sev." name ".signature", "root", SEV_LINK_##NAME, SEV_LINK_##parent, signature}
#define CERT(name, NAME, parent)                                                                                       \
	{"sev." name ".read", "platform key", SEV_LINK_##NAME, SEV_LINK_##NAME, read},                                 \
	{"sev." name ".usage", "platform key", SEV_LINK_##NAME, SEV_LINK_##NAME, usage},                               \
	{"sev." name ".key", "platform key", SEV_LINK_##NAME, SEV_LINK_##NAME, key},                                   \
	{"sev." name ".signature", "platform key", SEV_LINK_##NAME, SEV_LINK_##parent, signature}

static const struct row rows[] = {
	CA("ark", ARK, ARK),
	{"sev.ark.pinned", "root", SEV_LINK_ARK, SEV_LINK_ARK, pinned},
	CA("ask", ASK, ARK),
	CERT("cek", CEK, ASK),
	{"sev.cek.known", "platform key", SEV_LINK_CEK, SEV_LINK_CEK, known},
	CERT("oca", OCA, OCA),
	{"sev.oca.known", "platform key", SEV_LINK_OCA, SEV_LINK_OCA, known},
	CERT("pek", PEK, CEK),
	{"sev.pek.oca_signature", "platform key", SEV_LINK_PEK, SEV_LINK_OCA, signature},
	CERT("pdh", PDH, PEK),
	{"sev.pek.api", "platform key", SEV_LINK_PEK, SEV_LINK_PEK, api}, /* last: what the chain speaks of */
};

static void judge(const struct sev_chain_input *in, bool cas_only, struct verdict *v)
{
	struct chain_case k = {.in = in};

	verdict_clear(v);
	v->ok = true;
	say(v->tee, "sev");
	load(&k);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct check c = {.id = r->id, .link = r->link, .spec = is_ca(r->who) ? "AMD 55766 appendix B" : "AMD 55766 appendix C"};

		if (cas_only && !is_ca(r->who))
			continue;
		if (r->judge != read && k.read[r->who] != OK) {
			c.result = CHECK_SKIP; /* its read row has failed */
			say(c.found, "the certificate cannot be read");
		} else {
			c.result = r->judge(&k, r, &c);
		}
		if (c.result != CHECK_FAIL)
			c.cure[0] = 0;
		verdict_add(v, &c);
	}
	for (enum sev_link i = 0; i < SEV_LINK_COUNT; i++)
		EVP_PKEY_free(k.keys[i]);
}

bool sev_chain_split(struct slice all, struct slice certs[static SEV_LINK_COUNT])
{
	static const enum sev_link order[] = {SEV_LINK_PDH, SEV_LINK_PEK, SEV_LINK_OCA, SEV_LINK_CEK};
	const size_t own = ARRAY_COUNT(order) * SEV_CERT_SIZE;
	const size_t ca = all.size > own ? (all.size - own) / 2 : 0;

	if (ca == 0 || ca > SEV_CA_SIZE_MAX || all.size != own + 2 * ca)
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(order); i++)
		certs[order[i]] = slice_of(all.data + i * SEV_CERT_SIZE, SEV_CERT_SIZE);
	certs[SEV_LINK_ASK] = slice_of(all.data + own, ca);
	certs[SEV_LINK_ARK] = slice_of(all.data + own + ca, ca);
	return true;
}

void sev_ca_verify(const struct sev_chain_input *in, struct verdict *v)
{
	judge(in, true, v);
}

void sev_chain_verify(const struct sev_chain_input *in, struct verdict *v)
{
	judge(in, false, v);
}
