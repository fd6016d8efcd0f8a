/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/sgx_sign.h"

#include "client/attest/say.h"
#include "client/attest/sev_key.h"

/* ---- numbers ---- */

struct quotients {
	BIGNUM *s, *n, *square, *q1, *rest, *product, *q2;
	BN_CTX *ctx;
};

static void quotients_free(struct quotients *q)
{
	BIGNUM *const all[] = {q->s, q->n, q->square, q->q1, q->rest, q->product, q->q2};

	for (size_t i = 0; i < ARRAY_COUNT(all); i++)
		BN_free(all[i]);
	BN_CTX_free(q->ctx);
}

/* What saves the CPU two divisions: Q1 = S*S / N, Q2 = S * (S*S mod N) / N, both rounded down. */
static bool quotients_of(struct slice s, struct slice n, struct quotients *q)
{
	*q = (struct quotients){BN_lebin2bn(s.data, (int)s.size, NULL), BN_lebin2bn(n.data, (int)n.size, NULL), BN_new(), BN_new(),
				BN_new(), BN_new(), BN_new(), BN_CTX_new()};
	return q->s != NULL && q->n != NULL && !BN_is_zero(q->n) && q->square != NULL && q->q1 != NULL && q->rest != NULL &&
	       q->product != NULL && q->q2 != NULL && q->ctx != NULL && BN_sqr(q->square, q->s, q->ctx) == 1 &&
	       BN_div(q->q1, q->rest, q->square, q->n, q->ctx) == 1 && BN_mul(q->product, q->s, q->rest, q->ctx) == 1 &&
	       BN_div(q->q2, NULL, q->product, q->n, q->ctx) == 1;
}

static bool number_is(const BIGNUM *v, struct slice le)
{
	uint8_t bytes[SGX_RSA_SIZE];

	return BN_bn2lebinpad(v, bytes, sizeof bytes) == (int)sizeof bytes && slice_equal(slice_of(bytes, sizeof bytes), le);
}

void sgx_mrsigner(struct slice modulus, uint8_t out[static 32])
{
	SHA256(modulus.data, modulus.size, out);
}

/* ---- judging ---- */

struct sig_case {
	const struct sgx_sigstruct_input *in;
	bool read;
	struct sgx_sigstruct s;
	EVP_PKEY *key;      /* NULL: the modulus is none of 3072 bits */
	struct quotients q;
	bool counted;
};

static enum check_result read(const struct sig_case *k, struct check *c)
{
	say(c->expected, "a SIGSTRUCT of %d bytes", SGX_SIGSTRUCT_SIZE);
	say(c->found, "%zu bytes", k->in->sigstruct.size);
	return pass_if(k->read);
}

static enum check_result headers(const struct sig_case *k, struct check *c)
{
	say(c->expected, "both headers as the manual has them");
	say(c->found, k->s.headers ? "they are" : "they are not");
	return pass_if(k->s.headers);
}

static enum check_result reserved(const struct sig_case *k, struct check *c)
{
	say(c->expected, "reserved bytes are zero");
	say(c->found, k->s.reserved ? "zero" : "not zero");
	return pass_if(k->s.reserved);
}

static enum check_result exponent(const struct sig_case *k, struct check *c)
{
	say(c->expected, "3");
	say(c->found, "%u", k->s.exponent);
	return pass_if(k->s.exponent == SGX_EXPONENT);
}

static enum check_result range(const struct sig_case *k, struct check *c)
{
	bool good = k->key != NULL && k->counted && BN_cmp(k->q.s, k->q.n) < 0;

	say(c->expected, "a modulus of 3072 bits and a signature below it");
	say(c->found, k->key == NULL ? "no modulus of 3072 bits" : good ? "so it is" : "the signature is not below the modulus");
	return pass_if(good);
}

static enum check_result signature(const struct sig_case *k, struct check *c)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t be[SGX_RSA_SIZE];
	int good = 0;

	for (size_t i = 0; i < sizeof be; i++)
		be[i] = k->s.signature.data[sizeof be - 1 - i];
	ERR_set_mark();
	if (ctx != NULL && k->key != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, k->key, NULL) == 1)
		good = EVP_DigestVerify(ctx, be, sizeof be, k->s.signed_part, sizeof k->s.signed_part);
	ERR_pop_to_mark();
	EVP_MD_CTX_free(ctx);
	say(c->expected, "a good signature by the key inside (PKCS #1 v1.5, SHA-256)");
	say(c->found, good == 1 ? "good" : "not by this key over these bytes");
	return pass_if(good == 1);
}

static enum check_result quotients(const struct sig_case *k, struct check *c)
{
	bool good = k->counted && number_is(k->q.q1, k->s.q1) && number_is(k->q.q2, k->s.q2);

	say(c->expected, "Q1 and Q2 follow from signature and modulus");
	say(c->found, good ? "they do" : "they do not: EINIT refuses it");
	return pass_if(good);
}

