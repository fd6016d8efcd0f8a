/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft-snp: what SNP firmware would do, without the hardware that makes it true. The launch digest is the real one, the
 * report has the real form and a real signature; the key is a file. So every byte of the verifier is exercised, and
 * nothing is protected.
 */
#include "host/tee/soft/store.h"
#include "host/tee/tee.h"
#include "lib/attest/envelope.h"
#include "lib/attest/snp_report.h"
#include "lib/attest/soft_names.h"
#include "lib/measure/measure.h"

#include <stdlib.h>

struct der {
	unsigned char *data; /* OPENSSL_malloc'ed */
	int size;
};

struct tee {
	EVP_PKEY *key;
	struct der ark, ask, vcek;
	uint8_t chip_id[SOFT_CHIP_ID_SIZE];
	uint8_t report_id[32]; /* one for the life of the guest */
	uint8_t measurement[MEASURE_SNP_SIZE];
	bool launched;
};

static bool der_of(X509 *x, struct der *out)
{
	out->size = i2d_X509(x, &out->data);
	return out->size > 0;
}

static bool chip_id_of(X509 *vcek, uint8_t out[static SOFT_CHIP_ID_SIZE])
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.3704.1.4", 1);
	int at = oid == NULL ? -1 : X509_get_ext_by_OBJ(vcek, oid, -1);
	const ASN1_OCTET_STRING *v = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(vcek, at));

	ASN1_OBJECT_free(oid);
	if (v == NULL || ASN1_STRING_length(v) != SOFT_CHIP_ID_SIZE)
		return false;
	memcpy(out, ASN1_STRING_get0_data(v), SOFT_CHIP_ID_SIZE);
	return true;
}

static void soft_close(struct tee *t)
{
	if (t == NULL)
		return;
	EVP_PKEY_free(t->key);
	OPENSSL_free(t->ark.data);
	OPENSSL_free(t->ask.data);
	OPENSSL_free(t->vcek.data);
	free(t);
}

/* R and S, little-endian, into the two 72-byte fields. */
static bool scalars(const unsigned char *der, size_t size, uint8_t r[static SNP_SCALAR_SIZE],
                    uint8_t s[static SNP_SCALAR_SIZE])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)size);
	bool ok = sig != NULL && BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), r, SNP_SCALAR_SIZE) > 0 &&
	          BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), s, SNP_SCALAR_SIZE) > 0;

	ECDSA_SIG_free(sig);
	return ok;
}

static bool sign(const struct tee *t, uint8_t report[static SNP_REPORT_SIZE])
{
	unsigned char der[128];
	size_t size = sizeof der;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA384", NULL, NULL, t->key, NULL) == 1 &&
	          EVP_DigestSign(ctx, der, &size, report, SNP_REPORT_SIGNED) == 1 &&
	          scalars(der, size, report + SNP_REPORT_SIGNED, report + SNP_REPORT_SIGNED + SNP_SCALAR_SIZE);

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Makes OpenSSL load and seed all it needs to sign, so that later none of it touches a file. */
static bool warm_up(const struct tee *t)
{
	uint8_t scratch[32];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA384", NULL, NULL, t->key, NULL) == 1 &&
	          RAND_priv_bytes(scratch, sizeof scratch) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool fill(struct tee *t, struct soft_pki *p)
{
	if (!der_of(p->ark, &t->ark) || !der_of(p->ask, &t->ask) || !der_of(p->vcek, &t->vcek) ||
	    !chip_id_of(p->vcek, t->chip_id) || RAND_bytes(t->report_id, sizeof t->report_id) != 1)
		return false;
	t->key = p->vcek_key;
	p->vcek_key = NULL;
	return warm_up(t);
}

static enum err soft_open(const char *state_dir, struct tee **out, struct note *n)
{
	struct soft_pki p = {0};
	struct tee *t = calloc(1, sizeof *t);
	enum err err = t == NULL ? ERR_NOMEM : soft_store_open(state_dir, &p, n);

	if (err == OK && !fill(t, &p))
		err = refuse(n, ERR_CRYPTO, "the software test root in %s cannot sign: remove its folder soft-snp",
		             state_dir);
	soft_pki_free(&p);
	if (err != OK) {
		soft_close(t);
		return err;
	}
	*out = t;
	return OK;
}

static enum err soft_launched(struct tee *t, const struct plan *p, struct note *n)
{
	if (t->launched)
		return refuse(n, ERR_STATE, "this guest was launched before");
	TRY(measure_snp(p, t->measurement));
	t->launched = true;
	return OK;
}

static enum err report_of(const struct tee *t, const uint8_t report_data[static 64],
                          uint8_t out[static SNP_REPORT_SIZE])
{
	static const struct snp_firmware firmware = {.build = 1, .minor = 55, .major = 1};
	struct slice tcb = slice_of(soft_tcb, sizeof soft_tcb);
	uint8_t no_agent[32];
	struct snp_report r = {
	        .version = 3,
	        .policy = SNP_POLICY_ONE | SNP_POLICY_SMT,
	        .vmpl = 0,
	        .signature_algo = SNP_ALGO_ECDSA_P384_SHA384,
	        .current_tcb = tcb,
	        .platform_info = 1, /* SMT */
	        .report_data = slice_of(report_data, 64),
	        .measurement = slice_of(t->measurement, sizeof t->measurement),
	        .report_id = slice_of(t->report_id, sizeof t->report_id),
	        .report_id_ma = slice_of(no_agent, sizeof no_agent),
	        .reported_tcb = tcb,
	        .cpu_family = SOFT_CPU_FAMILY,
	        .cpu_model = SOFT_CPU_MODEL,
	        .chip_id = slice_of(t->chip_id, sizeof t->chip_id),
	        .committed_tcb = tcb,
	        .current = firmware,
	        .committed = firmware,
	        .launch_tcb = tcb,
	};

	memset(no_agent, 0xff, sizeof no_agent);
	TRY(snp_report_write(&r, out));
	return sign(t, out) ? OK : ERR_CRYPTO;
}

static enum err soft_evidence(struct tee *t, const uint8_t report_data[static 64], uint8_t *out, size_t capacity,
                              size_t *size, struct note *n)
{
	uint8_t report[SNP_REPORT_SIZE];
	struct envelope e = {
	        .tee = slice_text(SOFT_TEE_NAME),
	        .evidence = slice_of(report, sizeof report),
	        .collateral = {{slice_text("ark"), slice_of(t->ark.data, (size_t)t->ark.size)},
	                       {slice_text("ask"), slice_of(t->ask.data, (size_t)t->ask.size)},
	                       {slice_text("vcek"), slice_of(t->vcek.data, (size_t)t->vcek.size)}},
	        .collateral_count = 3,
	};

	if (!t->launched)
		return refuse(n, ERR_STATE, "no guest was launched, so there is nothing to report on");
	if (report_of(t, report_data, report) != OK)
		return refuse(n, ERR_CRYPTO, "the software stand-in could not sign");
	return envelope_encode(&e, out, capacity, size);
}

const struct tee_backend tee_soft_snp = {
        .name = SOFT_TEE_NAME,
        .open = soft_open,
        .launched = soft_launched,
        .evidence = soft_evidence,
        .close = soft_close,
};
