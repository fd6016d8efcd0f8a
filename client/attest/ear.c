/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/ear.h"

#include "client/attest/base64url.h"

#include <stdlib.h>

const char *const ear_claim_names[EAR_CLAIM_COUNT] = {
        [EAR_INSTANCE] = "instance-identity", [EAR_CONFIGURATION] = "configuration", [EAR_EXECUTABLES] = "executables",
        [EAR_FILES] = "file-system",          [EAR_HARDWARE] = "hardware",           [EAR_RUNTIME] = "runtime-opaque",
        [EAR_STORAGE] = "storage-opaque",     [EAR_SOURCES] = "sourced-data",
};

/* AR4SI section 2.3.4: what a check that passed, was tolerated or failed says of its claim. */
enum { CRYPTO_FAILED = 99, AFFIRMED_BOOT = 3, WARNED = 32 };
static const struct {
	int8_t good, tolerated, bad;
} values[EAR_CLAIM_COUNT] = {
        [EAR_INSTANCE] = {2, 96, 97}, [EAR_CONFIGURATION] = {2, 32, 96}, [EAR_EXECUTABLES] = {AFFIRMED_BOOT, 32, 33},
        [EAR_FILES] = {2, 32, 96},    [EAR_HARDWARE] = {2, 32, 97},      [EAR_RUNTIME] = {2, 96, 96},
        [EAR_STORAGE] = {2, 32, 96},  [EAR_SOURCES] = {2, 32, 96},
};

static const struct {
	int8_t value;
	const char *text;
} words[EAR_CLAIM_COUNT][6] = {
        [EAR_INSTANCE] = {{2, "a machine that the policy names"}, {97, "not a machine that the policy names"}},
        [EAR_CONFIGURATION] = {{2, "as the policy wants it"},
                               {32, "tolerated: more is allowed than should be"},
                               {96, "not as the policy wants it"}},
        [EAR_EXECUTABLES] = {{3, "what was started is known"}, {33, "what was started is not known"}},
        [EAR_FILES] = {{2, "known"}},
        [EAR_HARDWARE] = {{2, "genuine, and new enough"},
                          {32, "tolerated: genuine with known weaknesses, or a stand-in"},
                          {97, "not known to be genuine and new enough"}},
        [EAR_RUNTIME] = {{2, "memory is encrypted"},
                         {32, "memory is set apart but not encrypted, or encrypted but not safe from change"},
                         {96, "memory is open to the host"}},
};

const char *ear_value_text(enum ear_claim claim, int8_t value)
{
	if (value == CRYPTO_FAILED)
		return "a signature or digest is not what it should be";
	for (size_t i = 0; i < ARRAY_COUNT(words[claim]); i++)
		if (words[claim][i].value == value && words[claim][i].text != NULL)
			return words[claim][i].text;
	return "nothing is claimed";
}

/* ---- which claim a check speaks for ---- */

static const struct {
	const char *id;
	int claim; /* EAR_CLAIM_COUNT: none */
} exceptions[] = {
        {"snp.report.debug", EAR_RUNTIME},
        {"sgx.debug", EAR_RUNTIME},
        {"tdx.debug", EAR_RUNTIME},
        {"nitro.debug", EAR_RUNTIME},
        {"tdx.migration", EAR_RUNTIME},
        {"snp.report.migration", EAR_RUNTIME},
        {"tdx.service_td", EAR_RUNTIME},
        {"snp.report.platform_id", EAR_INSTANCE},
        {"dcap.ppid", EAR_INSTANCE},
        {"dcap.platform_instance", EAR_INSTANCE},
        {"cca.platform.instance", EAR_INSTANCE},
        {"snp.report.tcb_key", EAR_HARDWARE},
        {"snp.report.tcb_order", EAR_HARDWARE},
        {"snp.report.tcb_minimum", EAR_HARDWARE},
        {"snp.report.chip_id", EAR_HARDWARE},
        {"snp.report.product", EAR_HARDWARE},
        {"snp.report.read", EAR_HARDWARE},
        {"snp.report.scalars", EAR_HARDWARE},
        {"snp.report.signature", EAR_HARDWARE},
        {"snp.report.id_key", EAR_EXECUTABLES},
        {"snp.report.author_key", EAR_EXECUTABLES},
        {"snp.report.family_id", EAR_EXECUTABLES},
        {"snp.report.image_id", EAR_EXECUTABLES},
        {"vtpm.tpm.pcrs", EAR_EXECUTABLES},
        {"vtpm.tpm.pinned", EAR_EXECUTABLES},
        {"vtpm.tpm.bank", EAR_EXECUTABLES},
        {"sev.launch.policy", EAR_RUNTIME},
        {"sev.launch.firmware", EAR_HARDWARE},
        {"sev.report.policy_bits", EAR_RUNTIME},
        {"sev.report.read", EAR_HARDWARE},
        {"sev.report.form", EAR_HARDWARE},
        {"sev.report.signature", EAR_HARDWARE},
        {"sev.cek.known", EAR_INSTANCE},
        {"sev.oca.known", EAR_INSTANCE},
        {"nitro.doc.read", EAR_HARDWARE},
        {"nitro.doc.signature", EAR_HARDWARE},
};

static const struct {
	const char *start;
	int claim;
} families[] = {{"dcap.quote.", EAR_HARDWARE},
                {"dcap.qe.", EAR_HARDWARE},
                {"cca.token.", EAR_HARDWARE},
                {"pef.digests.", EAR_EXECUTABLES},
                {"vtpm.", EAR_HARDWARE}};

