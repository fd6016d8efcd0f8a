/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence made here with a vTPM's key of ours and hardware under a test root, AMD's and Intel's: accepted as it is,
 * refused for each thing changed and for that alone.
 */
#include "client/attest/vtpm.h"

#include "client/attest/policy_rules.h"
#include "lib/attest/hcl.h"
#include "test/attest/dcap_recipe.h"
#include "test/attest/killers.h"

enum { HARDWARE = 32, TD_DATA = HARDWARE + 128, TD_MRTD = HARDWARE + 528, DATA = 32 + HCL_HARDWARE_SIZE, KEYS = DATA + 20, HCL_ROOM = KEYS + 2048, MESSAGE_ROOM = 256 };

static EVP_PKEY *key;

struct evidence {
	uint8_t hcl[HCL_ROOM], message[MESSAGE_ROOM], signature[256], pcrs[VTPM_PCRS][32];
	size_t hcl_size, message_size;
};

static void base64url(const BIGNUM *n, char *out)
{
	uint8_t bytes[256];
	int size = BN_bn2bin(n, bytes);
	size_t length = (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, size);

	for (; length > 0 && out[length - 1] == '='; length--)
		out[length - 1] = 0;
	for (; *out != 0; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

static void put32(uint8_t *at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static void set_keys(struct evidence *e, const char *id, int copies)
{
	BIGNUM *n = NULL;
	char number[400], one[600], keys[1400] = "{\"keys\":[";

	assert_true(EVP_PKEY_get_bn_param(key, "n", &n));
	base64url(n, number);
	BN_free(n);
	snprintf(one, sizeof one, "{\"kid\":\"%s\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", id, number);
	for (int i = 0; i < copies; i++)
		snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", i > 0 ? "," : "", one);
	snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "]}");
	e->hcl_size = KEYS + strlen(keys);
	memcpy(e->hcl + KEYS, keys, strlen(keys));
	put32(e->hcl + DATA + 16, (uint32_t)strlen(keys));
}

static void sign(struct evidence *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = sizeof e->signature;

	assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestSign(ctx, e->signature, &size, e->message, e->message_size) == 1);
	EVP_MD_CTX_free(ctx);
}

/* PCRs 0 to 23 of one bank, asked over "fresh". */
static void make(struct evidence *e)
{
	static const uint8_t message[] = {0xff, 'T', 'C', 'G', 0x80, 0x18, 0,   2,  'i',
	                                  'd',  0,   5,   'f', 'r',  'e',  's', 'h'};
	static const uint8_t selection[] = {0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0xff, 0xff, 0, 32};

	memset(e, 0, sizeof *e);
	memcpy(e->hcl, "HCLA", 4);
	put32(e->hcl + DATA + 4, 1);
	put32(e->hcl + DATA + 8, HCL_SNP);
	put32(e->hcl + DATA + 12, 1);
	set_keys(e, "HCLAkPub", 1);
	for (unsigned i = 0; i < VTPM_PCRS; i++)
		memset(e->pcrs[i], (int)i, 32);
	memcpy(e->message, message, sizeof message);
	memcpy(e->message + sizeof message + 25, selection, sizeof selection);
	e->message_size = sizeof message + 25 + sizeof selection + 32;
	SHA256(e->pcrs[0], sizeof e->pcrs, e->message + e->message_size - 32);
	sign(e);
}

/* ---- the whole ---- */

struct wish;
typedef void change(struct wish *w);

/* A good piece of evidence in steps: before is for what the hardware is over, after for what is not signed or signed
 * last. */
struct wish {
	bool tdx;
	struct evidence e;
	uint8_t data[64]; /* of the hardware's report */
	struct recipe snp;
	struct dcap_recipe td;
	struct policy policy;
	const char *nonce;
	struct digest_list pinned[VTPM_PCRS];
	bool no_pcrs, td_of_another;
	size_t cut; /* bytes off the end of the paravisor's report */
};

static void assemble(struct wish *w)
{
	make(&w->e);
	w->nonce = "fresh";
	w->pinned[7] = (struct digest_list){w->e.pcrs[7], 32, 1};
	put32(w->e.hcl + DATA + 8, w->tdx ? HCL_TDX : HCL_SNP);
	recipe_good(&w->snp);
	dcap_good(&w->td, true);
	w->policy = w->snp.policy;
	w->policy.tdx = w->td.rules;
}

static void digest_keys(struct wish *w)
{
	memset(w->data, 0, sizeof w->data);
	SHA256(w->e.hcl + KEYS, w->e.hcl_size - KEYS, w->data);
}

static void bake_td(struct wish *w, struct dcap_baked **b, struct vtpm_input *in)
{
	memcpy(w->e.hcl + TD_DATA, w->data, 64);
	memcpy(w->e.hcl + TD_MRTD, w->td.body + AT_TD_MRTD, 48);
	memcpy(w->td.body + AT_TD_DATA, w->data, 64);
	w->td.body[AT_TD_DATA] ^= w->td_of_another;
	*b = dcap_bake(&w->td);
	w->policy.tdx.roots = w->td.rules.roots;
	in->collateral = (*b)->e.collateral;
	in->collateral_count = (*b)->e.collateral_count;
	in->td_quote = (*b)->e.evidence;
}

static void bake_snp(struct wish *w, struct baked **b, struct envelope *open, struct vtpm_input *in)
{
	memcpy(w->snp.data, w->data, 64);
	*b = bake(&w->snp);
	memcpy(w->e.hcl + HARDWARE, (*b)->report, SNP_REPORT_SIZE);
	recipe_must(envelope_decode(slice_of((*b)->envelope, (*b)->envelope_size), open, NULL) == OK);
	w->policy.snp.roots = w->snp.policy.snp.roots;
	w->policy.snp.root_count = w->snp.policy.snp.root_count;
	w->policy.measurements = w->snp.policy.measurements;
	in->collateral = open->collateral;
	in->collateral_count = open->collateral_count;
}

static struct verdict judge(bool tdx, change *before, change *after)
{
	static struct wish w;
	static struct envelope open;
	struct slice nonce;
	struct vtpm_input in = {.policy = &w.policy, .at = tdx ? DCAP_AT : RECIPE_AT};
	struct dcap_baked *td = NULL;
	struct baked *snp = NULL;
	struct verdict v;

	memset(&w, 0, sizeof w);
	w.tdx = tdx;
	assemble(&w);
	if (before != NULL)
		before(&w);
	digest_keys(&w);
	if (tdx)
		bake_td(&w, &td, &in);
	else
		bake_snp(&w, &snp, &open, &in);
	if (after != NULL)
		after(&w);
	nonce = slice_text(w.nonce);
	in.hcl = slice_of(w.e.hcl, w.e.hcl_size - w.cut);
	in.message = slice_of(w.e.message, w.e.message_size);
	in.signature = slice_of(w.e.signature, sizeof w.e.signature);
	in.pcrs = w.no_pcrs ? NULL : (const uint8_t(*)[32])w.e.pcrs;
	in.pcr_lists = w.pinned;
	in.nonce = &nonce;
	vtpm_verify(&in, &v);
	if (td != NULL)
		dcap_baked_free(td);
	if (snp != NULL)
		baked_free(snp);
	return v;
}

/* ---- the changes ---- */

#define CHANGE(name, ...)                                                                                              \
	static void name(struct wish *w)                                                                               \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

CHANGE(bad_magic, w->e.hcl[3] ^= 1)
CHANGE(type_unknown, put32(w->e.hcl + DATA + 8, 3))
CHANGE(hash_unknown, put32(w->e.hcl + DATA + 12, 4))
CHANGE(hash_none, put32(w->e.hcl + DATA + 12, 0))
CHANGE(keys_cut, w->cut = 1)
CHANGE(keys_none, put32(w->e.hcl + DATA + 16, 0))
CHANGE(keys_huge, put32(w->e.hcl + DATA + 16, UINT32_MAX))
CHANGE(hash_384, put32(w->e.hcl + DATA + 12, 2))
CHANGE(ak_absent, set_keys(&w->e, "HCLEkPub", 1))
CHANGE(ak_twice, set_keys(&w->e, "HCLAkPub", 2))
CHANGE(message_magic, w->e.message[1] ^= 1; sign(&w->e))
CHANGE(message_type, w->e.message[5] = 0x17; sign(&w->e))
CHANGE(message_long, w->e.message[w->e.message_size++] = 0; sign(&w->e))
CHANGE(message_cut, w->e.message_size--; sign(&w->e))
CHANGE(signature_flipped, w->e.signature[7] ^= 1)
CHANGE(signature_of_another, w->e.message[20] ^= 1)
CHANGE(signature_zero, memset(w->e.signature, 0, sizeof w->e.signature))
CHANGE(bank_sha1, w->e.message[17 + 25 + 5] = 4; sign(&w->e))
CHANGE(bank_empty, memset(w->e.message + 17 + 25 + 7, 0, 3); sign(&w->e); w->pinned[7].count = 0)
CHANGE(pcr_other, w->e.pcrs[23][0] ^= 1)
CHANGE(pcr_digest, w->e.message[w->e.message_size - 1] ^= 1; sign(&w->e))
CHANGE(pin_other, w->pinned[7].bytes = w->e.pcrs[8])
CHANGE(pin_without_values, w->no_pcrs = true)
static void pin_unquoted(struct wish *w)
{
	uint8_t values[VTPM_PCRS * 32];

	w->e.message[17 + 25 + 7] = 0x7f; /* without PCR7 */
	memcpy(values, w->e.pcrs[0], 7 * 32);
	memcpy(values + 7 * 32, w->e.pcrs[8], (VTPM_PCRS - 8) * 32);
	SHA256(values, (VTPM_PCRS - 1) * 32, w->e.message + w->e.message_size - 32);
	sign(&w->e);
}
CHANGE(nonce_other, w->nonce = "stale")
CHANGE(nonce_empty, w->nonce = "")
CHANGE(nonce_longer, w->nonce = "fresh ")
CHANGE(snp_unnamed, w->policy.snp.accepted = false)
CHANGE(tdx_unnamed, w->policy.tdx.accepted = false)
CHANGE(td_mrtd, w->e.hcl[TD_MRTD] ^= 1)
CHANGE(td_other_data, w->td_of_another = true)
#undef CHANGE

static const struct killer {
	const char *id, *too;
	bool tdx;
	change *before, *after;
} killers[] = {
        {"vtpm.hcl.read", NULL, false, NULL, bad_magic},
        {"vtpm.hcl.read", NULL, false, NULL, type_unknown},
        {"vtpm.hcl.read", NULL, false, NULL, hash_unknown},
        {"vtpm.hcl.read", NULL, false, NULL, hash_none},
        {"vtpm.hcl.read", NULL, false, NULL, keys_cut},
        {"vtpm.hcl.read", NULL, false, NULL, keys_none},
        {"vtpm.hcl.read", NULL, false, NULL, keys_huge},
        {"vtpm.hcl.report_data", "snp.report_data", false, NULL, hash_384},
        {"vtpm.hcl.report_data", "dcap.report_data", true, NULL, hash_384},
        {"vtpm.ak.read", NULL, false, ak_absent, NULL},
        {"vtpm.ak.read", NULL, false, ak_twice, NULL},
        {"vtpm.tpm.read", NULL, false, message_magic, NULL},
        {"vtpm.tpm.read", NULL, false, message_type, NULL},
        {"vtpm.tpm.read", NULL, false, message_long, NULL},
        {"vtpm.tpm.read", NULL, false, message_cut, NULL},
        {"vtpm.tpm.signature", NULL, false, NULL, signature_flipped},
        {"vtpm.tpm.signature", NULL, false, NULL, signature_of_another},
        {"vtpm.tpm.signature", NULL, true, NULL, signature_zero},
        {"vtpm.tpm.bank", NULL, false, NULL, bank_sha1},
        {"vtpm.tpm.bank", NULL, false, NULL, bank_empty},
        {"vtpm.tpm.pcrs", NULL, false, NULL, pcr_other},
        {"vtpm.tpm.pcrs", NULL, false, NULL, pcr_digest},
        {"vtpm.tpm.pinned", NULL, false, NULL, pin_other},
        {"vtpm.tpm.pinned", NULL, false, NULL, pin_without_values},
        {"vtpm.tpm.pinned", NULL, false, NULL, pin_unquoted},
        {"vtpm.tpm.nonce", NULL, false, NULL, nonce_other},
        {"vtpm.tpm.nonce", NULL, false, NULL, nonce_empty},
        {"vtpm.tpm.nonce", NULL, false, NULL, nonce_longer},
        {"vtpm.tee", NULL, false, NULL, snp_unnamed},
        {"vtpm.tee", NULL, true, NULL, tdx_unnamed},
        {"vtpm.td.report_data", "dcap.report_data", true, td_other_data, NULL},
        {"vtpm.td.mrtd", NULL, true, NULL, td_mrtd},
};

static const char *id_of(size_t i)
{
	return i < ARRAY_COUNT(killers) ? killers[i].id : NULL;
}

static void good_ones_are_accepted(bool tdx)
{
	struct verdict v = judge(tdx, NULL, NULL);

	if (!v.ok)
		fail_msg("%s: %s", verdict_reason(&v)->id, verdict_reason(&v)->found);
	all_have_killers(&v, "vtpm.", id_of);
}

static void each_change_fails_alone(bool tdx)
{
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct verdict v;
		char name[24];

		if (killers[i].tdx != tdx)
			continue;
		v = judge(tdx, killers[i].before, killers[i].after);
		snprintf(name, sizeof name, "case %zu", i);
		killed_only(&v, killers[i].id, killers[i].too, name);
	}
}

