/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every check of the SNP judge can be turned red, and nothing but that check: a good piece of evidence, one change, one
 * failure. The last test refuses a check that no change here turns red.
 */
#include "test/attest/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t other_digest[64] = {0xff};

/* ---- the changes ---- */

static void cut_last(uint8_t *der, size_t *size)
{
	(void)der;
	--*size;
}

static void add_byte(uint8_t *der, size_t *size)
{
	der[(*size)++] = 0;
}

/* The outer length, 30 82 hh ll, in three bytes instead of two: BER, not DER. */
static void long_length(uint8_t *der, size_t *size)
{
	memmove(der + 5, der + 4, *size - 4);
	der[4] = der[3];
	der[3] = der[2];
	der[2] = 0;
	der[1] = 0x83;
	++*size;
}

/* Serial number of the certificate, 02 01 00 in the good recipe: negative. */
static void negative_serial(uint8_t *der, size_t *size)
{
	for (size_t i = 0; i + 2 < *size && i < 40; i++)
		if (der[i] == 2 && der[i + 1] == 1 && der[i + 2] == 0) {
			der[i + 2] = 0x80;
			return;
		}
}

static void flip_signature(uint8_t *der, size_t *size)
{
	der[*size - 5] ^= 1;
}

#define CHANGE(name, ...)                                                                                              \
	static void name(struct recipe *r)                                                                             \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

CHANGE(envelope_cut, r->spoil_envelope = true)
CHANGE(tee_not_named, r->policy.snp.accepted = false)
CHANGE(data_of_other_size, r->want_data_size = 32; memset(r->data, 0, 64); memset(r->want_data, 0, 64))

CHANGE(root_absent, r->root.absent = true)
CHANGE(root_cut, r->root.spoil = cut_last)
CHANGE(root_trailing, r->root.spoil = add_byte)
CHANGE(root_ber, r->root.spoil = long_length)
CHANGE(root_twice, r->root.twice_oid = "1.2.3.4")
CHANGE(root_other_key, r->spoil_pin = true)
CHANGE(root_other_product_pinned, r->pin.product = SNP_GENOA)
CHANGE(root_no_product, r->root.cn = r->root.issuer_cn = r->issuer.issuer_cn = r->crl.issuer_cn = "ARK-Nobody")
CHANGE(root_small, r->root.key = r->root.sign.by = r->issuer.sign.by = r->crl.sign.by = KEY_SMALL)
CHANGE(root_sha256, r->root.sign.hash = r->root.sign.mask_hash = "SHA256")
CHANGE(root_pkcs1, r->root.sign.pkcs1 = true)
CHANGE(root_not_by_itself, r->root.sign.by = KEY_ISSUER)
CHANGE(root_flipped, r->root.spoil = flip_signature)
CHANGE(root_no_ca, r->root.constraints = "critical,CA:FALSE")
CHANGE(root_may_not_sign, r->root.usage = "critical,digitalSignature,cRLSign")
CHANGE(root_pathlen_0, r->root.constraints = "critical,CA:TRUE,pathlen:0")
CHANGE(root_critical, r->root.critical_oid = "1.2.3.4")
CHANGE(root_early, r->root.from = "20260101000000Z")
CHANGE(root_late, r->root.to = "20251130235959Z")

CHANGE(ca_absent, r->issuer.absent = true)
CHANGE(ca_ber, r->issuer.spoil = long_length)
CHANGE(ca_of_other_product, r->issuer.cn = r->platform.issuer_cn = "SEV-Genoa")
CHANGE(ca_of_other_root, r->issuer.issuer_cn = "ARK-Genoa")
CHANGE(ca_small, r->issuer.key = r->platform.sign.by = KEY_SMALL)
CHANGE(ca_salt_32, r->issuer.sign.salt = 32)
CHANGE(ca_mask_sha256, r->issuer.sign.mask_hash = "SHA256")
CHANGE(ca_by_itself, r->issuer.sign.by = KEY_ISSUER)
CHANGE(ca_flipped, r->issuer.spoil = flip_signature)
CHANGE(ca_no_ca, r->issuer.constraints = NULL)
CHANGE(ca_may_not_sign, r->issuer.usage = NULL)
CHANGE(ca_early, r->issuer.from = "20251201000001Z")
CHANGE(ca_late, r->issuer.to = "20250101000000Z")

