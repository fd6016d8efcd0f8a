/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any verdict, shown in every form. What the bytes say is made to a verdict as judges make one: checks out of a list,
 * with any printable text. The page must hold nothing that a text brought, and what is JSON must be read back as it
 * was.
 *
 * Each check: one byte which, one byte of its result and whether it was tolerated, one byte of length, then its text.
 */
#include "client/attest/ear.h"
#include "client/attest/verdict.h"
#include "lib/base/rw.h"

#include <stdio.h>
#include <stdlib.h>

enum { AT = 1764547200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *id, *link;
} kinds[] = {
        {"evidence.tee", "policy"},         {"snp.root.name", "root"},          {"snp.key.extensions", "platform key"},
        {"snp.report.signature", "report"}, {"snp.report.debug", "report"},     {"dcap.tcb_info.time", "collateral"},
        {"dcap.tcb.status", "report"},      {"tdx.measurement", "measurement"}, {"snp.measurement", "measurement"},
        {"snp.report_data", "handshake"},   {"nitro.nonce", "handshake"},       {"manifest.named", "module"},
        {"cca.platform.key", "root"},       {"vtpm.pcrs", "measurement"},       {"no.such.check", "no such link"},
};

static void text_of(struct reader *r, size_t size, char out[static CHECK_TEXT_MAX])
{
	uint8_t b;
	size_t n = 0;

	for (; size > 0 && rd_u8(r, &b) == OK; size--)
		if (n < CHECK_TEXT_MAX - 1)
			out[n++] = (char)(0x20 + b % 0x5f);
	out[n] = 0;
}

static void fill(struct verdict *v, struct reader *r)
{
	uint8_t which, result, length;

	while (rd_u8(r, &which) == OK && rd_u8(r, &result) == OK && rd_u8(r, &length) == OK) {
		struct check c = {.id = kinds[which % ARRAY_COUNT(kinds)].id,
		                  .link = kinds[which % ARRAY_COUNT(kinds)].link,
		                  .spec = (result & 0x40) != 0 ? "a document" : "",
		                  .result = (enum check_result)(result % 3),
		                  .tolerated = (result & 0x80) != 0};

		text_of(r, length, (result & 4) != 0 ? c.expected : (result & 8) != 0 ? c.cure : c.found);
		verdict_add(v, &c);
	}
}

static bool contains(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

static char *page_of(const struct verdict *v)
{
	const struct verdict_about about = {.kind = "any bytes", .at = AT};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CHECK(f != NULL);
	verdict_page(f, v, &about);
	CHECK(fclose(f) == 0 && size > 0 && strlen(text) == size);
	return text;
}

static void printed(const struct verdict *v)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CHECK(f != NULL);
	verdict_print(f, v, false);
	verdict_print_checks(f, v, false);
	CHECK(fclose(f) == 0 && size > 0 && memchr(text, 0x1b, size) == NULL);
	CHECK(contains(text, v->ok ? "accepted" : "refused"));
	free(text);
}

static void as_json(const struct verdict *v)
{
	json_t *o = verdict_json(v);
	const json_t *checks = json_object_get(o, "checks");

	CHECK(o != NULL && ear_add(o, v, AT, NULL) == OK);
	CHECK(json_array_size(checks) == v->check_count && json_is_true(json_object_get(o, "ok")) == v->ok);
	for (size_t i = 0; i < v->check_count; i++)
		CHECK(strcmp(json_string_value(json_object_get(json_array_get(checks, i), "found")),
		             v->checks[i].found) == 0);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verdict v;
	struct reader r = rd_of(slice_of(data, size));
	char *page;

	v.check_count = 0;
	verdict_begin(&v, "snp", "snp", true);
	fill(&v, &r);
	CHECK(v.ok == (verdict_reason(&v) == NULL));
	page = page_of(&v);
	CHECK(!contains(page, "<script") && !contains(page, "javascript:") && contains(page, "</html>"));
	free(page);
	printed(&v);
	as_json(&v);
	return 0;
}
