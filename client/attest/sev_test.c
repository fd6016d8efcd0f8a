/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A platform made here, then one change each: one check fails, and each check has a change that fails it. The same for
 * the launch measurement and the report.
 */
#include "client/attest/sev.h"

#include "client/attest/sev_key.h"
#include "lib/base/ct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CA_SIZE = SEV_CA_HEAD + 3 * 512, CA_SIGNATURE = SEV_CA_HEAD + 2 * 512, X = 20, SIGNATURE_1 = 0x414, SIGNATURE_2 = 0x61c };

static EVP_PKEY *keys[SEV_LINK_COUNT], *stranger;
static uint8_t certs[SEV_LINK_COUNT][SEV_CERT_SIZE];
static size_t sizes[SEV_LINK_COUNT];
static uint8_t root[SPKI_DIGEST_SIZE];
static uint8_t api_minor_min;
static uint8_t known[2][SPKI_DIGEST_SIZE]; /* the keys of the CEK and of the OCA */
static struct digest_list ceks = {known[0], SPKI_DIGEST_SIZE, 1}, ocas = {known[1], SPKI_DIGEST_SIZE, 1};

static void put32(uint8_t *at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static EVP_PKEY *load(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		fclose(f);
	return key;
}

static void number(EVP_PKEY *key, const char *name, uint8_t *out, int size)
{
	BIGNUM *v = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &v), 1);
	assert_int_equal(BN_bn2lebinpad(v, out, size), size);
	BN_free(v);
}

static size_t digest_sign(EVP_PKEY *key, const char *hash, bool pss, struct slice data, uint8_t *out, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k = NULL;

	assert_int_equal(EVP_DigestSignInit_ex(ctx, &k, hash, NULL, NULL, key, NULL), 1);
	if (pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(k, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, out, &size, data.data, data.size), 1);
	EVP_MD_CTX_free(ctx);
	return size;
}

static void sign_rsa(EVP_PKEY *key, const char *hash, struct slice data, uint8_t *out)
{
	uint8_t be[512];

	assert_int_equal(digest_sign(key, hash, true, data, be, sizeof be), 512);
	for (unsigned i = 0; i < 512; i++)
		out[i] = be[511 - i];
}

static void sign_ec(EVP_PKEY *key, struct slice data, uint8_t *out)
{
	uint8_t der[160];
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)digest_sign(key, "SHA256", false, data, der, sizeof der));

	memset(out, 0, SEV_SIGNATURE_SIZE);
	assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), out, 72), 72);
	assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), out + 72, 72), 72);
	ECDSA_SIG_free(sig);
}

static void sign_ca(enum sev_link who, EVP_PKEY *by)
{
	sign_rsa(by, "SHA384", slice_of(certs[who], CA_SIGNATURE), certs[who] + CA_SIGNATURE);
}

static void ca(enum sev_link who, uint32_t usage, uint8_t id, uint8_t signer)
{
	uint8_t *b = certs[who];

	memset(b, 0, SEV_CERT_SIZE);
	sizes[who] = CA_SIZE;
	put32(b, 1);
	b[4] = id;
	b[20] = signer;
	put32(b + 36, usage);
	put32(b + 56, 4096);
	put32(b + 60, 4096);
	number(keys[who], OSSL_PKEY_PARAM_RSA_E, b + 64, 512);
	number(keys[who], OSSL_PKEY_PARAM_RSA_N, b + 64 + 512, 512);
	sign_ca(who, keys[SEV_LINK_ARK]);
}

/* Signs in the first place, or the second. */
static void sign_as(enum sev_link who, size_t at, enum sev_usage usage, EVP_PKEY *by)
{
	uint8_t *b = certs[who];
	const struct slice data = slice_of(b, SEV_CERT_SIGNED);

	put32(b + at, usage);
	put32(b + at + 4, usage == SEV_ASK ? SEV_RSA_SHA384 : SEV_ECDSA_SHA256);
	if (usage == SEV_ASK)
		sign_rsa(by, "SHA384", data, b + at + 8);
	else
		sign_ec(by, data, b + at + 8);
}

