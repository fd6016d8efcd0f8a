/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/tdx.h"

#include "lib/base/rw.h"

#include <bearssl.h>

enum { RECORD_SIZE = 128, GPA_AT = 16, PAGE = 4096, CHUNK = 256 };

static void record(br_sha384_context *c, const char *what, uint64_t gpa)
{
	uint8_t bytes[RECORD_SIZE] = {0};
	struct writer w = wr_of(bytes, sizeof bytes);

	CHECK(wr_bytes(&w, slice_text(what)) == OK && wr_zero(&w, GPA_AT - wr_used(&w)) == OK && wr_u64le(&w, gpa) == OK);
	br_sha384_update(c, bytes, sizeof bytes);
}

static void add(br_sha384_context *c, uint64_t gpa)
{
	record(c, "MEM.PAGE.ADD", gpa);
}

static void extend(br_sha384_context *c, uint64_t gpa, const uint8_t page[static PAGE])
{
	for (uint64_t at = 0; at < PAGE; at += CHUNK) {
		record(c, "MR.EXTEND", gpa + at);
		br_sha384_update(c, page + at, CHUNK);
	}
}

/* What the section puts at this offset: bytes of the image, then zeros. */
static void page_of(struct slice image, const struct tdvf_section *s, uint64_t at, uint8_t out[static PAGE])
{
	uint64_t left = at < s->raw_size ? s->raw_size - at : 0;
	size_t size = left < PAGE ? (size_t)left : PAGE;

	memset(out, 0, PAGE);
	if (size > 0)
		memcpy(out, image.data + s->offset + at, size);
}

static void section(br_sha384_context *c, struct slice image, const struct tdvf_section *s, bool two_pass)
{
	uint8_t page[PAGE];

	for (uint64_t at = 0; two_pass && at < s->size; at += PAGE)
		add(c, s->gpa + at);
	for (uint64_t at = 0; at < s->size; at += PAGE) {
		if (!two_pass)
			add(c, s->gpa + at);
		if ((s->attributes & TDVF_EXTEND) == 0)
			continue;
		page_of(image, s, at, page);
		extend(c, s->gpa + at, page);
	}
}

enum err tdx_measure_mrtd(struct slice image, bool two_pass, uint8_t mrtd[static TDX_DIGEST_SIZE], struct note *n)
{
	br_sha384_context c;
	struct tdvf t;

	TRY(tdvf_parse(image, &t, n));
	br_sha384_init(&c);
	for (size_t i = 0; i < t.count; i++)
		if ((t.sections[i].attributes & TDVF_AUG) == 0)
			section(&c, image, &t.sections[i], two_pass);
	br_sha384_out(&c, mrtd);
	return OK;
}
