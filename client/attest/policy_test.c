/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_explain.h"
#include "client/attest/policy_rules.h"
#include "client/config/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t digests[2][48] = {{1}, {2}};
static const struct policy_shipped shipped = {digests, 2};

#define DIGEST "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\""
#define HEAD   "tee = [\"snp\"]\nmeasurements = [" DIGEST "]\n"
#define SNP    "[snp]\nproducts = [\"Milan\"]\n"
#define TCB    "[snp.minimum_tcb]\nboot_loader = 3\ntee = 0\nsnp = 8\nmicrocode = 115\n"
#define SOFT   "tee = [\"soft\"]\nmeasurements = [\"shipped\"]\n[soft]\n"
#define ROOT   "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""

static struct policy *parsed(const char *text)
{
	struct policy *p = NULL;
	struct note n = {""};

	if (policy_parse(slice_text(text), "p.toml", shipped, &p, &n) != OK)
		fail_msg("%s", n.text);
	return p;
}

static void a_short_policy_is_strict(void **state)
{
	struct policy *p = parsed(HEAD SNP TCB);

	(void)state;
	assert_true(p->snp.accepted && !p->soft.accepted);
	assert_int_equal(p->snp.products, 1u << SNP_MILAN);
	assert_true(p->snp.vcek && !p->snp.vlek);
	assert_false(p->snp.debug || p->snp.migration || p->snp.smt || p->snp.masked_chip_id);
	assert_false(p->snp.any_vmpl || p->snp.any_measurement);
	assert_int_equal(p->snp.vmpl, 0);
	assert_true(p->snp.crl_required);
	assert_int_equal(p->measurements.count, 1);
	assert_int_equal(p->measurements.bytes[47], 0x2f);
	assert_ptr_equal(p->snp.roots, snp_amd_roots);
	assert_int_equal(p->snp.minimum[SNP_MILAN].part[SNP_TCB_MICROCODE], 115);
	policy_free(p);
}

static void every_key_arrives(void **state)
{
	struct policy *p = parsed("tee = [\"snp\", \"soft\"]\nmeasurements = [\"shipped\", " DIGEST "]\n"
				  "platform_ids = [\"0102030405060708\"]\n"
				  "[snp]\nproducts = [\"Milan\", \"Turin\"]\nkeys = [\"vlek\"]\nvmpl = 2\ndebug = true\n"
				  "migration = true\nsmt = true\nmasked_chip_id = true\ncrl = \"if-given\"\ncrl_max_age = \"30d\"\n"
				  "host_data = [" ROOT "]\nid_keys = [" DIGEST "]\n"
				  "[snp.minimum_tcb.Turin]\nfmc = 1\nsnp = 2\n"
				  "[snp.minimum_tcb]\nboot_loader = 3\ntee = 4\nsnp = 8\nmicrocode = 115\n"
				  "[soft]\nroot_sha256 = " ROOT "\n"
				  "[limits]\nmemory = \"1GiB\"\nwall = \"1h\"\ncpu = \"10m\"\nfiles = 1024\nfile_bytes = \"256MiB\"\n");
	struct policy_limits l = policy_limits(p);

	(void)state;
	assert_int_equal(p->measurements.count, 3);
	assert_int_equal(p->measurements.bytes[0], 1);
	assert_int_equal(p->platform_ids.bytes[7], 8);
	assert_int_equal(p->platform_ids.bytes[63], 0);
	assert_true(!p->snp.vcek && p->snp.vlek && p->snp.debug && p->snp.migration && p->snp.smt && p->snp.masked_chip_id);
	assert_int_equal(p->snp.vmpl, 2);
	assert_false(p->snp.crl_required);
	assert_int_equal(p->snp.crl_max_age_s, 30 * 86400);
	assert_int_equal(p->snp.pins[SNP_PIN_HOST_DATA].bytes[31], 0x1f);
	assert_int_equal(p->snp.pins[SNP_PIN_ID_KEY].count, 1);
	assert_int_equal(p->snp.minimum[SNP_TURIN].part[SNP_TCB_SNP], 2);
	assert_int_equal(p->snp.minimum[SNP_TURIN].part[SNP_TCB_TEE], 4);
	assert_int_equal(p->snp.minimum[SNP_TURIN].part[SNP_TCB_FMC], 1);
	assert_int_equal(p->snp.minimum[SNP_MILAN].part[SNP_TCB_SNP], 8);
	assert_int_equal(p->soft_root.spki_sha256[31], 0x1f);
	assert_true(l.memory_bytes == UINT64_C(1) << 30 && l.wall_ns == UINT64_C(3600000000000) && l.cpu_ns == UINT64_C(600000000000));
	assert_true(l.open_files == 1024 && l.file_bytes == UINT64_C(256) << 20);
	policy_free(p);
}

