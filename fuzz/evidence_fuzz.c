/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of evidence (first byte even), or as collateral of a good report (odd). Under a policy that accepts
 * every TEE and any measurement, nothing may be accepted but the good report with its own good collateral.
 */
#include "test/attest/recipe.h"

#include "client/attest/dcap.h"
#include "client/attest/evidence.h"
#include "fuzz/shown.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct recipe recipe;
static struct slice report;

static void open_to_all(struct policy *p)
{
	struct dcap_rules *const intel[] = {&p->sgx, &p->tdx};

	for (size_t i = 0; i < ARRAY_COUNT(intel); i++) {
		intel[i]->accepted = intel[i]->any_advisory = intel[i]->any_measurement = intel[i]->debug = true;
		intel[i]->statuses = UINT32_MAX;
		intel[i]->roots = intel_roots;
		intel[i]->root_count = INTEL_ROOT_COUNT;
	}
	p->nitro.accepted = p->nitro.debug = p->vtpm.accepted = p->vtpm.any_pcrs = true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct slice s;

	(void)argc;
	(void)argv;
	recipe_must(recipe_load_keys());
	recipe_good(&recipe);
	recipe_pin(&recipe);
	open_to_all(&recipe.policy);
	/* The seed is the good report: baking it anew would give another signature, as good as this. */
	recipe_must(file_read("fuzz/corpus/verify/report", ENVELOPE_SIZE_MAX, &s, NULL) == OK && s.size > 1);
	report = slice_of(s.data + 1, s.size - 1);
	return 0;
}

static void judge(const struct evidence *e, const struct collateral *c)
{
	struct evidence_input in = {.evidence = e, .collateral = c, .policy = &recipe.policy, .at = RECIPE_AT};
	static struct verdict v;

	evidence_verify(&in, &v);
	CHECK(v.ok == (v.check_count > 0 && verdict_reason(&v) == NULL));
	CHECK(!v.ok || slice_equal(slice_of(v.measurement, v.measurement_size),
	                           slice_of(recipe.measurement, sizeof recipe.measurement)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence e = {0};
	struct collateral *c = NULL;
	struct note n = {""};
	const bool beside = size > 0 && (data[0] & 1) != 0;
	struct slice rest = slice_of(data + (size > 0), size - (size > 0));

	if (evidence_open(beside ? report : rest, &e, &n) != OK) {
		CHECK(n.text[0] != 0);
		shown(n.text, sizeof n.text);
		return 0;
	}
	if (beside) {
		c = collateral_new();
		CHECK(c != NULL);
		if (collateral_add(c, rest, "input", &n) != OK)
			CHECK(n.text[0] != 0);
		shown(n.text, sizeof n.text);
		CHECK(c->size <= COLLATERAL_SIZE_MAX && c->count <= COLLATERAL_PIECES_MAX);
	}
	judge(&e, c);
	collateral_free(c);
	evidence_close(&e);
	return 0;
}
