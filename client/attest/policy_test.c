/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_explain.h"
#include "client/attest/policy_rules.h"
#include "client/config/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const uint8_t digests[2][48] = {{1}, {2}};
static const struct policy_shipped shipped = {digests, 2};

#define DIGEST "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\""
#define HEAD   "tee = [\"snp\"]\nmeasurements = [" DIGEST "]\n"
#define SNP    "[snp]\nproducts = [\"Milan\"]\n"
#define TCB    "[snp.minimum_tcb]\nboot_loader = 3\ntee = 0\nsnp = 8\nmicrocode = 115\n"
#define SOFT   "tee = [\"soft\"]\nmeasurements = [\"shipped\"]\n[soft]\n"
#define ROOT   "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""

#define ROOT64                                                                                                         \
	"\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                                           \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""

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
	struct policy *p = parsed(
	        "tee = [\"snp\", \"soft\"]\nmeasurements = [\"shipped\", " DIGEST "]\n"
	        "platform_ids = [\"0102030405060708\"]\nworkloads = [" ROOT "]\n"
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
	assert_int_equal(p->workloads.count, 1);
	assert_int_equal(p->workloads.bytes[31], 0x1f);
	assert_int_equal(p->platform_ids.bytes[63], 0);
	assert_true(!p->snp.vcek && p->snp.vlek && p->snp.debug && p->snp.migration && p->snp.smt &&
	            p->snp.masked_chip_id);
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
	assert_true(l.memory_bytes == UINT64_C(1) << 30 && l.wall_ns == UINT64_C(3600000000000) &&
	            l.cpu_ns == UINT64_C(600000000000));
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
	        {"tee = [\"sev-snp\"]", "p.toml:1:8: tee knows"},
	        {"tee = \"snp\"", "p.toml:1:7: tee must be an array, not a string"},
	        {HEAD SNP "measurement = 1", "p.toml:5:1: unknown key measurement in snp"},
	        {"measurment = []", "p.toml:1:1: unknown key measurment; did you mean measurements?"},
	        {"frobnicate = 1", "unknown key frobnicate; `broch policy init --tee"},
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
	        {"workloads = []", "accepts nothing"},
	        {"workloads = [\"01\"]", "64 hex digits"},
	        {"platform_ids = [\"0102\"]", "128 hex digits"},
	        {SOFT, "[soft] root or root_sha256 is missing"},
	        {SOFT "root_sha256 = \"00\"", "64 hex digits"},
	        {SOFT "root_sha256 = " ROOT "\nroot = \"local\"", "keep one"},
	        {SOFT "root = \"/nonexistent/ark.pem\"", "/nonexistent/ark.pem"},
	        {SOFT "root = \"a\\u0000b\"", "this must be a path"},
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
	assert_int_equal(
	        policy_parse(slice_text("measurements = [\"shipped\"]"), "p", (struct policy_shipped){NULL, 0}, &p, &n),
	        ERR_INVALID);
	assert_non_null(strstr(n.text, "none are installed"));
}

#define INTEL   "tcb_statuses = [\"UpToDate\"]\ncollateral_max_age = \"30d\"\n"
#define SGX     "tee = [\"sgx\"]\n[sgx]\n"
#define ENCLAVE "mrenclaves = [" ROOT "]\n"
#define SIGNER  "mrsigners = [" ROOT "]\n"
#define TDX     "tee = [\"tdx\"]\n[tdx]\n"
#define TD      "mrtds = [" DIGEST "]\n"
#define FREE    "rtmrs_free = [0, 1, 2, 3]\n"
#define NITRO   "tee = [\"nitro\"]\n[nitro]\n"
#define CCA     "tee = [\"cca\"]\n[cca]\n"
#define VTPM    "tee = [\"vtpm\", \"sgx\", \"tdx\"]\n[sgx]\n" ENCLAVE INTEL "[tdx]\n" TD FREE INTEL "[vtpm]\n"

