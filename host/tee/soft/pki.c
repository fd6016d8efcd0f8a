/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tee/soft/pki.h"

#include "lib/attest/soft_names.h"

const uint8_t soft_tcb[8] = {3, 0, 0, 0, 0, 0, 8, 115};

/* A fixed window, so that a wrong clock on a developer's machine is no riddle. */
static const char not_before[] = "20200101000000Z", not_after[] = "20700101000000Z";

static bool add_name(X509_NAME *name, const char *key, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static X509_NAME *name_of(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	if (name != NULL && add_name(name, "O", SOFT_ORG) && add_name(name, "CN", cn))
		return name;
	X509_NAME_free(name);
	return NULL;
}

static bool set_names(X509 *x, const char *cn, const char *issuer_cn)
{
	X509_NAME *subject = name_of(cn), *issuer = name_of(issuer_cn);
	bool ok = subject != NULL && issuer != NULL && X509_set_subject_name(x, subject) == 1 &&
	          X509_set_issuer_name(x, issuer) == 1;

	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return ok;
}

static bool set_serial(X509 *x, long serial)
{
	return ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1;
}

static X509 *blank(const char *cn, const char *issuer_cn, long serial, EVP_PKEY *key)
{
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x, serial) &&
	    set_names(x, cn, issuer_cn) && ASN1_TIME_set_string_X509(X509_getm_notBefore(x), not_before) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(x), not_after) == 1 && X509_set_pubkey(x, key) == 1)
		return x;
	X509_free(x);
	return NULL;
}

static bool add_ca(X509 *x, const char *constraints, const char *usage)
{
	const struct {
		int nid;
		const char *value;
	} each[] = {{NID_basic_constraints, constraints}, {NID_key_usage, usage}};

	for (unsigned i = 0; i < 2; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, each[i].nid, each[i].value);
		bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;

		X509_EXTENSION_free(e);
		if (!ok)
			return false;
	}
	return true;
}

static bool add_ext(X509 *x, const char *oid, const uint8_t *value, int size)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;
	bool ok = object != NULL && octets != NULL && ASN1_OCTET_STRING_set(octets, value, size) == 1 &&
	          (e = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets)) != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
	return ok;
}

static bool add_spl(X509 *x, unsigned arc, uint8_t value)
{
	/* DER INTEGER; a set top bit needs a zero byte in front */
	const uint8_t small[] = {2, 1, value}, large[] = {2, 2, 0, value};
	char oid[] = "1.3.6.1.4.1.3704.1.3.0";

	oid[sizeof oid - 2] = (char)('0' + arc);
	return value < 0x80 ? add_ext(x, oid, small, sizeof small) : add_ext(x, oid, large, sizeof large);
}

static bool add_amd_extensions(X509 *x)
{
	static const unsigned arc_of_byte[8] = {1, 2, 4, 5, 6, 7, 3, 8};
	static const uint8_t version[] = {2, 1, 0};
	uint8_t product[2 + sizeof SOFT_PRODUCT - 1] = {0x16, sizeof SOFT_PRODUCT - 1}, chip[SOFT_CHIP_ID_SIZE];

	memcpy(product + 2, SOFT_PRODUCT, sizeof SOFT_PRODUCT - 1);
	if (RAND_bytes(chip, sizeof chip) != 1 || !add_ext(x, "1.3.6.1.4.1.3704.1.1", version, sizeof version) ||
	    !add_ext(x, "1.3.6.1.4.1.3704.1.2", product, sizeof product))
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (!add_spl(x, arc_of_byte[i], soft_tcb[i]))
			return false;
	return add_ext(x, "1.3.6.1.4.1.3704.1.4", chip, sizeof chip);
}

static bool sign_pss384(X509 *x, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	bool ok = ctx != NULL && EVP_DigestSignInit(ctx, &pctx, EVP_sha384(), NULL, key) == 1 &&
	          EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	          EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 48) == 1 &&
	          EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha384()) == 1 && X509_sign_ctx(x, ctx) > 0;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool make_all(struct soft_pki *p, EVP_PKEY *ark, EVP_PKEY *ask)
{
	p->vcek_key = EVP_EC_gen("P-384");
	if (ark == NULL || ask == NULL || p->vcek_key == NULL)
		return false;
	p->ark = blank(SOFT_ROOT_CN, SOFT_ROOT_CN, 1, ark);
	p->ask = blank(SOFT_CA_CN, SOFT_ROOT_CN, 2, ask);
	p->vcek = blank(SOFT_KEY_CN, SOFT_CA_CN, 0, p->vcek_key);
	if (p->ark == NULL || p->ask == NULL || p->vcek == NULL)
		return false;
	return add_ca(p->ark, "critical,CA:TRUE", "critical,keyCertSign,cRLSign") &&
	       add_ca(p->ask, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign") && add_amd_extensions(p->vcek) &&
	       sign_pss384(p->ark, ark) && sign_pss384(p->ask, ark) && sign_pss384(p->vcek, ask);
}

enum err soft_pki_make(struct soft_pki *p, struct note *n)
{
	EVP_PKEY *ark = EVP_RSA_gen(4096), *ask = EVP_RSA_gen(4096);
	bool ok;

	*p = (struct soft_pki){0};
	ok = make_all(p, ark, ask);
	EVP_PKEY_free(ark);
	EVP_PKEY_free(ask);
	if (ok)
		return OK;
	soft_pki_free(p);
	return refuse(n, ERR_CRYPTO, "the keys of the software test root could not be made");
}

void soft_pki_free(struct soft_pki *p)
{
	X509_free(p->ark);
	X509_free(p->ask);
	X509_free(p->vcek);
	EVP_PKEY_free(p->vcek_key);
	*p = (struct soft_pki){0};
}