CHANGE(crl_absent, r->crl.present = false)
CHANGE(crl_cut, r->crl.spoil = cut_last)
CHANGE(crl_unasked_and_cut, r->crl.spoil = cut_last; r->policy.snp.crl_required = false)
CHANGE(crl_trailing, r->crl.spoil = add_byte)
CHANGE(crl_of_other_root, r->crl.issuer_cn = "ARK-Genoa")
CHANGE(crl_forged, r->crl.sign.by = KEY_ISSUER)
CHANGE(crl_sha256, r->crl.sign.hash = r->crl.sign.mask_hash = "SHA256")
CHANGE(crl_root_may_not_sign, r->root.usage = "critical,keyCertSign")
CHANGE(crl_stale, r->crl.to = "20251101000000Z")
CHANGE(crl_future, r->crl.from = "20251202000000Z")
CHANGE(crl_without_end, r->crl.to = NULL)
CHANGE(crl_too_old, r->policy.snp.crl_max_age_s = 30 * 86400)
CHANGE(crl_second_stale, r->foreign_crl = true; r->crl.to = "20251101000000Z")
CHANGE(crl_lists_root, r->crl.revoked[0] = 0x10000)
CHANGE(crl_lists_ca, r->crl.revoked[0] = 0x7777; r->crl.revoked[1] = 0x10001)

CHANGE(key_absent, r->platform.absent = true)
CHANGE(key_trailing, r->platform.spoil = add_byte)
CHANGE(key_negative_serial, r->platform.spoil = negative_serial)
CHANGE(key_twice, r->platform.twice_oid = "1.3.6.1.4.1.3704.1.9")
CHANGE(key_is_vlek, r->platform.cn = "SEV-VLEK")
CHANGE(key_under_asvk, r->issuer.cn = r->platform.issuer_cn = "SEV-VLEK-Milan")
CHANGE(key_other_issuer, r->platform.issuer_cn = "SEV-Genoa")
CHANGE(key_sha512, r->platform.sign.hash = r->platform.sign.mask_hash = "SHA512")
CHANGE(key_by_root, r->platform.sign.by = KEY_ROOT)
CHANGE(key_p256, r->platform.key = KEY_P256)
CHANGE(key_is_ca, r->platform.constraints = "critical,CA:TRUE")
CHANGE(key_usage, r->platform.usage = "critical,keyEncipherment")
CHANGE(key_critical, r->platform.critical_oid = "1.2.3.4")
CHANGE(key_early, r->platform.from = "20251202000000Z")
CHANGE(key_late, r->platform.to = "20251130000000Z")
CHANGE(key_no_spl, r->spl[1] = -1)
CHANGE(key_large_spl, r->spl[8] = 256)
CHANGE(key_negative_spl, r->spl_malformed = true)
CHANGE(key_odd_hwid, r->hwid_size = 63)
CHANGE(key_of_genoa, r->product = "Genoa")
CHANGE(key_prefix_only, r->product = "Mil-an")

