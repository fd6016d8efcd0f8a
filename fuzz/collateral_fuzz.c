/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of collateral: PEM, DER, JSON bundles, certificate tables, envelopes, what SEV platforms export.
 */
#include "client/attest/collateral_review.h"
#include "fuzz/shown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void told(const struct review *r)
{
	CHECK(r->count <= REVIEW_LINES_MAX);
	for (size_t i = 0; i < r->count; i++) {
		shown(r->line[i].what, sizeof r->line[i].what);
		shown(r->line[i].origin, sizeof r->line[i].origin);
		shown(r->line[i].cure, sizeof r->line[i].cure);
	}
}

static void offered(const struct collateral_choice *choice)
{
	CHECK(choice->count <= ENVELOPE_COLLATERAL_MAX);
	for (size_t i = 0; i < choice->count; i++)
		CHECK(choice->items[i].name.size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[SNP_REPORT_SIZE] = {2};
	static struct review r;
	uint8_t pcrs[24][32];
	struct collateral *c = collateral_new();
	struct collateral_choice choice;
	struct note n = {""};

	CHECK(c != NULL);
	if (collateral_add(c, slice_of(data, size), "input", &n) != OK)
		CHECK(n.text[0] != 0);
	shown(n.text, sizeof n.text);
	CHECK(c->size <= COLLATERAL_SIZE_MAX && c->count <= COLLATERAL_PIECES_MAX);
	(void)!collateral_pcrs(c, pcrs);
	if (collateral_for_snp(c, slice_of(nothing, sizeof nothing), 1764547200, &choice) == OK) {
		offered(&choice);
		collateral_choice_free(&choice);
	}
	if (collateral_for_quote(c, slice_of(data, size), 1764547200, &choice) == OK) {
		offered(&choice);
		collateral_choice_free(&choice);
	}
	collateral_review(c, NULL, 1764547200, 86400, &r);
	told(&r);
	collateral_free(c);
	return 0;
}
