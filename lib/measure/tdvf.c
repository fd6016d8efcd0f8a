/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/ovmf.h"
#include "lib/measure/tdx.h"

#include "lib/base/rw.h"

enum { HEAD_SIZE = 16, ENTRY_SIZE = 32, TDVF_VERSION = 1, PAGE = 4096, TDVF_SIZE_MAX = 1 << 28 };

static enum err section_read(struct reader *r, struct tdvf_section *s)
{
	TRY(rd_u32le(r, &s->offset));
	TRY(rd_u32le(r, &s->raw_size));
	TRY(rd_u64le(r, &s->gpa));
	TRY(rd_u64le(r, &s->size));
	TRY(rd_u32le(r, &s->type));
	return rd_u32le(r, &s->attributes);
}

static enum err section_check(struct slice image, const struct tdvf_section *s, unsigned i, struct note *n)
{
	uint64_t end;

	if (s->gpa % PAGE != 0 || s->size % PAGE != 0)
		return refuse(n, ERR_FORMAT, "TDVF section %u: address or size is no multiple of 4096", i);
	if (s->raw_size > s->size || s->offset > image.size || s->raw_size > image.size - s->offset)
		return refuse(n, ERR_FORMAT, "TDVF section %u: its %u bytes are not in the image, or not in the section", i, s->raw_size);
	if ((s->attributes & TDVF_AUG) != 0)
		return OK;
	if (s->size > TDVF_SIZE_MAX || add_overflows(s->gpa, s->size, &end))
		return refuse(n, ERR_LIMIT, "TDVF section %u: %llu bytes at %llxh", i, (unsigned long long)s->size,
			      (unsigned long long)s->gpa);
	return OK;
}

static enum err table_read(struct reader *r, struct tdvf *out)
{
	struct slice magic;
	uint32_t size, version, count;

	TRY(rd_bytes(r, 4, &magic));
	TRY(rd_u32le(r, &size));
	TRY(rd_u32le(r, &version));
	TRY(rd_u32le(r, &count));
	if (!slice_is(magic, "TDVF") || version != TDVF_VERSION)
		return ERR_VERSION;
	if (count > TDVF_SECTIONS_MAX)
		return ERR_LIMIT;
	if (size < HEAD_SIZE + count * ENTRY_SIZE)
		return ERR_FORMAT;
	for (out->count = 0; out->count < count; out->count++)
		TRY(section_read(r, &out->sections[out->count]));
	return OK;
}

enum err tdvf_parse(struct slice image, struct tdvf *out, struct note *n)
{
	struct ovmf tables;
	struct reader r;
	enum err err;

	out->count = 0;
	TRY(ovmf_parse(image, &tables, n));
	if (tables.tdvf_from_end == 0)
		return refuse(n, ERR_FORMAT, "the firmware has no TDX metadata: it was not built for a TD");
	if (tables.tdvf_from_end > image.size)
		return refuse(n, ERR_FORMAT, "firmware table: the TDX metadata would begin before the image");
	r = rd_of(slice_of(image.data + image.size - tables.tdvf_from_end, tables.tdvf_from_end));
	err = table_read(&r, out);
	if (err != OK)
		return refuse(n, ERR_FORMAT, "firmware table: the TDX metadata is damaged or of another version (%s)", err_text(err));
	for (size_t i = 0; i < out->count; i++)
		TRY(section_check(image, &out->sections[i], (unsigned)i, n));
	return OK;
}