CHANGE(report_short, r->report_cut = 1)
CHANGE(report_version_1, r->report.version = 1)
CHANGE(report_version_6, r->report.version = 6)
CHANGE(report_reserved, r->before.at = 0x208; r->before.value = 1)
CHANGE(report_reserved_flags, r->report.key_info = 1u << 5)
CHANGE(report_reserved_tail, r->after.at = 0x49f; r->after.value = 0x80)
CHANGE(report_mit_in_v3, r->report.launch_mit = 1)
CHANGE(report_algorithm_2, r->report.signature_algo = 2)
CHANGE(report_by_none, r->report.key_info = SNP_KEY_NONE << 2)
CHANGE(report_vcek_unwanted, r->policy.snp.vcek = false; r->policy.snp.vlek = true)
CHANGE(report_masked_key, r->report.key_info = 2)
CHANGE(report_r_padding, r->after.at = SNP_REPORT_SIGNED + 60; r->after.value = 1)
CHANGE(report_s_padding, r->after.at = SNP_REPORT_SIGNED + 72 + 71; r->after.value = 1)
CHANGE(report_flipped_r, r->after.at = SNP_REPORT_SIGNED + 3; r->after.value = 1)
CHANGE(report_flipped_body, r->after.at = 0x10; r->after.value = 4)
CHANGE(report_other_tcb, r->tcb[7] = 114; r->policy.snp.minimum[SNP_MILAN].part[SNP_TCB_MICROCODE] = 0)
CHANGE(report_unnamed_tcb_byte, r->tcb[3] = 1)
CHANGE(report_spl_without_byte, r->spl[4] = 1)
CHANGE(report_masked_chip, memset(r->chip, 0, 64))
CHANGE(report_other_chip, r->chip[63] ^= 1)
CHANGE(report_no_hwid, r->hwid_size = 0)
CHANGE(report_masked_no_hwid, r->hwid_size = 0; memset(r->chip, 0, 64); r->policy.snp.masked_chip_id = true)
CHANGE(report_short_hwid, r->hwid_size = 8; memset(r->chip + 8, 0, 56))
CHANGE(report_foreign_platform, r->policy.platform_ids = (struct digest_list){other_digest, 64, 1})
CHANGE(report_genoa_cpu, r->report.cpu_model = 0x11)
CHANGE(report_unknown_cpu, r->report.cpu_family = 0x1b)
CHANGE(report_policy_bit_17, r->report.policy &= ~SNP_POLICY_ONE)
CHANGE(report_policy_bit_26, r->report.policy |= UINT64_C(1) << 26)
CHANGE(report_debug, r->report.policy |= SNP_POLICY_DEBUG)
CHANGE(report_migration, r->report.policy |= SNP_POLICY_MIGRATE)
CHANGE(report_smt, r->policy.snp.smt = false)
CHANGE(report_vmpl_1, r->report.vmpl = 1)
CHANGE(report_by_host, r->report.vmpl = UINT32_MAX)
CHANGE(report_committed_ahead, r->committed[6] = 9)
CHANGE(report_reported_ahead, r->current[0] = 2; r->committed[0] = 2; r->launch[0] = 2;
       r->policy.snp.minimum[SNP_MILAN].part[SNP_TCB_BOOT_LOADER] = 0)
CHANGE(report_launch_ahead, r->launch[7] = 200)
CHANGE(report_old, r->policy.snp.minimum[SNP_MILAN].part[SNP_TCB_SNP] = 9)
CHANGE(report_committed_old, r->committed[6] = 7)
CHANGE(report_launched_old, r->launch[6] = 7)
CHANGE(other_host_data, r->policy.snp.pins[SNP_PIN_HOST_DATA] = (struct digest_list){other_digest, 32, 1})
CHANGE(other_id_key, r->policy.snp.pins[SNP_PIN_ID_KEY] = (struct digest_list){other_digest, 48, 1})
CHANGE(other_author_key, r->policy.snp.pins[SNP_PIN_AUTHOR_KEY] = (struct digest_list){other_digest, 48, 1})
CHANGE(other_family, r->policy.snp.pins[SNP_PIN_FAMILY_ID] = (struct digest_list){other_digest, 16, 1})
CHANGE(other_image, r->policy.snp.pins[SNP_PIN_IMAGE_ID] = (struct digest_list){other_digest, 16, 1})
CHANGE(other_measurement, r->policy.measurements = (struct digest_list){other_digest, 48, 1})
CHANGE(other_data, r->want_data[63] ^= 1)
CHANGE(empty_data, memset(r->data, 0, 64))

