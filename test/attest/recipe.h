/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence baked to order: a recipe says everything that a platform, its certificates and its report say, and bake()
 * makes bytes of it, properly signed unless the recipe says otherwise. Tests change one thing in a good recipe.
 */
#ifndef BROCH_TEST_RECIPE_H
#define BROCH_TEST_RECIPE_H

#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"
#include "lib/attest/snp_report.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECIPE_AT = 1764547200 /* 2025-12-01 */, RECIPE_SERIALS = 4 };

/* Those from KEY_COUNT on lie in no file: tests that use them make them. */
enum recipe_key {
	KEY_ROOT,
	KEY_ISSUER,
	KEY_SMALL,
	KEY_PLATFORM,
	KEY_P256,
	KEY_COUNT,
	KEY_SIGNER = KEY_COUNT,
	KEY_ATTESTATION,
	KEY_FOREIGN,
	KEY_MAX
};

struct recipe_sign { /* how something is signed */
	enum recipe_key by;
	bool pkcs1; /* not PSS */
	const char *hash, *mask_hash;
	int salt;
};

struct recipe_cert {
	bool absent;
	enum recipe_key key;
	long serial;
	const char *cn, *issuer_cn;
	const char *from, *to; /* YYYYMMDDHHMMSSZ */
	const char *constraints, *usage, *critical_oid, *twice_oid;
	const char *ext_oid; /* one more extension, with this value; NULL: none */
	struct slice ext;
	bool no_version;     /* version 1, and no extension */
	struct recipe_sign sign;
	void (*spoil)(uint8_t *der, size_t *size); /* last, on the finished bytes; room for 16 more */
};

struct recipe_crl {
	bool present;
	const char *issuer_cn, *from, *to; /* to NULL: no nextUpdate */
	long revoked[RECIPE_SERIALS];
	struct recipe_sign sign;
	void (*spoil)(uint8_t *der, size_t *size);
};

struct recipe {
	struct recipe_cert root, issuer, platform;
	struct recipe_crl crl;
	bool foreign_crl;      /* another product's list stands before it */
	/* AMD extensions of the platform key */
	const char *product;
	int spl[10];           /* by arc, -1: left out */
	bool spl_malformed;    /* 3.8 is a negative number */
	uint8_t hwid[64];
	size_t hwid_size;
	bool hwid_wrapped;
	bool vlek;             /* offered under this name */
	/* report: struct first, then single bytes, then the signature, then single bytes again */
	struct snp_report report;
	uint8_t tcb[8], committed[8], current[8], launch[8], chip[64], measurement[48], data[64];
	struct { uint16_t at; uint8_t value; } before, after;
	size_t report_cut;
	bool zero_signature, whole_order; /* R and S zero; R is the order of the curve */
	const char *tee;
	bool spoil_envelope;
	/* what the relying party knows and wants */
	struct policy policy;
	struct snp_root_pin pin;
	bool spoil_pin;
	uint8_t want_data[64];
	size_t want_data_size;
};

struct baked {
	uint8_t *root, *issuer, *platform, *crl, *foreign;
	size_t root_size, issuer_size, platform_size, crl_size, foreign_size;
	uint8_t report[SNP_REPORT_SIZE];
	uint8_t envelope[ENVELOPE_SIZE_MAX];
	size_t envelope_size;
};

/* ---- keys ---- */

static EVP_PKEY *recipe_keys[KEY_MAX];

static inline bool recipe_load_keys(void)
{
	static const char *const names[KEY_COUNT] = {"root", "issuer", "small", "platform", "p256"};

	for (int i = 0; i < KEY_COUNT; i++) {
		char path[100];
		FILE *f;

		snprintf(path, sizeof path, "test/attest/keys/%s.pem", names[i]);
		f = fopen(path, "re");
		if (f == NULL)
			return false;
		recipe_keys[i] = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
		if (recipe_keys[i] == NULL)
			return false;
	}
	return true;
}

static inline void recipe_free_keys(void)
{
	for (int i = 0; i < KEY_MAX; i++)
		EVP_PKEY_free(recipe_keys[i]);
}

/* ---- the good recipe ---- */