static void sign(enum sev_link who)
{
	switch (who) {
	case SEV_LINK_CEK: sign_as(who, SIGNATURE_1, SEV_ASK, keys[SEV_LINK_ASK]); break;
	case SEV_LINK_OCA: sign_as(who, SIGNATURE_1, SEV_OCA, keys[SEV_LINK_OCA]); break;
	case SEV_LINK_PEK:
		sign_as(who, SIGNATURE_1, SEV_OCA, keys[SEV_LINK_OCA]);
		sign_as(who, SIGNATURE_2, SEV_CEK, keys[SEV_LINK_CEK]);
		break;
	case SEV_LINK_PDH: sign_as(who, SIGNATURE_1, SEV_PEK, keys[SEV_LINK_PEK]); break;
	default: fail();
	}
}

static void cert(enum sev_link who, uint32_t usage, uint32_t algorithm)
{
	uint8_t *b = certs[who];

	memset(b, 0, SEV_CERT_SIZE);
	sizes[who] = SEV_CERT_SIZE;
	put32(b, 1);
	b[5] = 24;
	put32(b + 8, usage);
	put32(b + 12, algorithm);
	put32(b + 16, SEV_CURVE_P384);
	number(keys[who], OSSL_PKEY_PARAM_EC_PUB_X, b + X, 72);
	number(keys[who], OSSL_PKEY_PARAM_EC_PUB_Y, b + X + 72, 72);
	put32(b + SIGNATURE_1, SEV_NOBODY);
	put32(b + SIGNATURE_2, SEV_NOBODY);
	sign(who);
}

static void good(void)
{
	ca(SEV_LINK_ARK, SEV_ARK, 1, 1);
	ca(SEV_LINK_ASK, SEV_ASK, 2, 1);
	cert(SEV_LINK_CEK, SEV_CEK, SEV_ECDSA_SHA256);
	cert(SEV_LINK_OCA, SEV_OCA, SEV_ECDSA_SHA256);
	cert(SEV_LINK_PEK, SEV_PEK, SEV_ECDSA_SHA256);
	cert(SEV_LINK_PDH, SEV_PDH, SEV_ECDH_SHA256);
	assert_true(sev_spki(keys[SEV_LINK_ARK], root));
	assert_true(sev_spki(keys[SEV_LINK_CEK], known[0]) && sev_spki(keys[SEV_LINK_OCA], known[1]));
	api_minor_min = 0;
}

#define CHANGE(name, ...)                                                                                              \
	static void name(void)                                                                                         \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}