static const struct killer {
	const char *id;
	const char *name;
	void (*change)(struct recipe *r);
	const char *too; /* one more check that must fail with it, where the rules cannot be told apart */
} killers[] = {
#define K(id, change) {id, #change, change, NULL}
	K("evidence.envelope", envelope_cut),
	K("evidence.tee", tee_not_named),
	{"evidence.binding", "data_of_other_size", data_of_other_size, "snp.report_data"},
	K("snp.root.read", root_absent),
	K("snp.root.read", root_cut),
	K("snp.root.read", root_trailing),
	K("snp.root.read", root_ber),
	K("snp.root.read", root_twice),
	K("snp.root.pinned", root_other_key),
	K("snp.root.pinned", root_other_product_pinned),
	K("snp.root.name", root_no_product),
	K("snp.root.key", root_small),
	K("snp.root.algorithm", root_sha256),
	K("snp.root.algorithm", root_pkcs1),
	K("snp.root.signature", root_not_by_itself),
	K("snp.root.signature", root_flipped),
	K("snp.root.ca", root_no_ca),
	K("snp.root.ca", root_may_not_sign),
	K("snp.root.ca", root_pathlen_0),
	K("snp.root.ca", root_critical),
	K("snp.root.time", root_early),
	K("snp.root.time", root_late),
	K("snp.ca.read", ca_absent),
	K("snp.ca.read", ca_ber),
	K("snp.ca.name", ca_of_other_product),
	K("snp.ca.issuer", ca_of_other_root),
	K("snp.ca.key", ca_small),
	K("snp.ca.algorithm", ca_salt_32),
	K("snp.ca.algorithm", ca_mask_sha256),
	K("snp.ca.signature", ca_by_itself),
	K("snp.ca.signature", ca_flipped),
	K("snp.ca.ca", ca_no_ca),
	K("snp.ca.ca", ca_may_not_sign),
	K("snp.ca.time", ca_early),
	K("snp.ca.time", ca_late),
	K("snp.crl.read", crl_absent),
	K("snp.crl.read", crl_cut),
	K("snp.crl.read", crl_unasked_and_cut),
	K("snp.crl.read", crl_trailing),
	K("snp.crl.issuer", crl_of_other_root),
	K("snp.crl.signature", crl_forged),
	K("snp.crl.signature", crl_sha256),
	K("snp.crl.signature", crl_root_may_not_sign),
	K("snp.crl.time", crl_stale),
	K("snp.crl.time", crl_future),
	K("snp.crl.time", crl_without_end),
	K("snp.crl.time", crl_too_old),
	K("snp.crl.time", crl_second_stale),
	K("snp.crl.root", crl_lists_root),
	K("snp.crl.ca", crl_lists_ca),
	K("snp.key.read", key_absent),
	K("snp.key.read", key_trailing),
	K("snp.key.read", key_negative_serial),
	K("snp.key.read", key_twice),
	K("snp.key.kind", key_is_vlek),
	K("snp.key.kind", key_under_asvk),
	K("snp.key.issuer", key_other_issuer),
	K("snp.key.algorithm", key_sha512),
	K("snp.key.signature", key_by_root),
	K("snp.key.curve", key_p256),
	K("snp.key.leaf", key_is_ca),
	K("snp.key.leaf", key_usage),
	K("snp.key.leaf", key_critical),
	K("snp.key.time", key_early),
	K("snp.key.time", key_late),
	K("snp.key.extensions", key_no_spl),
	K("snp.key.extensions", key_large_spl),
	K("snp.key.extensions", key_negative_spl),
	K("snp.key.extensions", key_odd_hwid),
	K("snp.key.product", key_of_genoa),
	K("snp.key.product", key_prefix_only),
	K("snp.report.read", report_short),
	K("snp.report.read", report_version_1),
	K("snp.report.read", report_version_6),
	K("snp.report.reserved", report_reserved),
	K("snp.report.reserved", report_reserved_flags),
	K("snp.report.reserved", report_reserved_tail),
	K("snp.report.reserved", report_mit_in_v3),
	K("snp.report.algorithm", report_algorithm_2),
	K("snp.report.signing_key", report_by_none),
	K("snp.report.signing_key", report_vcek_unwanted),
	K("snp.report.mask_chip_key", report_masked_key),
	K("snp.report.scalars", report_r_padding),
	K("snp.report.scalars", report_s_padding),
	K("snp.report.signature", report_flipped_r),
	K("snp.report.signature", report_flipped_body),
	K("snp.report.tcb_key", report_other_tcb),
	K("snp.report.tcb_key", report_unnamed_tcb_byte),
	K("snp.report.tcb_key", report_spl_without_byte),
	K("snp.report.chip_masked", report_masked_chip),
	K("snp.report.chip_id", report_other_chip),
	K("snp.report.chip_id", report_no_hwid),
	K("snp.report.chip_id", report_masked_no_hwid),
	K("snp.report.chip_id", report_short_hwid),
	K("snp.report.platform_id", report_foreign_platform),
	K("snp.report.product", report_genoa_cpu),
	K("snp.report.product", report_unknown_cpu),
	K("snp.report.policy_form", report_policy_bit_17),
	K("snp.report.policy_form", report_policy_bit_26),
	K("snp.report.debug", report_debug),
	K("snp.report.migration", report_migration),
	K("snp.report.smt", report_smt),
	K("snp.report.vmpl", report_vmpl_1),
	K("snp.report.vmpl", report_by_host),
	K("snp.report.tcb_order", report_committed_ahead),
	K("snp.report.tcb_order", report_reported_ahead),
	K("snp.report.tcb_order", report_launch_ahead),
	K("snp.report.tcb_minimum", report_old),
	K("snp.report.tcb_minimum", report_committed_old),
	K("snp.report.tcb_minimum", report_launched_old),
	K("snp.report.host_data", other_host_data),
	K("snp.report.id_key", other_id_key),
	K("snp.report.author_key", other_author_key),
	K("snp.report.family_id", other_family),
	K("snp.report.image_id", other_image),
	K("snp.measurement", other_measurement),
	K("snp.report_data", other_data),
	K("snp.report_data", empty_data),
#undef K
};

