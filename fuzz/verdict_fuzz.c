/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as evidence with any bytes as its collateral, and every signature let pass (client/attest/let_pass.h): what
 * stands behind signatures is reached without forging them. The policy accepts every TEE. Nothing is said here about
 * what may be accepted; a verdict must be whole, agree with itself, and bring no byte of the evidence as it is. How
 * one is shown: fuzz/words_fuzz.c.
 *
 * The first two bytes say where collateral begins, big-endian; the third sets what the policy tolerates.
 */
#include "client/attest/dcap.h"
#include "client/attest/evidence.h"
#include "client/attest/policy_explain.h"
#include "client/attest/verdict.h"
#include "fuzz/shown.h"

#include <stdio.h>

enum { HEAD = 3, AT = 1764547200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct policy policy;
static EVP_PKEY *recipient;

/* The key is one that the seed of a PEF blob is for. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	FILE *f;

	(void)argc;
	(void)argv;
	f = fopen("test/attest/keys/small.pem", "re");
	CHECK(f != NULL);
	recipient = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	CHECK(fclose(f) == 0 && recipient != NULL);
	return 0;
}

static void intel(struct dcap_rules *r, unsigned bits)
{
	*r = (struct dcap_rules){.accepted = true,
	                         .roots = intel_roots,
	                         .root_count = INTEL_ROOT_COUNT,
	                         .any_measurement = true,
	                         .any_advisory = true,
	                         .statuses = UINT32_MAX,
	                         .no_collateral = (bits & 1) != 0,
	                         .no_qe_identity = (bits & 2) != 0,
	                         .debug = true,
	                         .migration = true,
	                         .service_td = true,
	                         .max_age_s = (bits & 4) != 0 ? 86400 : 0};
}

static void amd(struct snp_rules *r, unsigned bits)
{
	*r = (struct snp_rules){.accepted = true,
	                        .products = UINT32_MAX,
	                        .roots = snp_amd_roots,
	                        .root_count = SNP_AMD_ROOT_COUNT,
	                        .vcek = true,
	                        .vlek = true,
	                        .any_vmpl = true,
	                        .debug = true,
	                        .migration = true,
	                        .smt = true,
	                        .masked_chip_id = true,
	                        .crl_required = (bits & 8) != 0,
	                        .crl_max_age_s = (bits & 4) != 0 ? 86400 : 0,
	                        .any_measurement = true};
}

/* The public half of test/attest/keys/platform.pem. */
static const char platform_key[] =
        "{\"kty\":\"EC\",\"crv\":\"P-384\","
        "\"x\":\"j9LmIPAWQtISLiEQZarSYnFogLfUJFBw8mRwxBoAe01CHqD294FlFebJHdxdSu45\","
        "\"y\":\"leslNBMDZjGE3fegdByAC24QsHYZE54Iiga5_-n5P3bCCLWJZAHM8d1uRPGBbpXC\"}";

/* A list of one value, which begins with its length where hashes have several; nothing real has it. */
static struct digest_list other(size_t size)
{
	static uint8_t value[128] = {48};

	return (struct digest_list){value, size, 1};
}

/* What a policy names is looked for, found wanting, and shown. */
static void pin_all(void)
{
	for (size_t i = 0; i < NITRO_RULE_PCRS; i++)
		policy.nitro.pcrs[i] = other(48);
	policy.vtpm.any_pcrs = false;
	for (size_t i = 0; i < VTPM_RULE_PCRS; i++)
		policy.vtpm.pcrs[i] = other(32);
	policy.cca.any_software = false;
	policy.cca.initial = policy.cca.software = other(CCA_HASH_SIZE);
	for (size_t i = 0; i < CCA_RULE_REMS; i++)
		policy.cca.rems[i] = other(CCA_HASH_SIZE);
	for (size_t i = 0; i < PEF_RULE_COUNT; i++)
		policy.pef.lists[i] = other(64);
	policy.measurements = other(48);
	policy.snp.any_measurement = policy.sgx.any_measurement = policy.tdx.any_measurement = false;
	policy.platform_ids = other(64);
}

static void accept_all(unsigned bits)
{
	static uint8_t digest[32];

	memset(&policy, 0, sizeof policy);
	intel(&policy.sgx, bits);
	intel(&policy.tdx, bits);
	amd(&policy.snp, bits);
	amd(&policy.soft, bits);
	policy.nitro.accepted = policy.nitro.debug = true;
	policy.nitro.crl_required = (bits & 8) != 0;
	policy.nitro.max_age_s = (bits & 4) != 0 ? 86400 : 0;
	policy.vtpm.accepted = policy.vtpm.any_pcrs = true;
	policy.cca.keys[0] = slice_text(platform_key);
	policy.cca.key_count = 1;
	policy.cca.accepted = policy.cca.unsecured = policy.cca.any_software = true;
	policy.sev.accepted = policy.sev.es_accepted = policy.sev.debug = policy.sev.migration = true;
	policy.sev.digests = (struct digest_list){digest, sizeof digest, 1};
	policy.pef.accepted = true;
	if ((bits & 32) != 0)
		pin_all();
}

static void judge(const struct evidence *e, const struct collateral *c, unsigned bits)
{
	static const struct sev_secrets secrets = {{{1}, {2}}, 1, {0, 24, 15}};
	const struct slice nonce = slice_text("fresh");
	const struct evidence_input in = {.evidence = e,
	                                  .collateral = c,
	                                  .policy = &policy,
	                                  .at = AT,
	                                  .nonce = evidence_takes_nonce(e->kind) && (bits & 16) != 0 ? &nonce : NULL,
	                                  .sev = &secrets,
	                                  .pef_key = recipient};
	static struct verdict v;

	evidence_verify(&in, &v);
	CHECK(v.check_count > 0 && v.check_count <= VERDICT_CHECKS_MAX);
	CHECK(!v.ok || verdict_reason(&v) == NULL);
	CHECK(v.measurement_size <= sizeof v.measurement && memchr(v.tee, 0, sizeof v.tee) != NULL);
	for (size_t i = 0; i < v.check_count; i++) {
		CHECK(v.checks[i].id != NULL && v.checks[i].link != NULL && v.checks[i].spec != NULL);
		shown(v.checks[i].expected, sizeof v.checks[i].expected);
		shown(v.checks[i].found, sizeof v.checks[i].found);
		shown(v.checks[i].cure, sizeof v.checks[i].cure);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence e = {0};
	struct collateral *c = NULL;
	struct note n = {""};
	unsigned bits;
	size_t cut;

	if (size < HEAD)
		return 0;
	cut = (size_t)data[0] << 8 | data[1];
	bits = data[2];
	data += HEAD;
	size -= HEAD;
	cut = cut < size ? cut : size;
	if (evidence_open(slice_of(data, cut), &e, &n) != OK) {
		shown(n.text, sizeof n.text);
		return 0;
	}
	accept_all(bits);
	if (cut < size) {
		c = collateral_new();
		CHECK(c != NULL);
		(void)!collateral_add(c, slice_of(data + cut, size - cut), "input", &n);
		shown(n.text, sizeof n.text);
	}
	judge(&e, c, bits);
	collateral_free(c);
	evidence_close(&e);
	return 0;
}