static void nothing_of_the_other_tees_may_be_left_out(void **state)
{
	static const struct {
		const char *toml, *words; /* NULL: a good one */
	} rows[] = {
	        {SGX ENCLAVE INTEL, NULL},
	        {SGX SIGNER "product_id = 1\nminimum_isv_svn = 0\n" INTEL, NULL},
	        {SGX INTEL, "[sgx] mrenclaves is missing"},
	        {"tee = [\"sgx\"]\n", "[sgx] mrenclaves is missing"},
	        {SGX SIGNER INTEL, "[sgx] product_id is missing"},
	        {SGX SIGNER "product_id = 1\n" INTEL, "[sgx] minimum_isv_svn is missing"},
	        {SGX SIGNER "minimum_isv_svn = 1\n" INTEL, "[sgx] product_id is missing"},
	        {SGX ENCLAVE "collateral_max_age = \"30d\"\n", "[sgx] tcb_statuses is missing"},
	        {SGX ENCLAVE "tcb_statuses = []\ncollateral_max_age = \"30d\"\n", "[sgx] tcb_statuses is missing"},
	        {SGX ENCLAVE "tcb_statuses = [\"UpToDate\"]\n", "[sgx] collateral_max_age is missing"},
	        {SGX ENCLAVE "tcb_statuses = [\"UpToDate\", \"Revoked\"]\n",
	         "p.toml:4:29: a revoked platform is never"},
	        {SGX ENCLAVE "tcb_statuses = [\"Fine\"]\n", "p.toml:4:17: tcb_statuses knows"},
	        {SGX ENCLAVE INTEL "advisories = [\"CVE-2020-1\"]\n", "INTEL-SA-00615"},
	        {SGX ENCLAVE INTEL "mrtds = [" DIGEST "]\n", "unknown key mrtds in sgx"},
	        {SGX ENCLAVE INTEL "migration = true\n", "unknown key migration in sgx"},
	        {SGX ENCLAVE INTEL "mrenclave = 1\n", "did you mean mrenclaves?"},
	        {SGX "mrenclaves = []\n" INTEL, "accepts nothing"},
	        {SGX ENCLAVE INTEL "product_id = 65536\n", "from 0 to 65535"},
	        {SGX ENCLAVE INTEL "root_sha256 = " ROOT "\nroot = \"x\"\n", "keep one"},
	        {SGX ENCLAVE INTEL "root = \"/nonexistent/root.pem\"\n", "/nonexistent/root.pem"},
	        {"measurements = [" DIGEST "]\n" SGX ENCLAVE INTEL, "measurements is about"},
	        {"platform_ids = [\"0102030405060708\"]\n" SGX ENCLAVE INTEL, "platform_ids is about"},
	        {SGX ENCLAVE INTEL "[tdx]\n", "[tdx] is set but tee does not name \"tdx\""},
	        {TDX TD FREE INTEL, NULL},
	        {TDX TD "rtmrs_free = [0, 1, 3]\nrtmr2 = [" DIGEST "]\n" INTEL, NULL},
	        {TDX FREE INTEL, "[tdx] mrtds is missing"},
	        {TDX TD INTEL, "[tdx] rtmr0 is missing"},
	        {TDX TD "rtmrs_free = [0, 1, 2]\n" INTEL, "[tdx] rtmr3 is missing"},
	        {TDX TD FREE "rtmr2 = [" DIGEST "]\n" INTEL, "rtmr2 is listed"},
	        {TDX TD "rtmrs_free = [4]\n", "from 0 to 3"},
	        {TDX TD "rtmrs_free = [\"all\"]\n", "from 0 to 3"},
	        {TDX TD FREE INTEL "xfam = \"e7\"\n", "16 hex digits"},
	        {TDX TD FREE INTEL "minimum_isv_svn = 1\n", "unknown key minimum_isv_svn in tdx"},
	        {NITRO "pcr0 = [" DIGEST "]\n", NULL},
	        {NITRO "pcr8 = [" DIGEST "]\n", NULL},
	        {NITRO "pcr1 = [" DIGEST "]\n", "[nitro] pcr0 is missing"},
	        {NITRO "pcr32 = [" DIGEST "]\n", "unknown key pcr32"},
	        {NITRO "pcr0 = [" ROOT "]\n", "96 hex digits"},
	        {"tee = [\"sev-es\"]", "[sev] digests is missing"},
	        {"tee = [\"sev\"]\n[sev]\ndigests = [" ROOT "]\n", "[sev] minimum_firmware is missing"},
	        {"tee = [\"sev\"]\n[sev]\ndigests = []\n", "accepts nothing"},
	        {"tee = [\"sev\"]\n[sev]\ndigests = [\"00\"]\n", "64 hex digits"},
	        {"tee = [\"sev\"]\n[sev]\nminimum_firmware = \"1.2\"\n", "API major and minor and build"},
	        {"tee = [\"sev\"]\n[sev]\nminimum_firmware = \"1.2.256\"\n", "API major and minor and build"},
	        {"tee = [\"sev\"]\n[sev]\nminimum_firmware = \"1.2.3x\"\n", "API major and minor and build"},
	        {"tee = [\"sev\"]\n[sev]\nroot_sha256 = " ROOT "\nroot = \"x\"\n", "keep one"},
	        {"tee = [\"cca\"]\n[sev]\n", "[cca] platform_keys is missing"},
	        {SGX ENCLAVE "tcb_statuses = [\"UpToDate\"]\ncollateral_max_age = \"30d\"\n[sev]\n", "neither"},
	        {"tee = [\"pef\"]", "[pef] kernels is missing"},
	        {"tee = [\"pef\"]\n[pef]\nkernels = [" ROOT "]\n", "128 hex digits"},
	        {"tee = [\"pef\"]\n[pef]\nbootargs = [1]\n", "to the letter"},
	        {CCA, "[cca] platform_keys is missing"},
	        {CCA "platform_keys = [\"/nonexistent.jwk\"]\n", "/nonexistent.jwk"},
	        {CCA "platform_keys = [1]\n", "paths of JWK files"},
	        {CCA "initial_measurements = [\"00\"]\n", "64, 96 or 128 hex digits"},
	        {CCA "initial_measurements = []\n", "accepts nothing"},
	        {CCA "rems_free = [4]\n", "from 0 to 3"},
	        {CCA "software = [" ROOT "]\n", "[cca] platform_keys is missing"},
	        {VTPM "pcr4 = [" ROOT "]\n", NULL},
	        {VTPM "any_pcrs = true\n", NULL},
	        {VTPM, "[vtpm] pcr0 (or another) is missing"},
	        {VTPM "any_pcrs = false\n", "[vtpm] pcr0 (or another) is missing"},
	        {VTPM "any_pcrs = true\npcr4 = [" ROOT "]\n", "keep one"},
	        {VTPM "pcr24 = [" ROOT "]\n", "unknown key pcr24"},
	        {"tee = [\"vtpm\"]\n[vtpm]\nany_pcrs = true\n", "the hardware below the vTPM is missing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct policy *p = NULL;
		struct note n = {""};
		enum err err = policy_parse(slice_text(rows[i].toml), "p.toml", shipped, &p, &n);

		if ((err == OK) != (rows[i].words == NULL))
			fail_msg("%s\nsays: %s", rows[i].toml, err == OK ? "accepted" : n.text);
		if (rows[i].words != NULL && strstr(n.text, rows[i].words) == NULL)
			fail_msg("%s\nsays: %s\nexpected: %s", rows[i].toml, n.text, rows[i].words);
		policy_free(p);
	}
}

static void every_key_of_intel_arrives(void **state)
{
	struct policy *p = parsed(
	        "tee = [\"sgx\", \"tdx\"]\n[sgx]\n" SIGNER "product_id = 7\nminimum_isv_svn = 3\n"
	        "minimum_config_svn = 2\nminimum_evaluation = 17\ndebug = true\nadvisories = [\"INTEL-SA-00615\"]\n"
	        "fmspcs = [\"00906ed50000\"]\nroot_sha256 = " ROOT "\n" INTEL "[tdx]\n" TD FREE
	        "migration = true\nservice_td = true\nadvisories = [\"any\"]\n"
	        "attributes_set = \"0000000010000000\"\nxfam = \"00000000000602e7\"\n"
	        "tcb_statuses = [\"UpToDate\", \"OutOfDate\"]\ncollateral_max_age = \"90s\"\n");
	uint8_t advisory[DCAP_ADVISORY_MAX] = "INTEL-SA-00615";

	(void)state;
	assert_true(p->sgx.accepted && p->tdx.accepted && !p->snp.accepted && !p->nitro.accepted);
	assert_true(p->sgx.prod_id_set && p->sgx.prod_id == 7 && p->sgx.svn_min == 3 && p->sgx.config_svn_min == 2);
	assert_true(p->sgx.evaluation_min == 17 && p->sgx.debug && !p->sgx.any_advisory);
	assert_true(digest_list_has(&p->sgx.advisories, slice_of(advisory, sizeof advisory)));
	assert_int_equal(p->sgx.pins[DCAP_PIN_FMSPC].bytes[1], 0x90);
	assert_int_equal(p->sgx.root_count, 1);
	assert_int_equal(p->sgx.roots[0][31], 0x1f);
	assert_int_equal(p->sgx.statuses, 1u << TCB_UP_TO_DATE);
	assert_int_equal(p->sgx.max_age_s, 30 * 86400);
	assert_false(p->sgx.no_collateral || p->sgx.no_qe_identity || p->sgx.any_measurement);
	assert_true(p->tdx.migration && p->tdx.service_td && p->tdx.any_advisory && !p->tdx.debug);
	assert_true(p->tdx.td_attributes == 0x10000000 && p->tdx.xfam_limited && p->tdx.xfam == 0x602e7);
	assert_int_equal(p->tdx.statuses, 1u << TCB_UP_TO_DATE | 1u << TCB_OUT_OF_DATE);
	assert_int_equal(p->tdx.max_age_s, 90);
	assert_ptr_equal(p->tdx.roots, intel_roots);
	policy_free(p);
}

/* What stands in <> is to be filled in; the rest must be understood, with or without the # in front. */
static char *filled(const char *tee)
{
	const char *t = policy_template(tee);
	char *out = malloc(2 * strlen(t) + 1), *o = out;

	while (*t != 0) {
		unsigned digits = 0;

		if (sscanf(t, "<%u hex digits>", &digits) == 1) {
			memset(o, '0', digits);
			o += digits;
			t = strchr(t, '>') + 1;
		} else {
			*o++ = *t++;
		}
	}
	*o = 0;
	return out;
}

/* The public half of test/attest/keys/platform.pem, in a file; free the path. */
static char *key_file(const char *extra)
{
	char *path = strdup("/tmp/policy-test-XXXXXX");
	const int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	assert_non_null(f);
	fprintf(f,
	        "{\"kty\":\"EC\",\"crv\":\"P-384\",%s"
	        "\"x\":\"j9LmIPAWQtISLiEQZarSYnFogLfUJFBw8mRwxBoAe01CHqD294FlFebJHdxdSu45\","
	        "\"y\":\"leslNBMDZjGE3fegdByAC24QsHYZE54Iiga5_-n5P3bCCLWJZAHM8d1uRPGBbpXC\"}",
	        extra);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void every_key_of_cca_arrives(void **state)
{
	char *path = key_file(""), *secret = key_file("\"d\":\"AA\","), *toml = NULL;
	const char *const rest = "initial_measurements = [" ROOT ", " DIGEST "]\nrem1 = [" DIGEST "]\nrems_free = [0, 2, 3]\n";
	struct policy *p;

	(void)state;
	assert_true(asprintf(&toml,
	                     CCA "platform_keys = [\"%s\"]\n%ssoftware = [" ROOT "]\nunsecured = true\n"
	                         "implementation_ids = [" ROOT "]\npersonalizations = [" ROOT64 "]\n",
	                     path, rest) > 0);
	p = parsed(toml);
	assert_true(p->cca.accepted && p->cca.unsecured && !p->cca.any_software);
	assert_int_equal(p->cca.key_count, 1);
	assert_int_equal(p->cca.initial.count, 2);
	assert_int_equal(p->cca.initial.bytes[0], 32);
	assert_int_equal(p->cca.rems[1].count, 1);
	assert_int_equal(p->cca.software.count, 1);
	assert_int_equal(p->cca.implementations.bytes[31], 0x1f);
	assert_int_equal(p->cca.personalizations.count, 1);
	policy_free(p);
	free(toml);
	const struct {
		const char *key, *rest, *more, *words;
	} bad[] = {
	        {path, "", "", "[cca] initial_measurements is missing"},
	        {path, "initial_measurements = [" ROOT "]\n", "", "[cca] rem0 is missing"},
	        {path, rest, "", "[cca] software is missing"},
	        {path, rest, "software = [" ROOT "]\nany_software = true\n", "keep one"},
	        {path, "initial_measurements = [" ROOT "]\nrems_free = [0, 1, 2, 3]\n", "rem1 = [" ROOT "]\nany_software = true\n", "keep one"},
	        {secret, rest, "any_software = true\n", "a private key"},
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct note n = {""};

		assert_true(asprintf(&toml, CCA "platform_keys = [\"%s\"]\n%s%s", bad[i].key, bad[i].rest, bad[i].more) > 0);
		assert_int_not_equal(policy_parse(slice_text(toml), "p.toml", shipped, &p, &n), OK);
		if (strstr(n.text, bad[i].words) == NULL)
			fail_msg("%s\nsays: %s", toml, n.text);
		free(toml);
	}
	assert_int_equal(unlink(path) | unlink(secret), 0);
	free(path);
	free(secret);
}

static void every_key_of_nitro_arrives(void **state)
{
	struct policy *p = parsed(NITRO "pcr0 = [" DIGEST "]\npcr8 = [" DIGEST ", " DIGEST "]\nroot_sha256 = " ROOT "\n"
	                                "crl = \"required\"\ncrl_max_age = \"7d\"\nmax_age = \"1h\"\ndebug = true\n");
	json_t *j = policy_explain_json(p);
	char *text = json_dumps(j, 0);

	(void)state;
	assert_true(p->nitro.accepted && p->nitro.debug && p->nitro.root_set && p->nitro.crl_required);
	assert_int_equal(p->nitro.root[31], 0x1f);
	assert_int_equal(p->nitro.pcrs[8].count, 2);
	assert_int_equal(p->nitro.crl_max_age_s, 7 * 86400);
	assert_int_equal(p->nitro.max_age_s, 3600);
	assert_non_null(strstr(text, "under a root of your own"));
	assert_non_null(strstr(text, "at most 3600 s old"));
	assert_non_null(strstr(text, "lists of every authority"));
	assert_non_null(strstr(text, "their console is read from outside"));
	assert_non_null(strstr(text, "that AWS did not sign"));
	free(text);
	json_decref(j);
	policy_free(p);
}

static void a_root_of_your_own_is_named(void **state)
{
	struct policy *p = parsed(HEAD SNP "root_sha256 = " ROOT "\n" TCB);
	json_t *j = policy_explain_json(p);
	char *text = json_dumps(json_object_get(j, "warnings"), 0);

	(void)state;
	assert_int_equal(p->snp.root_count, SNP_SOFT);
	assert_ptr_equal(p->snp.roots, p->snp_root);
	assert_int_equal(p->snp.roots[SNP_TURIN].product, SNP_TURIN);
	assert_int_equal(p->snp.roots[SNP_TURIN].spki_sha256[31], 0x1f);
	assert_non_null(strstr(text, "root"));
	free(text);
	json_decref(j);
	policy_free(p);
}

static void the_templates_are_policies(void **state)
{
	static const char *const tees[] = {"snp", "sgx", "tdx", "nitro", "vtpm"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(tees); i++) {
		char *text = filled(tees[i]);

		policy_free(parsed(text));
		free(text);
	}
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		assert_non_null(strstr(policy_template("snp"), snp_pins[i].key));
	for (unsigned i = 0; i < DCAP_PIN_COUNT; i++) {
		if ((dcap_pins[i].in & DCAP_IN_SGX) != 0 && strstr(policy_template("sgx"), dcap_pins[i].key) == NULL)
			fail_msg("%s is not in the template of sgx", dcap_pins[i].key);
		if ((dcap_pins[i].in & DCAP_IN_TDX) != 0 && strstr(policy_template("tdx"), dcap_pins[i].key) == NULL)
			fail_msg("%s is not in the template of tdx", dcap_pins[i].key);
	}
	assert_non_null(strstr(policy_template("soft"), "tee = [\"soft\"]"));
	assert_null(policy_template("z80"));
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

static void weak_points_of_intels_tees_are_named(void **state)
{
	struct policy *p =
	        parsed(TDX TD "rtmrs_free = [0]\nrtmr1 = [" DIGEST "]\nrtmr2 = [" DIGEST "]\nrtmr3 = [" DIGEST "]\n"
	                      "debug = true\ntcb_statuses = [\"OutOfDate\"]\ncollateral_max_age = \"30d\"\n");
	json_t *j = policy_explain_json(p);
	char *text = json_dumps(json_object_get(j, "warnings"), 0);

	(void)state;
	assert_non_null(strstr(text, "any value of RTMR0"));
	assert_null(strstr(text, "RTMR1"));
	assert_non_null(strstr(text, "TDX debug mode"));
	assert_non_null(strstr(text, "out of date"));
	assert_non_null(strstr(text, "any TDX machine"));
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
	        cmocka_unit_test(nothing_of_the_other_tees_may_be_left_out),
	        cmocka_unit_test(every_key_of_intel_arrives),
	        cmocka_unit_test(every_key_of_cca_arrives),
	        cmocka_unit_test(every_key_of_nitro_arrives),
	        cmocka_unit_test(a_root_of_your_own_is_named),
	        cmocka_unit_test(the_templates_are_policies),
	        cmocka_unit_test(weak_points_of_intels_tees_are_named),
	        cmocka_unit_test(weak_points_are_named),
	        cmocka_unit_test(the_local_policy_accepts_soft_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
