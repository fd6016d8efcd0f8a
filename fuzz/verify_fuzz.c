/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as evidence. The input's first byte chooses what the bytes are: an envelope, or one part put into an
 * otherwise good one. Nothing but the good evidence itself may be accepted: whoever finds another has forged evidence.
 */
#include "test/attest/recipe.h"

#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct recipe recipe;
static struct slice envelope, parts[5];

/* The seeds are the good evidence: baking it anew would give other signatures, as good as these. */
static struct slice seed(const char *name)
{
	char path[100];
	struct slice s;

	snprintf(path, sizeof path, "fuzz/corpus/verify/%s", name);
	recipe_must(file_read(path, ENVELOPE_SIZE_MAX, &s, NULL) == OK && s.size > 1);
	return slice_of(s.data + 1, s.size - 1);
}

static struct slice part(unsigned which)
{
	return parts[which];
}

static bool accepted(struct slice evidence)
{
	struct verify_input in = {evidence, slice_of(recipe.want_data, 64), &recipe.policy, RECIPE_AT};
	static struct verdict v;

	verify_evidence(&in, &v);
	CHECK(v.ok == (v.check_count > 0 && verdict_reason(&v) == NULL));
	return v.ok;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = {"report", "root", "issuer", "platform", "crl"};

	(void)argc;
	(void)argv;
	recipe_must(recipe_load_keys());
	recipe_good(&recipe);
	recipe_pin(&recipe);
	for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
		parts[i] = seed(names[i]);
	envelope = seed("envelope");
	recipe_must(accepted(envelope));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[ENVELOPE_SIZE_MAX];
	struct slice in;
	struct envelope e = {.tee = slice_text("snp"), .evidence = part(0), .collateral_count = 4};
	static const char *const names[] = {"ark", "ask", "crl", "vcek"};
	static const unsigned order[] = {1, 2, 4, 3};
	unsigned which;
	size_t used;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	which = data[0] % 6;
	if (which == 5) {
		CHECK(!accepted(in) || slice_equal(in, envelope));
		return 0;
	}
	for (unsigned i = 0; i < 4; i++)
		e.collateral[i] = (struct envelope_item){slice_text(names[i]), order[i] == which ? in : part(order[i])};
	if (which == 0)
		e.evidence = in;
	if (envelope_encode(&e, bytes, sizeof bytes, &used) == OK)
		CHECK(!accepted(slice_of(bytes, used)) || slice_equal(in, part(which)));
	return 0;
}