#define OF(who) certs[SEV_LINK_##who]
CHANGE(ark_cut, sizes[SEV_LINK_ARK] = 64 + 512)
CHANGE(ark_version, put32(OF(ARK), 2))
CHANGE(ark_bits, put32(OF(ARK) + 60, 1024))
CHANGE(ark_as_ask, put32(OF(ARK) + 36, SEV_ASK); sign_ca(SEV_LINK_ARK, keys[SEV_LINK_ARK]))
CHANGE(ark_flipped, OF(ARK)[CA_SIGNATURE + 3] ^= 1)
CHANGE(ark_signed_by_another, sign_ca(SEV_LINK_ARK, keys[SEV_LINK_ASK]))
CHANGE(ark_other_signer, OF(ARK)[20] = 7; sign_ca(SEV_LINK_ARK, keys[SEV_LINK_ARK]))
CHANGE(root_unknown, root[0] ^= 1)
CHANGE(ask_long, sizes[SEV_LINK_ASK]++)
CHANGE(ask_as_ark, put32(OF(ASK) + 36, SEV_ARK); sign_ca(SEV_LINK_ASK, keys[SEV_LINK_ARK]))
CHANGE(ask_flipped, OF(ASK)[CA_SIGNATURE] ^= 1)
CHANGE(ask_self_signed, sign_ca(SEV_LINK_ASK, keys[SEV_LINK_ASK]))
CHANGE(ask_other_signer, OF(ASK)[20] = 9; sign_ca(SEV_LINK_ASK, keys[SEV_LINK_ARK]))
CHANGE(cek_cut, sizes[SEV_LINK_CEK]--)
CHANGE(cek_usage, put32(OF(CEK) + 8, SEV_OCA); sign(SEV_LINK_CEK))
CHANGE(cek_for_ecdh, put32(OF(CEK) + 12, SEV_ECDH_SHA256); sign(SEV_LINK_CEK))
CHANGE(cek_flipped, OF(CEK)[SIGNATURE_1 + 8] ^= 1)
CHANGE(cek_hash_confused, put32(OF(CEK) + SIGNATURE_1 + 4, SEV_RSA_SHA256))
CHANGE(cek_signed_as_ec, put32(OF(CEK) + SIGNATURE_1 + 4, SEV_ECDSA_SHA256))
CHANGE(cek_api, OF(CEK)[5] ^= 1)
CHANGE(oca_version, put32(OF(OCA), 2))
CHANGE(oca_usage, put32(OF(OCA) + 8, SEV_PEK); sign(SEV_LINK_OCA))
CHANGE(oca_for_ecdh, put32(OF(OCA) + 12, SEV_ECDH_SHA384); sign(SEV_LINK_OCA))
CHANGE(oca_by_stranger, sign_as(SEV_LINK_OCA, SIGNATURE_1, SEV_OCA, stranger))
CHANGE(pek_long, memset(OF(PEK), 0, 4))
CHANGE(pek_usage, put32(OF(PEK) + 8, SEV_CEK); sign(SEV_LINK_PEK))
CHANGE(pek_curve, put32(OF(PEK) + 16, 3))
CHANGE(pek_no_cek, put32(OF(PEK) + SIGNATURE_2, SEV_NOBODY))
CHANGE(pek_cek_flipped, OF(PEK)[SIGNATURE_2 + 8 + 5] ^= 1)
CHANGE(pek_cek_zero, memset(OF(PEK) + SIGNATURE_2 + 8, 0, 144))
CHANGE(pek_cek_oversized, OF(PEK)[SIGNATURE_2 + 8 + 71] = 1)
CHANGE(pek_no_oca, put32(OF(PEK) + SIGNATURE_1, SEV_NOBODY))
CHANGE(pek_oca_flipped, OF(PEK)[SIGNATURE_1 + 8 + 72] ^= 1)
CHANGE(pek_two_ceks, sign_as(SEV_LINK_PEK, SIGNATURE_1, SEV_CEK, keys[SEV_LINK_CEK]))
CHANGE(api_old, api_minor_min = 25)
CHANGE(cek_foreign, known[0][0] ^= 1)
CHANGE(oca_foreign, known[1][31] ^= 1)
CHANGE(pdh_cut, sizes[SEV_LINK_PDH] = 0)
CHANGE(pdh_usage, put32(OF(PDH) + 8, SEV_PEK); sign(SEV_LINK_PDH))
CHANGE(pdh_for_ecdsa, put32(OF(PDH) + 12, SEV_ECDSA_SHA256); sign(SEV_LINK_PDH))
CHANGE(pdh_off_curve, OF(PDH)[X] ^= 1; sign(SEV_LINK_PDH))
CHANGE(pdh_oversized, OF(PDH)[X + 60] = 1; sign(SEV_LINK_PDH))
CHANGE(pdh_rsa, put32(OF(PDH) + 12, SEV_RSA_SHA256); sign(SEV_LINK_PDH))
CHANGE(pdh_flipped, OF(PDH)[SIGNATURE_1 + 9] ^= 1)
CHANGE(pdh_by_cek, sign_as(SEV_LINK_PDH, SIGNATURE_1, SEV_PEK, keys[SEV_LINK_CEK]))
CHANGE(pdh_other_usage, put32(OF(PDH) + SIGNATURE_1, SEV_CEK))

