/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Demands of the relying party on an SGX enclave: a good quote, one demand it does not meet, one failed check. The
 * quote and its collateral are among the vectors beside the tree; without them this is skipped, and says so.
 */
#include "client/attest/dcap.h"
#include "client/attest/p256.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define VECTORS "../shared/vectors/sgx/synth/"
enum { AT = 1768435200 /* 2026-01-15 */, QUOTE_MAX = 8192, CRLS = 2 };

static uint8_t quote_bytes[QUOTE_MAX], crl[CRLS][1024], root[1][SPKI_DIGEST_SIZE], other[64] = {0xff};
static json_t *collateral;
static struct envelope good;

struct demand {
	struct dcap_rules rules;
	struct verify_input in;
};

#define CHANGE(name, ...)                                                                                              \
	static void name(struct demand *d)                                                                             \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}
#define PIN(name, which, bytes) CHANGE(name, d->rules.pins[which] = (struct digest_list){other, bytes, 1})

CHANGE(other_root, d->rules.roots = intel_roots)
CHANGE(status_unwanted, d->rules.statuses = 1u << TCB_SW_HARDENING)
CHANGE(unnamed, d->rules.any_measurement = false)
CHANGE(other_product, d->rules.prod_id_set = true; d->rules.prod_id = 0x10000)
CHANGE(old_svn, d->rules.svn_min = 0x10000)
CHANGE(old_config_svn, d->rules.config_svn_min = 0x10000)
CHANGE(other_data, d->in.report_data = slice_of(other, 64))
PIN(other_mrenclave, DCAP_PIN_MRENCLAVE, 32)
PIN(other_mrsigner, DCAP_PIN_MRSIGNER, 32)
PIN(other_ext_prod_id, DCAP_PIN_EXT_PROD_ID, 16)
PIN(other_family, DCAP_PIN_FAMILY_ID, 16)
PIN(other_config, DCAP_PIN_CONFIG_ID, 64)
PIN(other_fmspc, DCAP_PIN_FMSPC, PCK_FMSPC_SIZE)
PIN(other_ppid, DCAP_PIN_PPID, PCK_PPID_SIZE)
PIN(other_instance, DCAP_PIN_INSTANCE, PCK_INSTANCE_SIZE)

static const struct {
	const char *id;
	void (*change)(struct demand *d);
} killers[] = {
        {"dcap.root.pinned", other_root},
        {"dcap.tcb.status", status_unwanted},
        {"sgx.measurement", unnamed},
        {"sgx.measurement", other_mrenclave},
        {"sgx.mrsigner", other_mrsigner},
        {"sgx.product", other_product},
        {"sgx.svn", old_svn},
        {"sgx.config_svn", old_config_svn},
        {"sgx.ext_prod_id", other_ext_prod_id},
        {"sgx.family_id", other_family},
        {"sgx.config_id", other_config},
        {"dcap.fmspc", other_fmspc},
        {"dcap.ppid", other_ppid},
        {"dcap.platform_instance", other_instance},
        {"dcap.report_data", other_data},
};

static struct slice item(const char *name, uint8_t *hex)
{
	struct slice s = slice_text(json_string_value(json_object_get(collateral, name)));

	if (hex == NULL)
		return s;
	assert_true(s.size / 2 <= sizeof crl[0]);
	assert_int_equal(hex_decode(s, hex, s.size / 2), OK);
	return slice_of(hex, s.size / 2);
}

static void pin_its_root(void)
{
	struct quote q;
	struct cert_list l;

	assert_int_equal(quote_parse(good.evidence, &q, NULL), OK);
	assert_int_equal(cert_list_read(q.cert_data, &l, NULL), OK);
	memcpy(root[0], l.cert[l.count - 1].spki_sha256, SPKI_DIGEST_SIZE);
	cert_list_free(&l);
}

static int setup(void **state)
{
	static const char *const names[] = {"root_ca_crl",
	                                    "pck_crl",
	                                    "tcb_info",
	                                    "qe_identity",
	                                    "tcb_info_signature",
	                                    "qe_identity_signature",
	                                    "pck_crl_issuer_chain",
	                                    "tcb_info_issuer_chain",
	                                    "qe_identity_issuer_chain"};
	FILE *f = fopen(VECTORS "v3.quote", "re");

	(void)state;
	if (f == NULL) {
		fprintf(stderr, "dcap_test: no " VECTORS "v3.quote: SKIPPED, nothing is tested\n");
		return 0;
	}
	good.evidence = slice_of(quote_bytes, fread(quote_bytes, 1, sizeof quote_bytes, f));
	fclose(f);
	collateral = json_load_file(VECTORS "good.collateral.json", 0, NULL);
	assert_non_null(collateral);
	good.tee = slice_text("sgx");
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		good.collateral[good.collateral_count++] =
		        (struct envelope_item){slice_text(names[i]), item(names[i], i < CRLS ? crl[i] : NULL)};
	pin_its_root();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(collateral);
	return 0;
}

static void judge(void (*change)(struct demand *d), struct verdict *v)
{
	struct demand d = {.in.at = AT};

	d.rules = (struct dcap_rules){.accepted = true,
	                              .roots = (const uint8_t(*)[SPKI_DIGEST_SIZE])root,
	                              .root_count = 1,
	                              .any_measurement = true,
	                              .statuses = 1u << TCB_UP_TO_DATE};
	if (change != NULL)
		change(&d);
	memset(v, 0, sizeof *v);
	v->ok = true;
	assert_true(dcap_verify(&d.in, &good, &d.rules, false, v));
}

/* want NULL: nothing fails. */
static void only(const struct verdict *v, const char *want)
{
	bool seen = want == NULL;

	for (size_t i = 0; i < v->check_count; i++) {
		if (v->checks[i].result != CHECK_FAIL)
			continue;
		if (want == NULL || strcmp(v->checks[i].id, want) != 0)
			fail_msg("%s failed, wanted %s: %s", v->checks[i].id, want != NULL ? want : "nothing",
			         v->checks[i].found);
		seen = true;
	}
	if (!seen)
		fail_msg("%s did not fail", want);
}

static void each_demand_is_judged(void **state)
{
	static struct verdict v;

	(void)state;
	if (collateral == NULL)
		skip();
	judge(NULL, &v);
	only(&v, NULL);
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		judge(killers[i].change, &v);
		only(&v, killers[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_demand_is_judged)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