static void judge(void (*change)(struct recipe *r), struct verdict *v)
{
	struct recipe *r = malloc(sizeof *r);

	assert_non_null(r);
	recipe_good(r);
	if (change != NULL)
		change(r);
	recipe_judge(r, v);
	free(r);
}

static const struct check *find(const struct verdict *v, const char *id)
{
	for (size_t i = 0; i < v->check_count; i++)
		if (strcmp(v->checks[i].id, id) == 0)
			return &v->checks[i];
	return NULL;
}

static void good_evidence_is_accepted(void **state)
{
	struct verdict v;

	(void)state;
	judge(NULL, &v);
	for (size_t i = 0; i < v.check_count; i++)
		if (v.checks[i].result == CHECK_FAIL)
			fail_msg("%s: expected %s, found %s", v.checks[i].id, v.checks[i].expected, v.checks[i].found);
	assert_true(v.ok);
	assert_false(v.soft);
}

static void each_change_fails_its_check_alone(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		const struct killer *k = &killers[i];
		struct verdict v;
		const struct check *c;

		judge(k->change, &v);
		c = find(&v, k->id);
		if (v.ok || c == NULL || c->result != CHECK_FAIL) {
			print_error("%s: %s did not fail\n", k->name, k->id);
			bad++;
			continue;
		}
		for (size_t j = 0; j < v.check_count; j++) {
			c = &v.checks[j];
			if (c->result != CHECK_FAIL)
				continue;
			if (strcmp(c->id, k->id) != 0 && (k->too == NULL || strcmp(c->id, k->too) != 0)) {
				print_error("%s: %s failed as well: %s\n", k->name, c->id, c->found);
				bad++;
			}
			if (c->found[0] == 0 || c->expected[0] == 0) {
				print_error("%s: %s has no words\n", k->name, c->id);
				bad++;
			}
		}
	}
	assert_int_equal(bad, 0);
}