static const struct {
	const char *link;
	int claim;
} links[] = {{"root", EAR_HARDWARE},        {"platform key", EAR_HARDWARE}, {"collateral", EAR_HARDWARE},
             {"report", EAR_CONFIGURATION}, {"policy", EAR_HARDWARE},       {"measurement", EAR_EXECUTABLES},
             {"module", EAR_EXECUTABLES}};

/* The exception, else the family, else the link; what binds the evidence speaks for no claim. */
static int claim_of(const struct check *c)
{
	for (size_t i = 0; i < ARRAY_COUNT(exceptions); i++)
		if (strcmp(exceptions[i].id, c->id) == 0)
			return exceptions[i].claim;
	for (size_t i = 0; i < ARRAY_COUNT(families); i++)
		if (strncmp(families[i].start, c->id, strlen(families[i].start)) == 0)
			return families[i].claim;
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		if (strcmp(links[i].link, c->link) == 0)
			return links[i].claim;
	return EAR_CLAIM_COUNT;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static int8_t value_of(const struct check *c, int claim)
{
	if (c->result == CHECK_FAIL && (ends_with(c->id, ".signature") || ends_with(c->id, ".binding")))
		return CRYPTO_FAILED;
	if (c->result == CHECK_FAIL)
		return values[claim].bad;
	return c->tolerated ? values[claim].tolerated : values[claim].good;
}

void ear_vector(const struct verdict *v, int8_t out[static EAR_CLAIM_COUNT])
{
	memset(out, 0, EAR_CLAIM_COUNT * sizeof *out);
	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];
		int claim = claim_of(c);
		int8_t value;

		if (claim == EAR_CLAIM_COUNT || c->result == CHECK_SKIP)
			continue;
		value = value_of(c, claim);
		out[claim] = value > out[claim] ? value : out[claim];
	}
	/* A stand-in encrypts nothing, SEV's memory can be moved and replayed, its registers are open but with ES, and Nitro sets memory apart without encrypting it. */
	if (v->soft)
		out[EAR_HARDWARE] = out[EAR_HARDWARE] > WARNED ? out[EAR_HARDWARE] : WARNED;
	if (v->soft)
		out[EAR_RUNTIME] = values[EAR_RUNTIME].bad;
	if ((strcmp(v->tee, "nitro") == 0 || strncmp(v->tee, "sev", 3) == 0) && out[EAR_RUNTIME] == values[EAR_RUNTIME].good)
		out[EAR_RUNTIME] = WARNED;
}

/* Evidence that answers no question of anybody's may be a replay, or another machine's. A vTPM's hardware is bound to the
 * vTPM, which alone says nothing of the time. */
static bool bound(const struct verdict *v)
{
	static const char *const binding[] = {"snp.report_data",      "dcap.report_data", "nitro.nonce",
	                                      "nitro.user_data",      "nitro.public_key", "cca.challenge",
	                                      "ratls.evidence.nonce", "sev.report.nonce", "sev.launch.measure"};
	bool vtpm = false, good = false;

	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];

		vtpm = vtpm || strncmp(c->id, "vtpm.", 5) == 0;
		for (size_t k = 0; c->result == CHECK_PASS && k < ARRAY_COUNT(binding); k++)
			good = good || strcmp(c->id, binding[k]) == 0;
		if (strcmp(c->id, "vtpm.tpm.nonce") == 0 && c->result == CHECK_PASS)
			return true;
	}
	return good && !vtpm;
}

const char *ear_status(const struct verdict *v)
{
	int8_t vector[EAR_CLAIM_COUNT];

	if (!v->ok)
		return "contraindicated";
	ear_vector(v, vector);
	for (unsigned i = 0; i < EAR_CLAIM_COUNT; i++)
		if (vector[i] >= WARNED)
			return "warning";
	return bound(v) ? "affirming" : "warning";
}

/* ---- JSON ---- */

static json_t *vector_json(const struct verdict *v)
{
	int8_t vector[EAR_CLAIM_COUNT];
	json_t *o = json_object();

	ear_vector(v, vector);
	for (unsigned i = 0; i < EAR_CLAIM_COUNT; i++)
		if (vector[i] != 0 && json_object_set_new(o, ear_claim_names[i], json_integer(vector[i])) != 0) {
			json_decref(o);
			return NULL;
		}
	return o;
}

enum err ear_add(json_t *o, const struct verdict *v, int64_t at, const struct slice *nonce)
{
	const char *module = v->tee[0] != 0 ? v->tee : "unknown";
	json_t *more = json_pack("{s:s, s:I, s:{s:s, s:s}, s:{s:{s:s, s:o}}}", "eat_profile",
	                         "tag:github.com,2023:veraison/ear", "iat", (json_int_t)at, "ear.verifier-id", "build",
	                         "broch " BROCH_VERSION, "developer", "Broch", "submods", module, "ear.status",
	                         ear_status(v), "ear.trustworthiness-vector", vector_json(v));
	char *text = nonce != NULL ? base64url_encode(*nonce) : NULL;
	bool good = more != NULL && (nonce == NULL || text != NULL);

	if (good && text != NULL)
		good = json_object_set_new(more, "eat_nonce", json_string(text)) == 0;
	good = good && json_object_update(o, more) == 0;
	free(text);
	json_decref(more);
	return good ? OK : ERR_NOMEM;
}