static const struct killer {
	const char *id, *name;
	void (*change)(void);
} killers[] = {
#define K(id, change) {id, #change, change}
	K("sev.ark.read", ark_cut), K("sev.ark.read", ark_version), K("sev.ark.read", ark_bits),
	K("sev.ark.usage", ark_as_ask),
	K("sev.ark.signature", ark_flipped), K("sev.ark.signature", ark_signed_by_another), K("sev.ark.signature", ark_other_signer),
	K("sev.ark.pinned", root_unknown),
	K("sev.ask.read", ask_long),
	K("sev.ask.usage", ask_as_ark),
	K("sev.ask.signature", ask_flipped), K("sev.ask.signature", ask_self_signed), K("sev.ask.signature", ask_other_signer),
	K("sev.cek.read", cek_cut),
	K("sev.cek.usage", cek_usage),
	K("sev.cek.key", cek_for_ecdh),
	K("sev.cek.signature", cek_flipped), K("sev.cek.signature", cek_hash_confused), K("sev.cek.signature", cek_signed_as_ec),
	K("sev.cek.signature", cek_api),
	K("sev.cek.known", cek_foreign),
	K("sev.oca.known", oca_foreign),
	K("sev.oca.read", oca_version),
	K("sev.oca.usage", oca_usage),
	K("sev.oca.key", oca_for_ecdh),
	K("sev.oca.signature", oca_by_stranger),
	K("sev.pek.read", pek_long),
	K("sev.pek.usage", pek_usage),
	K("sev.pek.key", pek_curve),
	K("sev.pek.signature", pek_no_cek), K("sev.pek.signature", pek_cek_flipped), K("sev.pek.signature", pek_cek_zero),
	K("sev.pek.signature", pek_cek_oversized),
	K("sev.pek.oca_signature", pek_no_oca), K("sev.pek.oca_signature", pek_oca_flipped), K("sev.pek.oca_signature", pek_two_ceks),
	K("sev.pek.api", api_old),
	K("sev.pdh.read", pdh_cut),
	K("sev.pdh.usage", pdh_usage),
	K("sev.pdh.key", pdh_for_ecdsa), K("sev.pdh.key", pdh_off_curve), K("sev.pdh.key", pdh_oversized), K("sev.pdh.key", pdh_rsa),
	K("sev.pdh.signature", pdh_flipped), K("sev.pdh.signature", pdh_by_cek), K("sev.pdh.signature", pdh_other_usage),
#undef K
};

static struct sev_chain_input input(void)
{
	struct sev_chain_input in = {.root = root, .api_minor_min = api_minor_min, .ceks = &ceks, .ocas = &ocas};

	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		in.certs[i] = slice_of(certs[i], sizes[i]);
	return in;
}

static void a_good_platform_is_accepted(void **state)
{
	struct sev_chain_input in;
	struct verdict v;

	(void)state;
	good();
	in = input();
	sev_chain_verify(&in, &v);
	if (!v.ok)
		print_error("%s: %s\n", verdict_reason(&v)->id, verdict_reason(&v)->found);
	assert_true(v.ok);
	in.root = NULL; /* but it is not one of AMD's */
	sev_chain_verify(&in, &v);
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, "sev.ark.pinned");
}

/* An owner's CA with a key of RSA, 4096 bits: the one of keys[SEV_LINK_ASK], which serves for both here. */
static void rsa_owner(void)
{
	uint8_t *b = certs[SEV_LINK_OCA];
	EVP_PKEY *owner = keys[SEV_LINK_ASK];

	good();
	memset(b + 16, 0, SEV_CERT_SIGNED - 16);
	put32(b + 12, SEV_RSA_SHA384);
	put32(b + 16, 4096);
	number(owner, OSSL_PKEY_PARAM_RSA_E, b + 20, 512);
	number(owner, OSSL_PKEY_PARAM_RSA_N, b + 20 + 512, 512);
	sign_as(SEV_LINK_OCA, SIGNATURE_1, SEV_ASK, owner); /* as the ASK signs... */
	put32(b + SIGNATURE_1, SEV_OCA);                    /* ...but as the OCA */
	sign_as(SEV_LINK_PEK, SIGNATURE_1, SEV_ASK, owner);
	put32(OF(PEK) + SIGNATURE_1, SEV_OCA);
	assert_true(sev_spki(owner, known[1]));
}