static enum check_result mrenclave(const struct sig_case *k, struct check *c)
{
	bool same = slice_equal(k->s.mrenclave, k->in->mrenclave);

	if (k->in->mrenclave.size == 0) {
		say(c->found, "not compared with an enclave");
		return CHECK_SKIP;
	}
	say(c->expected, "the MRENCLAVE of the enclave that it goes with");
	say(c->found, same ? "it is" : "another enclave's");
	return pass_if(same);
}

void sgx_sigstruct_verify(const struct sgx_sigstruct_input *in, struct verdict *v)
{
	static const uint8_t three[] = {SGX_EXPONENT};
	static const struct {
		const char *id;
		enum check_result (*judge)(const struct sig_case *k, struct check *c);
	} rows[] = {
		{"sgx.sigstruct.read", read}, /* the others need it */
		{"sgx.sigstruct.headers", headers},
		{"sgx.sigstruct.reserved", reserved},
		{"sgx.sigstruct.exponent", exponent},
		{"sgx.sigstruct.range", range},
		{"sgx.sigstruct.signature", signature},
		{"sgx.sigstruct.quotients", quotients},
		{"sgx.sigstruct.mrenclave", mrenclave},
	};
	struct sig_case k = {.in = in};

	verdict_clear(v);
	v->ok = true;
	say(v->tee, "sgx");
	k.read = sgx_sigstruct_parse(in->sigstruct, &k.s) == OK;
	if (k.read) {
		k.key = sev_rsa_key(slice_of(three, sizeof three), k.s.modulus);
		k.counted = quotients_of(k.s.signature, k.s.modulus, &k.q);
		memcpy(v->measurement, k.s.mrenclave.data, k.s.mrenclave.size);
		v->measurement_size = k.s.mrenclave.size;
	}
	for (size_t i = 0; i < (k.read ? ARRAY_COUNT(rows) : 1); i++) {
		struct check c = {.id = rows[i].id, .link = "measurement", .spec = "Intel SDM vol. 3D, EINIT"};

		c.result = rows[i].judge(&k, &c);
		verdict_add(v, &c);
	}
	quotients_free(&k.q);
	EVP_PKEY_free(k.key);
}

/* ---- signing ---- */

static bool key_fits(EVP_PKEY *key, uint8_t modulus[static SGX_RSA_SIZE])
{
	BIGNUM *n = NULL, *e = NULL;
	bool good = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) == 8 * SGX_RSA_SIZE &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, SGX_EXPONENT) == 1 &&
		    BN_bn2lebinpad(n, modulus, SGX_RSA_SIZE) == SGX_RSA_SIZE;

	BN_free(n);
	BN_free(e);
	return good;
}

static bool sign(EVP_PKEY *key, const uint8_t data[static SGX_SIGNED_SIZE], uint8_t le[static SGX_RSA_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t be[SGX_RSA_SIZE];
	size_t size = sizeof be;
	bool good = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestSign(ctx, be, &size, data, SGX_SIGNED_SIZE) == 1 && size == sizeof be;

	for (size_t i = 0; good && i < sizeof be; i++)
		le[i] = be[sizeof be - 1 - i];
	EVP_MD_CTX_free(ctx);
	return good;
}

static enum err finish(struct sgx_sigstruct *s, uint8_t out[static SGX_SIGSTRUCT_SIZE])
{
	uint8_t q1[SGX_RSA_SIZE], q2[SGX_RSA_SIZE];
	struct quotients q;
	enum err err = ERR_CRYPTO;

	if (quotients_of(s->signature, s->modulus, &q) && BN_bn2lebinpad(q.q1, q1, sizeof q1) == (int)sizeof q1 &&
	    BN_bn2lebinpad(q.q2, q2, sizeof q2) == (int)sizeof q2) {
		s->q1 = slice_of(q1, sizeof q1);
		s->q2 = slice_of(q2, sizeof q2);
		err = sgx_sigstruct_write(s, out);
	}
	s->q1 = s->q2 = slice_of(NULL, 0); /* what they showed ends here */
	quotients_free(&q);
	return err;
}

enum err sgx_sigstruct_sign(EVP_PKEY *key, const struct sgx_sigstruct *fields, uint8_t out[static SGX_SIGSTRUCT_SIZE],
			    struct note *n)
{
	struct sgx_sigstruct s = *fields;
	uint8_t modulus[SGX_RSA_SIZE], signature_le[SGX_RSA_SIZE], data[SGX_SIGNED_SIZE];

	if (!key_fits(key, modulus))
		return refuse(n, ERR_INVALID, "SGX wants an RSA key of 3072 bits with exponent 3; `broch key new --type sgx` makes one");
	TRY(sgx_sigstruct_signed_part(&s, data));
	if (!sign(key, data, signature_le))
		return refuse(n, ERR_CRYPTO, "signing failed");
	s.modulus = slice_of(modulus, sizeof modulus);
	s.signature = slice_of(signature_le, sizeof signature_le);
	s.exponent = SGX_EXPONENT;
	return finish(&s, out);
}