static void snp_is_accepted_and_every_check_has_a_killer(void **state)
{
	(void)state;
	good_ones_are_accepted(false);
}

static void snp_changes_fail_alone(void **state)
{
	(void)state;
	each_change_fails_alone(false);
}

static void tdx_is_accepted_and_every_check_has_a_killer(void **state)
{
	(void)state;
	good_ones_are_accepted(true);
}

static void tdx_changes_fail_alone(void **state)
{
	(void)state;
	each_change_fails_alone(true);
}

static void what_is_cut_is_refused(void **state)
{
	struct evidence e;
	struct policy p = {.snp.accepted = true};
	struct vtpm_input in = {.policy = &p, .at = RECIPE_AT};
	struct verdict v;

	(void)state;
	make(&e);
	for (size_t n = 0; n < e.hcl_size; n += 7) {
		in.hcl = slice_of(e.hcl, n);
		vtpm_verify(&in, &v);
		assert_string_equal(verdict_reason(&v)->id, "vtpm.hcl.read");
	}
	SHA256(e.hcl + KEYS, e.hcl_size - KEYS, e.hcl + HARDWARE + 0x50);
	in.hcl = slice_of(e.hcl, e.hcl_size);
	for (size_t n = 0; n < e.message_size; n++) {
		in.message = slice_of(e.message, n);
		vtpm_verify(&in, &v);
		assert_string_equal(verdict_reason(&v)->id, "vtpm.tpm.read");
	}
}

static int snp_keys(void **state)
{
	(void)state;
	return recipe_load_keys() ? 0 : -1;
}

static int intel_keys(void **state)
{
	(void)state;
	dcap_keys();
	return 0;
}

static int keys_out(void **state)
{
	(void)state;
	recipe_free_keys();
	memset(recipe_keys, 0, sizeof recipe_keys);
	return 0;
}

int main(void)
{
	const struct CMUnitTest snp[] = {
	        cmocka_unit_test(snp_is_accepted_and_every_check_has_a_killer),
	        cmocka_unit_test(snp_changes_fail_alone),
	        cmocka_unit_test(what_is_cut_is_refused),
	};
	const struct CMUnitTest tdx[] = {
	        cmocka_unit_test(tdx_is_accepted_and_every_check_has_a_killer),
	        cmocka_unit_test(tdx_changes_fail_alone),
	};
	int failed;

	key = EVP_RSA_gen(2048);
	if (key == NULL)
		return 1;
	failed = cmocka_run_group_tests(snp, snp_keys, keys_out);
	failed += cmocka_run_group_tests(tdx, intel_keys, keys_out);
	EVP_PKEY_free(key);
	return failed;
}