static void an_owners_ca_may_be_rsa(void **state)
{
	static const struct {
		size_t at;
		uint8_t xor;
		const char *id;
	} rows[] = {
	        {0, 0, NULL},
	        {16, 1, "sev.oca.key"},             /* a modulus of 4097 bits */
	        {17, 0x18, "sev.oca.key"},          /* of 2048, and longer than that */
	        {20, 1, "sev.oca.key"},             /* an even exponent */
	        {20 + 512 + 9, 1, "sev.oca.known"}, /* another modulus */
	        {SIGNATURE_1 + 8, 1, "sev.oca.signature"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct sev_chain_input in;
		struct verdict v;
		bool found = rows[i].id == NULL;

		rsa_owner();
		OF(OCA)[rows[i].at] ^= rows[i].xor;
		in = input();
		sev_chain_verify(&in, &v);
		for (size_t k = 0; k < v.check_count; k++)
			found = found || (v.checks[k].result == CHECK_FAIL && strcmp(v.checks[k].id, rows[i].id) == 0);
		if (v.ok != (rows[i].id == NULL) || !found)
			fail_msg("row %zu: %s", i, v.ok ? "accepted" : verdict_reason(&v)->id);
	}
}

static void no_other_key_is_rsa(void **state)
{
	struct sev_chain_input in;
	struct verdict v;

	(void)state;
	rsa_owner();
	memcpy(OF(CEK) + 12, OF(OCA) + 12, SEV_CERT_SIGNED - 12);
	sign(SEV_LINK_CEK);
	in = input();
	sev_chain_verify(&in, &v);
	assert_string_equal(verdict_reason(&v)->id, "sev.cek.key");
}

/* What a damaged certificate signed, or was signed by, may fail with it; what stands before it in the chain may not. */
static void each_change_fails_its_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct sev_chain_input in;
		struct verdict v;

		good();
		killers[i].change();
		in = input();
		sev_chain_verify(&in, &v);
		if (v.ok || strcmp(verdict_reason(&v)->id, killers[i].id) != 0)
			fail_msg("%s: %s instead of %s", killers[i].name, v.ok ? "accepted" : verdict_reason(&v)->id, killers[i].id);
	}
}

static void each_check_has_a_killer(void **state)
{
	struct sev_chain_input in;
	struct verdict v;

	(void)state;
	good();
	in = input();
	sev_chain_verify(&in, &v);
	for (size_t i = 0; i < v.check_count; i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_COUNT(killers); k++)
			found = found || strcmp(killers[k].id, v.checks[i].id) == 0;
		if (!found)
			fail_msg("%s: nothing turns it red", v.checks[i].id);
	}
}

/* ---- the exchange, the launch, the report ---- */

static void the_platform_opens_what_the_owner_offers(void **state)
{
	struct sev_offer offer, again;
	struct sev_transport theirs;
	struct note n = {""};
	uint8_t z[48];

	(void)state;
	good();
	assert_int_equal(sev_offer_make(slice_of(OF(PDH), SEV_CERT_SIZE), 7, &offer, &n), OK);
	assert_int_equal(sev_shared_secret(keys[SEV_LINK_PDH], slice_of(offer.godh, sizeof offer.godh), z), OK);
	assert_int_equal(sev_session_open(slice_of(offer.session, sizeof offer.session), slice_of(z, 48), 7, &theirs, &n), OK);
	assert_memory_equal(&theirs, &offer.keys, sizeof theirs);
	assert_int_equal(sev_session_open(slice_of(offer.session, sizeof offer.session), slice_of(z, 48), 5, &theirs, &n), ERR_REFUSED);
	assert_int_equal(sev_offer_make(slice_of(OF(PDH), SEV_CERT_SIZE), 7, &again, &n), OK);
	assert_memory_not_equal(&again.keys, &offer.keys, sizeof again.keys);
	assert_memory_not_equal(again.godh, offer.godh, sizeof again.godh);
}