static inline void recipe_good(struct recipe *r)
{
	static const struct recipe_sign by_root = {KEY_ROOT, false, "SHA384", "SHA384", 48};
	static const struct recipe_sign by_issuer = {KEY_ISSUER, false, "SHA384", "SHA384", 48};
	static const int spl[10] = {-1, 3, 0, 8, 0, 0, 0, 0, 115, -1};
	static const uint8_t tcb[8] = {3, 0, 0, 0, 0, 0, 8, 115};

	memset(r, 0, sizeof *r);
	r->root = (struct recipe_cert){.key = KEY_ROOT, .serial = 0x10000, .cn = "ARK-Milan", .issuer_cn = "ARK-Milan",
				       .from = "20200101000000Z", .to = "20450101000000Z", .constraints = "critical,CA:TRUE",
				       .usage = "critical,keyCertSign,cRLSign", .sign = by_root};
	r->issuer = (struct recipe_cert){.key = KEY_ISSUER, .serial = 0x10001, .cn = "SEV-Milan", .issuer_cn = "ARK-Milan",
					 .from = "20200101000000Z", .to = "20450101000000Z",
					 .constraints = "critical,CA:TRUE,pathlen:0", .usage = "critical,keyCertSign",
					 .sign = by_root};
	r->platform = (struct recipe_cert){.key = KEY_PLATFORM, .serial = 0, .cn = "SEV-VCEK", .issuer_cn = "SEV-Milan",
					   .from = "20240101000000Z", .to = "20310101000000Z", .sign = by_issuer};
	r->crl = (struct recipe_crl){.present = true, .issuer_cn = "ARK-Milan", .from = "20250601000000Z",
				     .to = "20260601000000Z", .sign = by_root};
	r->product = "Milan-B0";
	memcpy(r->spl, spl, sizeof spl);
	for (int i = 0; i < 64; i++)
		r->chip[i] = r->hwid[i] = (uint8_t)(i + 1);
	r->hwid_size = 64;
	memcpy(r->tcb, tcb, 8);
	memcpy(r->committed, tcb, 8);
	memcpy(r->current, tcb, 8);
	memcpy(r->launch, tcb, 8);
	memset(r->measurement, 0x4d, sizeof r->measurement);
	memset(r->data, 0xda, sizeof r->data);
	memset(r->want_data, 0xda, sizeof r->want_data);
	r->want_data_size = 64;
	r->tee = "snp";
	r->report = (struct snp_report){.version = 3, .guest_svn = 1, .policy = SNP_POLICY_ONE | SNP_POLICY_SMT,
					.signature_algo = SNP_ALGO_ECDSA_P384_SHA384, .platform_info = 0x40 | 1,
					.cpu_family = 0x19, .cpu_model = 0x01, .cpu_stepping = 1};
	r->policy.snp = (struct snp_rules){.accepted = true, .products = 1u << SNP_MILAN, .vcek = true, .smt = true,
					   .crl_required = true};
	r->policy.snp.minimum[SNP_MILAN] = (struct snp_tcb){{3, 0, 8, 115, 0}};
	r->pin.product = SNP_MILAN;
}

/* ---- certificates ---- */

static inline bool recipe_must(bool ok)
{
	if (!ok) {
		fprintf(stderr, "recipe: cannot bake\n");
		abort();
	}
	return ok;
}

static inline X509_NAME *recipe_name(const char *cn)
{
	X509_NAME *n = X509_NAME_new();

	recipe_must(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Look-alike", -1, -1, 0) == 1 &&
		    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1);
	return n;
}

static inline EVP_MD_CTX *recipe_signer(const struct recipe_sign *s)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	recipe_must(EVP_DigestSignInit(ctx, &p, EVP_get_digestbyname(s->hash), NULL, recipe_keys[s->by]) == 1);
	if (!s->pkcs1)
		recipe_must(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(p, s->salt) == 1 &&
			    EVP_PKEY_CTX_set_rsa_mgf1_md(p, EVP_get_digestbyname(s->mask_hash)) == 1);
	return ctx;
}

static inline void recipe_ext(X509 *x, const char *oid, int critical, const uint8_t *value, int size)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	recipe_must(ASN1_OCTET_STRING_set(s, value, size) == 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, s);
	recipe_must(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
}