static void mistakes_are_refused_with_place_and_cure(void **state)
{
	static const struct {
		const char *toml, *words;
	} rows[] = {
		{"", "tee is missing"},
		{"tee = []\nmeasurements = [" DIGEST "]", "tee is missing"},
		{"tee = [\"snp\"]\n" SNP TCB, "measurements is missing"},
		{"tee = [\"snp\"]\nmeasurements = []\n" SNP TCB, "measurements is missing"},
		{HEAD, "[snp] products is missing"},
		{HEAD "[snp]\nproducts = []\n" TCB, "[snp] products is missing"},
		{HEAD SNP, "boot_loader (for Milan) is missing"},
		{HEAD SNP "[snp.minimum_tcb]\nboot_loader = 3\ntee = 0\nsnp = 8\n", "microcode (for Milan) is missing"},
		{HEAD "[snp]\nproducts = [\"Turin\"]\n" TCB, "fmc (for Turin) is missing"},
		{HEAD SNP "keys = []\n" TCB, "[snp] keys is missing"},
		{"tee = [\"sgx\"]", "p.toml:1:8: tee knows"},
		{"tee = \"snp\"", "p.toml:1:7: tee must be an array, not a string"},
		{HEAD SNP "measurement = 1", "p.toml:5:1: unknown key measurement in snp"},
		{"measurment = []", "p.toml:1:1: unknown key measurment; did you mean measurements?"},
		{"frobnicate = 1", "unknown key frobnicate; `broch policy init`"},
		{HEAD SNP TCB "ucode = 1\n", "unknown key ucode in minimum_tcb"},
		{HEAD SNP TCB "[snp.minimum_tcb.Rome]\n", "unknown key Rome"},
		{HEAD SNP "debug = 1\n" TCB, "debug must be true or false, not an integer"},
		{HEAD SNP "vmpl = 4\n" TCB, "a VMPL is 0, 1, 2 or 3"},
		{HEAD SNP "crl = \"optional\"\n" TCB, "crl knows"},
		{HEAD SNP "crl_max_age = \"30\"\n" TCB, "a duration is"},
		{HEAD SNP "crl_max_age = \"1ms\"\n" TCB, "at least one second"},
		{HEAD SNP "keys = [\"ark\"]\n" TCB, "keys knows"},
		{HEAD SNP "id_keys = []\n" TCB, "accepts nothing"},
		{HEAD SNP "host_data = [\"00\"]\n" TCB, "64 hex digits"},
		{HEAD "[snp]\nproducts = [\"Rome\"]\n" TCB, "p.toml:4:13: products knows"},
		{HEAD SNP "[snp.minimum_tcb]\nsnp = 256\n", "snp must be from 0 to 255"},
		{"tee = [\"snp\"]\nmeasurements = [\"00\"]\n", "96 hex digits"},
		{"tee = [\"snp\"]\nmeasurements = [1]\n", "96 hex digits"},
		{"platform_ids = []", "accepts no platform"},
		{"platform_ids = [\"0102\"]", "128 hex digits"},
		{SOFT, "[soft] root or root_sha256 is missing"},
		{SOFT "root_sha256 = \"00\"", "64 hex digits"},
		{SOFT "root_sha256 = " ROOT "\nroot = \"local\"", "keep one"},
		{SOFT "root = \"/nonexistent/ark.pem\"", "/nonexistent/ark.pem"},
		{SOFT "root = \"a\\u0000b\"", "must be a path"},
		{HEAD SNP TCB "[soft]\nroot_sha256 = " ROOT, "tee does not name \"soft\""},
		{SOFT "root_sha256 = " ROOT "\n[snp]\n", "tee does not name \"snp\""},
		{HEAD SNP TCB "[limits]\nmemory = \"1 gig\"", "a size is"},
		{HEAD SNP TCB "[limits]\nmemory = \"0\"", "a size is"},
		{HEAD SNP TCB "[limits]\nfiles = 0", "files must be from 1"},
		{HEAD SNP TCB "[limits]\nwall = \"1 fortnight\"", "a duration is"},
		{"tee = [\"snp\"", "p.toml:1:13:"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct policy *p = NULL;
		struct note n = {""};

		if (policy_parse(slice_text(rows[i].toml), "p.toml", shipped, &p, &n) == OK)
			fail_msg("accepted: %s", rows[i].toml);
		if (strstr(n.text, rows[i].words) == NULL)
			fail_msg("%s\nsays: %s\nexpected: %s", rows[i].toml, n.text, rows[i].words);
	}
}

static void shipped_needs_something_shipped(void **state)
{
	struct policy *p = NULL;
	struct note n = {""};

	(void)state;
	assert_int_equal(policy_parse(slice_text("measurements = [\"shipped\"]"), "p", (struct policy_shipped){NULL, 0}, &p, &n),
			 ERR_INVALID);
	assert_non_null(strstr(n.text, "none are installed"));
}

/* The template must say everything there is, and what it says must be understood. */
static void the_templates_are_policies(void **state)
{
	struct policy *p = parsed(policy_template(false));

	(void)state;
	assert_true(p->snp.accepted && !p->soft.accepted);
	policy_free(p);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		assert_non_null(strstr(policy_template(false), snp_pins[i].key));
	assert_non_null(strstr(policy_template(true), "tee = [\"soft\"]"));
}

static void weak_points_are_named(void **state)
{
	struct policy *p = parsed(HEAD SNP "debug = true\ncrl = \"if-given\"\n" TCB);
	json_t *j = policy_explain_json(p);
	char *text = json_dumps(json_object_get(j, "warnings"), 0);

	(void)state;
	assert_non_null(strstr(text, "debug"));
	assert_non_null(strstr(text, "revocation"));
	assert_non_null(strstr(text, "any machine"));
	assert_null(strstr(text, "known holes"));
	free(text);
	json_decref(j);
	policy_free(p);
}

static void the_local_policy_accepts_soft_only(void **state)
{
	struct policy *p = NULL;

	(void)state;
	assert_int_not_equal(policy_local(slice_text("no certificate"), shipped, &p), OK);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_policy_is_strict),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(mistakes_are_refused_with_place_and_cure),
		cmocka_unit_test(shipped_needs_something_shipped),
		cmocka_unit_test(the_templates_are_policies),
		cmocka_unit_test(weak_points_are_named),
		cmocka_unit_test(the_local_policy_accepts_soft_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