static void no_offer_to_a_bad_key(void **state)
{
	struct sev_offer offer;
	struct note n = {""};

	(void)state;
	good();
	OF(PDH)[X] ^= 1;
	assert_int_equal(sev_offer_make(slice_of(OF(PDH), SEV_CERT_SIZE), 7, &offer, &n), ERR_INVALID);
	assert_int_equal(sev_offer_make(slice_of(OF(PEK), SEV_CERT_SIZE), 7, &offer, &n), ERR_INVALID);
	assert_int_equal(sev_offer_make(slice_of(OF(PDH), SEV_CERT_SIZE - 1), 7, &offer, &n), ERR_TRUNCATED);
}

static struct sev_launch launch;
static struct sev_launch_rules rules;
static uint8_t measure[SEV_MEASURE_SIZE + 1];
static size_t measure_size;

CHANGE(measure_cut, measure_size--)
CHANGE(measure_long, measure_size++)
CHANGE(measure_flipped, measure[31] ^= 1)
CHANGE(mnonce_flipped, measure[32] ^= 1)
CHANGE(digest_flipped, launch.digest[0] ^= 1)
CHANGE(build_other, launch.build++)
CHANGE(debug_not_forbidden, rules.policy_set = 8)
CHANGE(sharing_forbidden, rules.policy_clear = 2)
CHANGE(major_old, rules.api_major_min = 1)
CHANGE(minor_old, rules.api_minor_min = 25)
CHANGE(build_old, rules.build_min = 16)
static const struct killer launch_killers[] = {
#define K(id, change) {id, #change, change}
	K("sev.launch.read", measure_cut), K("sev.launch.read", measure_long), K("sev.launch.measure", measure_flipped),
	K("sev.launch.measure", mnonce_flipped), K("sev.launch.measure", digest_flipped), K("sev.launch.measure", build_other),
	K("sev.launch.policy", debug_not_forbidden), K("sev.launch.policy", sharing_forbidden), K("sev.launch.firmware", major_old),
	K("sev.launch.firmware", minor_old), K("sev.launch.firmware", build_old),
#undef K
};

static void a_launch_is_judged(void **state)
{
	static const struct sev_transport tk = {{1}, {2}};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i <= ARRAY_COUNT(launch_killers); i++) {
		launch = (struct sev_launch){0, 24, 15, 7, {9}};
		rules = (struct sev_launch_rules){.policy_set = 1, .policy_clear = 8, .api_minor_min = 24, .build_min = 15};
		memset(measure, 0x33, sizeof measure);
		measure_size = SEV_MEASURE_SIZE;
		sev_launch_measure(&tk, &launch, measure + 32, measure);
		if (i < ARRAY_COUNT(launch_killers))
			launch_killers[i].change();
		sev_launch_verify(&tk, &launch, slice_of(measure, measure_size), &rules, &v);
		if (i == ARRAY_COUNT(launch_killers))
			assert_true(v.ok);
		else if (v.ok || strcmp(verdict_reason(&v)->id, launch_killers[i].id) != 0)
			fail_msg("%s: %s", launch_killers[i].name, v.ok ? "accepted" : verdict_reason(&v)->id);
	}
	assert_int_equal(v.check_count, 4); /* each is named above */
}

static uint8_t report[SEV_REPORT_SIZE + 1];
static size_t report_size;

static void sign_report(EVP_PKEY *by)
{
	uint8_t sig[SEV_SIGNATURE_SIZE];

	sign_ec(by, slice_of(report, 52), sig);
	memcpy(report + 64, sig, 144);
}