static inline void recipe_conf(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (value == NULL)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	recipe_must(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static inline void recipe_amd(X509 *x, const struct recipe *r)
{
	static const uint8_t version[] = {2, 1, 0};
	uint8_t value[80];
	char oid[40];

	recipe_ext(x, "1.3.6.1.4.1.3704.1.1", 0, version, sizeof version);
	value[0] = 0x16;
	value[1] = (uint8_t)strlen(r->product);
	memcpy(value + 2, r->product, value[1]);
	recipe_ext(x, "1.3.6.1.4.1.3704.1.2", 0, value, value[1] + 2);
	for (int i = 1; i < 10; i++) {
		int size = r->spl[i] < 0x80 ? 3 : 4;
		const uint8_t small[] = {2, 1, (uint8_t)r->spl[i]};
		const uint8_t large[] = {2, 2, (uint8_t)(r->spl[i] >> 8), (uint8_t)r->spl[i]};

		if (r->spl[i] < 0)
			continue;
		memcpy(value, size == 3 ? small : large, (size_t)size);
		if (r->spl_malformed && i == 8)
			value[2] = 0x80;
		snprintf(oid, sizeof oid, "1.3.6.1.4.1.3704.1.3.%d", i);
		recipe_ext(x, oid, 0, value, size);
	}
	memcpy(value, (uint8_t[]){4, (uint8_t)r->hwid_size}, 2);
	memcpy(value + 2, r->hwid, r->hwid_size);
	if (r->hwid_size > 0)
		recipe_ext(x, "1.3.6.1.4.1.3704.1.4", 0, r->hwid_wrapped ? value : value + 2,
			   (int)r->hwid_size + (r->hwid_wrapped ? 2 : 0));
}

static inline uint8_t *recipe_cert(const struct recipe_cert *c, const struct recipe *r, size_t *size)
{
	static const uint8_t nothing[] = {5, 0};
	X509 *x = X509_new();
	X509_NAME *subject = recipe_name(c->cn), *issuer = recipe_name(c->issuer_cn);
	EVP_MD_CTX *ctx = recipe_signer(&c->sign);
	unsigned char *der = NULL;
	uint8_t *out;
	int n;

	recipe_must(X509_set_version(x, c->no_version ? 0 : 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial) == 1 &&
		    X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
		    ASN1_TIME_set_string_X509(X509_getm_notBefore(x), c->from) == 1 &&
		    ASN1_TIME_set_string_X509(X509_getm_notAfter(x), c->to) == 1 &&
		    X509_set_pubkey(x, recipe_keys[c->key]) == 1);
	recipe_conf(x, NID_basic_constraints, c->constraints);
	recipe_conf(x, NID_key_usage, c->usage);
	if (c->ext_oid != NULL)
		recipe_ext(x, c->ext_oid, 0, c->ext.data, (int)c->ext.size);
	if (r != NULL)
		recipe_amd(x, r);
	if (c->critical_oid != NULL)
		recipe_ext(x, c->critical_oid, 1, nothing, sizeof nothing);
	for (int i = 0; c->twice_oid != NULL && i < 2; i++)
		recipe_ext(x, c->twice_oid, 0, nothing, sizeof nothing);
	recipe_must(X509_sign_ctx(x, ctx) > 0);
	n = i2d_X509(x, &der);
	recipe_must(n > 0);
	out = malloc((size_t)n + 16);
	recipe_must(out != NULL);
	memcpy(out, der, (size_t)n);
	*size = (size_t)n;
	if (c->spoil != NULL)
		c->spoil(out, size);
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	X509_free(x);
	return out;
}

static inline uint8_t *recipe_crl(const struct recipe_crl *c, size_t *size)
{
	X509_CRL *x = X509_CRL_new();
	X509_NAME *issuer = recipe_name(c->issuer_cn);
	EVP_MD_CTX *ctx = recipe_signer(&c->sign);
	ASN1_TIME *from = ASN1_TIME_new(), *to = ASN1_TIME_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	unsigned char *der = NULL;
	uint8_t *out;
	int n;

	recipe_must(X509_CRL_set_version(x, 1) == 1 && X509_CRL_set_issuer_name(x, issuer) == 1 &&
		    ASN1_TIME_set_string_X509(from, c->from) == 1 && X509_CRL_set1_lastUpdate(x, from) == 1);
	if (c->to != NULL)
		recipe_must(ASN1_TIME_set_string_X509(to, c->to) == 1 && X509_CRL_set1_nextUpdate(x, to) == 1);
	recipe_must(ASN1_INTEGER_set(number, 7) == 1 && X509_CRL_add1_ext_i2d(x, NID_crl_number, number, 0, 0) == 1);
	for (int i = 0; i < RECIPE_SERIALS && c->revoked[i] != 0; i++) {
		X509_REVOKED *e = X509_REVOKED_new();

		recipe_must(ASN1_INTEGER_set(number, c->revoked[i]) == 1 && X509_REVOKED_set_serialNumber(e, number) == 1 &&
			    X509_REVOKED_set_revocationDate(e, from) == 1 && X509_CRL_add0_revoked(x, e) == 1);
	}
	recipe_must(X509_CRL_sign_ctx(x, ctx) > 0);
	n = i2d_X509_CRL(x, &der);
	recipe_must(n > 0);
	out = malloc((size_t)n + 16);
	recipe_must(out != NULL);
	memcpy(out, der, (size_t)n);
	*size = (size_t)n;
	if (c->spoil != NULL)
		c->spoil(out, size);
	OPENSSL_free(der);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	EVP_MD_CTX_free(ctx);
	X509_NAME_free(issuer);
	X509_CRL_free(x);
	return out;
}

/* ---- signatures as two numbers ---- */

/* R and S, big-endian and `size` bytes each. */
static inline void recipe_pair(EVP_PKEY *key, const char *hash, struct slice data, int size, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[160];
	const unsigned char *p = der;
	size_t der_size = sizeof der;
	ECDSA_SIG *sig;

	recipe_must(EVP_DigestSignInit_ex(ctx, NULL, hash, NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestSign(ctx, der, &der_size, data.data, data.size) == 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_size);
	recipe_must(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, size) == size &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, size) == size);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* ---- report ---- */

static inline void recipe_sign_report(const struct recipe *r, uint8_t *report)
{
	uint8_t pair[2 * 72];

	recipe_pair(recipe_keys[r->platform.key], "SHA384", slice_of(report, SNP_REPORT_SIGNED), 72, pair);
	for (size_t i = 0; i < 72; i++) {
		report[SNP_REPORT_SIGNED + i] = pair[71 - i];
		report[SNP_REPORT_SIGNED + 72 + i] = pair[143 - i];
	}
}

static inline void recipe_report(struct recipe *r, uint8_t *out)
{
	r->report.reported_tcb = slice_of(r->tcb, 8);
	r->report.committed_tcb = slice_of(r->committed, 8);
	r->report.current_tcb = slice_of(r->current, 8);
	r->report.launch_tcb = slice_of(r->launch, 8);
	r->report.chip_id = slice_of(r->chip, 64);
	r->report.measurement = slice_of(r->measurement, 48);
	r->report.report_data = slice_of(r->data, 64);
	recipe_must(snp_report_write(&r->report, out) == OK);
	if (r->before.value != 0)
		out[r->before.at] ^= r->before.value;
	recipe_sign_report(r, out);
	if (r->zero_signature)
		memset(out + SNP_REPORT_SIGNED, 0, 144);
	if (r->whole_order) {
		EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_secp384r1);

		BN_bn2lebinpad(EC_GROUP_get0_order(g), out + SNP_REPORT_SIGNED, 72);
		EC_GROUP_free(g);
	}
	if (r->after.value != 0)
		out[r->after.at] ^= r->after.value;
}

/* ---- all together ---- */

static inline void recipe_add(struct envelope *e, const char *name, const uint8_t *data, size_t size)
{
	if (data != NULL)
		e->collateral[e->collateral_count++] = (struct envelope_item){slice_text(name), slice_of(data, size)};
}

static inline void recipe_pin(struct recipe *r)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(recipe_keys[r->root.key], &der);

	recipe_must(n > 0);
	SHA256(der, (size_t)n, r->pin.spki_sha256);
	OPENSSL_free(der);
	if (r->spoil_pin)
		r->pin.spki_sha256[0] ^= 1;
	r->policy.snp.roots = &r->pin;
	r->policy.snp.root_count = 1;
	if (!r->policy.snp.any_measurement && r->policy.measurements.count == 0)
		r->policy.measurements = (struct digest_list){r->measurement, 48, 1};
}