static void no_check_is_without_a_killer(void **state)
{
	struct verdict v;

	(void)state;
	judge(NULL, &v);
	for (size_t i = 0; i < v.check_count; i++) {
		bool killed = false;

		for (size_t k = 0; k < ARRAY_COUNT(killers); k++)
			killed = killed || strcmp(killers[k].id, v.checks[i].id) == 0;
		if (!killed)
			fail_msg("no change turns %s red", v.checks[i].id);
	}
}

/* Zero or the order as R or S: out of range, and no signature either. */
CHANGE(signature_zero, r->zero_signature = true)
CHANGE(signature_order, r->whole_order = true)
static void scalars_out_of_range_are_refused(void **state)
{
	void (*const changes[])(struct recipe *) = {signature_zero, signature_order};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
		struct verdict v;

		judge(changes[i], &v);
		assert_false(v.ok);
		assert_int_equal(find(&v, "snp.report.scalars")->result, CHECK_FAIL);
		assert_int_equal(find(&v, "snp.report.signature")->result, CHECK_FAIL);
	}
}

/* What is fine although it looks unusual. */
CHANGE(fine_version_2, r->report.version = 2; r->report.cpu_family = r->report.cpu_model = r->report.cpu_stepping = 0)
CHANGE(fine_version_4, r->report.version = 4)
CHANGE(fine_version_5, r->report.version = 5; r->report.launch_mit = 3; r->report.current_mit = 7)
CHANGE(fine_wrapped_hwid, r->hwid_wrapped = true)
CHANGE(fine_no_crl, r->crl.present = false; r->policy.snp.crl_required = false)
CHANGE(fine_second_crl, r->foreign_crl = true)
CHANGE(fine_debug, r->report.policy |= SNP_POLICY_DEBUG; r->policy.snp.debug = true)
CHANGE(fine_migration, r->report.policy |= SNP_POLICY_MIGRATE; r->policy.snp.migration = true)
CHANGE(fine_masked_chip, memset(r->chip, 0, 64); r->policy.snp.masked_chip_id = true)
CHANGE(fine_platform_id, r->policy.platform_ids = (struct digest_list){r->chip, 64, 1})
CHANGE(fine_no_launch_tcb, memset(r->launch, 0, 8))
CHANGE(fine_large_spl, r->spl[8] = 0xde; r->tcb[7] = r->committed[7] = r->current[7] = 0xde)
CHANGE(fine_platform_info, r->report.platform_info = UINT64_MAX)
CHANGE(fine_unbound, r->want_data_size = 0)
CHANGE(fine_vlek, r->vlek = true; r->platform.cn = "SEV-VLEK"; r->issuer.cn = r->platform.issuer_cn = "SEV-VLEK-Milan";
       r->report.key_info = SNP_KEY_VLEK << 2; r->hwid_size = 0; memset(r->chip, 0, 64); r->policy.snp.vlek = true)

CHANGE(fine_masked_key_under_vlek, fine_vlek(r); r->report.key_info |= 2)
CHANGE(fine_foreign_crl_unasked, r->crl.issuer_cn = "ARK-Genoa"; r->policy.snp.crl_required = false)

static void turin(struct recipe *r)
{
	static const uint8_t tcb[8] = {1, 2, 0, 3, 0, 0, 0, 71};
	static const int spl[10] = {-1, 2, 0, 3, -1, 0, 0, 0, 71, 1};

	r->root.cn = r->root.issuer_cn = r->issuer.issuer_cn = r->crl.issuer_cn = "ARK-Turin";
	r->issuer.cn = r->platform.issuer_cn = "SEV-Turin";
	r->product = "Turin-C1";
	memcpy(r->spl, spl, sizeof spl);
	memcpy(r->tcb, tcb, 8);
	memcpy(r->committed, tcb, 8);
	memcpy(r->current, tcb, 8);
	memcpy(r->launch, tcb, 8);
	r->hwid_size = 8;
	memset(r->chip + 8, 0, 56);
	r->report.cpu_family = 0x1a;
	r->pin.product = SNP_TURIN;
	r->policy.snp.products = 1u << SNP_TURIN;
	r->policy.snp.minimum[SNP_TURIN] = (struct snp_tcb){{2, 0, 3, 71, 1}};
}