CHANGE(report_cut, report_size--)
CHANGE(report_long, report_size++)
CHANGE(report_reserved, report[60] = 1)
CHANGE(report_usage, put32(report + 52, SEV_CEK))
CHANGE(report_algorithm, put32(report + 56, SEV_ECDSA_SHA384))
CHANGE(report_nonce, report[0] ^= 1; sign_report(keys[SEV_LINK_PEK]))
CHANGE(report_digest, report[16] ^= 1; sign_report(keys[SEV_LINK_PEK]))
CHANGE(report_policy, report[48] ^= 1; sign_report(keys[SEV_LINK_PEK]))
static uint32_t bits_set, bits_clear;
CHANGE(report_lacks_bit, bits_set = 8)
CHANGE(report_has_bit, bits_clear = 2)
CHANGE(report_flipped, report[64] ^= 1)
CHANGE(report_s_flipped, report[136] ^= 1)
CHANGE(report_oversized, report[64 + 71] = 1)
CHANGE(report_by_cek, sign_report(keys[SEV_LINK_CEK]))
static const struct killer report_killers[] = {
#define K(id, change) {id, #change, change}
	K("sev.report.read", report_cut), K("sev.report.read", report_long), K("sev.report.read", report_reserved),
	K("sev.report.form", report_usage), K("sev.report.form", report_algorithm), K("sev.report.nonce", report_nonce),
	K("sev.report.digest", report_digest), K("sev.report.policy", report_policy),
	K("sev.report.policy_bits", report_lacks_bit), K("sev.report.policy_bits", report_has_bit), K("sev.report.signature", report_flipped),
	K("sev.report.signature", report_s_flipped), K("sev.report.signature", report_oversized), K("sev.report.signature", report_by_cek),
#undef K
};

static void a_report_is_judged(void **state)
{
	static const uint8_t nonce[16] = {5}, digest[32] = {6};
	static const uint32_t policy = 7;
	struct verdict v;

	(void)state;
	good();
	for (size_t i = 0; i <= ARRAY_COUNT(report_killers); i++) {
		struct sev_report_input in = {slice_of(OF(PEK), SEV_CERT_SIZE), {0}, slice_of(nonce, 16), slice_of(digest, 32), &policy, 0, 0};

		memset(report, 0, sizeof report);
		memcpy(report, nonce, 16);
		memcpy(report + 16, digest, 32);
		put32(report + 48, policy);
		put32(report + 52, SEV_PEK);
		put32(report + 56, SEV_ECDSA_SHA256);
		sign_report(keys[SEV_LINK_PEK]);
		report_size = SEV_REPORT_SIZE;
		bits_set = 5;
		bits_clear = 8;
		if (i < ARRAY_COUNT(report_killers))
			report_killers[i].change();
		in.report = slice_of(report, report_size);
		in.policy_set = bits_set;
		in.policy_clear = bits_clear;
		sev_report_verify(&in, &v);
		if (i == ARRAY_COUNT(report_killers))
			assert_true(v.ok);
		else if (v.ok || strcmp(verdict_reason(&v)->id, report_killers[i].id) != 0)
			fail_msg("%s: %s", report_killers[i].name, v.ok ? "accepted" : verdict_reason(&v)->id);
	}
	assert_int_equal(v.check_count, 7); /* each is named above */
}

static int load_keys(void **state)
{
	(void)state;
	keys[SEV_LINK_ARK] = load("test/attest/keys/root.pem");
	keys[SEV_LINK_ASK] = load("test/attest/keys/issuer.pem");
	for (unsigned i = SEV_LINK_CEK; i < SEV_LINK_COUNT; i++)
		keys[i] = EVP_EC_gen("P-384");
	stranger = EVP_EC_gen("P-384");
	return keys[SEV_LINK_ARK] != NULL && keys[SEV_LINK_ASK] != NULL && stranger != NULL ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		EVP_PKEY_free(keys[i]);
	EVP_PKEY_free(stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_platform_is_accepted),
		cmocka_unit_test(each_change_fails_its_check),
		cmocka_unit_test(an_owners_ca_may_be_rsa),
		cmocka_unit_test(no_other_key_is_rsa),
		cmocka_unit_test(each_check_has_a_killer),
		cmocka_unit_test(the_platform_opens_what_the_owner_offers),
		cmocka_unit_test(no_offer_to_a_bad_key),
		cmocka_unit_test(a_launch_is_judged),
		cmocka_unit_test(a_report_is_judged),
	};

	return cmocka_run_group_tests(tests, load_keys, free_keys);
}