static inline struct baked *bake(struct recipe *r)
{
	struct baked *b = calloc(1, sizeof *b);
	struct envelope e = {.tee = slice_text(r->tee)};

	recipe_must(b != NULL);
	if (!r->root.absent)
		b->root = recipe_cert(&r->root, NULL, &b->root_size);
	if (!r->issuer.absent)
		b->issuer = recipe_cert(&r->issuer, NULL, &b->issuer_size);
	if (!r->platform.absent)
		b->platform = recipe_cert(&r->platform, r, &b->platform_size);
	if (r->crl.present)
		b->crl = recipe_crl(&r->crl, &b->crl_size);
	if (r->foreign_crl) {
		struct recipe_crl other = r->crl;

		other.issuer_cn = "ARK-Genoa";
		b->foreign = recipe_crl(&other, &b->foreign_size);
	}
	recipe_report(r, b->report);
	recipe_pin(r);
	e.evidence = slice_of(b->report, SNP_REPORT_SIZE - r->report_cut);
	recipe_add(&e, "ark", b->root, b->root_size);
	recipe_add(&e, "ask", b->issuer, b->issuer_size);
	recipe_add(&e, "crl", r->foreign_crl ? b->foreign : b->crl, r->foreign_crl ? b->foreign_size : b->crl_size);
	recipe_add(&e, r->vlek ? "vlek" : "vcek", b->platform, b->platform_size);
	if (r->foreign_crl)
		recipe_add(&e, "crl-2", b->crl, b->crl_size);
	recipe_must(envelope_encode(&e, b->envelope, sizeof b->envelope, &b->envelope_size) == OK);
	if (r->spoil_envelope)
		b->envelope_size--;
	return b;
}

static inline void baked_free(struct baked *b)
{
	free(b->root);
	free(b->issuer);
	free(b->platform);
	free(b->crl);
	free(b->foreign);
	free(b);
}

static inline void recipe_judge(struct recipe *r, struct verdict *v)
{
	struct baked *b = bake(r);
	struct verify_input in = {slice_of(b->envelope, b->envelope_size), slice_of(r->want_data, r->want_data_size),
				  &r->policy, RECIPE_AT};

	verify_evidence(&in, v);
	baked_free(b);
}

#endif