static void what_is_allowed_is_accepted(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct recipe *r);
	} fine[] = {
#define F(name) {#name, name}
		F(fine_version_2),   F(fine_version_4),     F(fine_version_5),   F(fine_wrapped_hwid), F(fine_no_crl),
		F(fine_debug),       F(fine_migration),     F(fine_masked_chip), F(fine_platform_id),  F(fine_no_launch_tcb), F(fine_second_crl),
		F(fine_large_spl),   F(fine_platform_info), F(fine_unbound),     F(fine_vlek),         F(turin),
		F(fine_masked_key_under_vlek), F(fine_foreign_crl_unasked),
#undef F
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(fine); i++) {
		struct verdict v;

		judge(fine[i].change, &v);
		if (!v.ok)
			fail_msg("%s: %s: expected %s, found %s", fine[i].name, verdict_reason(&v)->id,
				 verdict_reason(&v)->expected, verdict_reason(&v)->found);
	}
}

static void turin_without_fmc(struct recipe *r)
{
	turin(r);
	r->spl[9] = -1;
	r->tcb[0] = 0;
	r->policy.snp.minimum[SNP_TURIN].part[SNP_TCB_FMC] = 0;
}

static void turin_needs_its_fmc_level(void **state)
{
	struct verdict v;

	(void)state;
	judge(turin_without_fmc, &v);
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, "snp.report.tcb_key");
}

/* A real chain under a policy for the stand-in: the name of the TEE decides which rules apply, and the roots differ. */
static void called_soft(struct recipe *r)
{
	r->tee = "soft-snp";
	r->policy.soft = r->policy.snp;
	r->policy.soft.products = 1u << SNP_SOFT;
	r->policy.soft.roots = &r->policy.soft_root;
	r->policy.soft.root_count = 1;
}

static void a_real_chain_is_no_soft_one(void **state)
{
	struct verdict v;

	(void)state;
	judge(called_soft, &v);
	assert_false(v.ok);
	assert_true(v.soft);
	assert_int_equal(find(&v, "snp.root.pinned")->result, CHECK_FAIL);
	assert_int_equal(find(&v, "snp.root.name")->result, CHECK_FAIL);
}

static void verdicts_never_forget_a_failure(void **state)
{
	static struct verdict v = {.ok = true};
	const struct check pass = {.id = "a", .link = "module", .result = CHECK_PASS};
	const struct check fail = {.id = "b", .link = "module", .result = CHECK_FAIL};

	(void)state;
	for (int i = 0; i < VERDICT_CHECKS_MAX + 5; i++)
		verdict_add(&v, &pass);
	assert_true(v.ok);
	verdict_add(&v, &fail);
	verdict_add(&v, &pass);
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, "b");
}

static int keys_in(void **state)
{
	(void)state;
	return recipe_load_keys() ? 0 : -1;
}

static int keys_out(void **state)
{
	(void)state;
	recipe_free_keys();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_evidence_is_accepted),
		cmocka_unit_test(each_change_fails_its_check_alone),
		cmocka_unit_test(no_check_is_without_a_killer),
		cmocka_unit_test(scalars_out_of_range_are_refused),
		cmocka_unit_test(what_is_allowed_is_accepted),
		cmocka_unit_test(turin_needs_its_fmc_level),
		cmocka_unit_test(a_real_chain_is_no_soft_one),
		cmocka_unit_test(verdicts_never_forget_a_failure),
	};

	return cmocka_run_group_tests(tests, keys_in, keys_out);
}
