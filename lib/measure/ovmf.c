/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout from the end: 32 bytes of reset vector, the footer's GUID (16) and the size of the whole table (2), then
 * entries, each with its GUID (16), its size including these 18 bytes (2), and its data, all before what follows it.
 */
#include "lib/measure/ovmf.h"

#include "lib/base/rw.h"

enum { BEHIND_TABLE = 32, GUID_SIZE = 16, ENTRY_HEAD = GUID_SIZE + 2, METADATA_HEAD = 16, METADATA_VERSION = 1 };

/* As they stand in the image: the first three groups little-endian. */
static const uint8_t footer_guid[] = {0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                      0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
static const uint8_t hashes_guid[] = {0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
                                      0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54};
static const uint8_t reset_guid[] = {0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
                                     0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e};
static const uint8_t metadata_guid[] = {0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
                                        0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc};
static const uint8_t tdvf_guid[] = {0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
                                    0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2};

struct entries {
	struct slice hashes, reset, metadata, tdvf; /* data of each; size 0: not there */
};

static enum err take(struct entries *e, struct slice guid, struct slice data, struct note *n)
{
	const struct {
		const uint8_t *guid;
		struct slice *out;
	} known[] = {{hashes_guid, &e->hashes}, {reset_guid, &e->reset}, {metadata_guid, &e->metadata}, {tdvf_guid, &e->tdvf}};

	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		if (memcmp(known[i].guid, guid.data, GUID_SIZE) != 0)
			continue;
		if (known[i].out->size != 0 || data.size < 4)
			return refuse(n, ERR_FORMAT, "firmware table: an entry is there twice or too short");
		*known[i].out = data;
	}
	return OK;
}

/* The last `size` bytes of *s are cut off into *out. */
static enum err cut_end(struct slice *s, size_t size, struct slice *out)
{
	if (size > s->size)
		return ERR_TRUNCATED;
	s->size -= size;
	*out = slice_of(s->data + s->size, size);
	return OK;
}

static enum err entry_head(struct slice *table, struct slice *guid, uint16_t *size)
{
	struct slice bytes;
	struct reader r;

	TRY(cut_end(table, GUID_SIZE, guid));
	TRY(cut_end(table, 2, &bytes));
	r = rd_of(bytes);
	return rd_u16le(&r, size);
}

static enum err entries_read(struct slice image, struct entries *e, struct note *n)
{
	struct slice table = image, guid, data;
	uint16_t size;

	*e = (struct entries){{0}, {0}, {0}, {0}};
	if (cut_end(&table, BEHIND_TABLE, &data) != OK || entry_head(&table, &guid, &size) != OK ||
	    memcmp(guid.data, footer_guid, GUID_SIZE) != 0)
		return refuse(n, ERR_FORMAT, "no firmware table 32 bytes before the end: not an OVMF image for SEV");
	if (size < ENTRY_HEAD || cut_end(&table, size - ENTRY_HEAD, &data) != OK)
		return refuse(n, ERR_FORMAT, "firmware table: it says %u bytes, which is not its size", size);
	for (table = data; table.size >= ENTRY_HEAD;) {
		if (entry_head(&table, &guid, &size) != OK || size < ENTRY_HEAD ||
		    cut_end(&table, size - ENTRY_HEAD, &data) != OK)
			return refuse(n, ERR_FORMAT, "firmware table: an entry of %u bytes does not fit", size);
		TRY(take(e, guid, data, n));
	}
	return OK;
}

static enum err first_u32(struct slice s, uint32_t *out)
{
	struct reader r = rd_of(s);

	return s.size == 0 ? OK : rd_u32le(&r, out);
}

static enum err section(struct reader *r, struct ovmf_section *s)
{
	TRY(rd_u32le(r, &s->gpa));
	TRY(rd_u32le(r, &s->size));
	return rd_u32le(r, &s->type);
}

static enum err metadata(struct slice image, uint32_t from_end, struct ovmf *out)
{
	struct slice bytes = image, magic;
	struct reader r;
	uint32_t size, version, count;

	TRY(cut_end(&bytes, from_end, &bytes));
	r = rd_of(bytes);
	TRY(rd_bytes(&r, 4, &magic));
	TRY(rd_u32le(&r, &size));
	TRY(rd_u32le(&r, &version));
	TRY(rd_u32le(&r, &count));
	if (!slice_is(magic, "ASEV") || version != METADATA_VERSION)
		return ERR_VERSION;
	if (count > OVMF_SECTIONS_MAX)
		return ERR_LIMIT;
	for (out->section_count = 0; out->section_count < count; out->section_count++)
		TRY(section(&r, &out->sections[out->section_count]));
	return size < METADATA_HEAD ? ERR_FORMAT : OK;
}

enum err ovmf_parse(struct slice image, struct ovmf *out, struct note *n)
{
	struct entries e;
	uint32_t from_end = 0;

	*out = (struct ovmf){0};
	if (image.size > OVMF_SIZE_MAX)
		return refuse(n, ERR_LIMIT, "a firmware image of %llu bytes", (unsigned long long)image.size);
	TRY(entries_read(image, &e, n));
	TRY(first_u32(e.hashes, &out->hash_gpa));
	TRY(first_u32(e.reset, &out->reset_eip));
	TRY(first_u32(e.metadata, &from_end));
	TRY(first_u32(e.tdvf, &out->tdvf_from_end));
	if (e.metadata.size != 0 && metadata(image, from_end, out) != OK)
		return refuse(n, ERR_FORMAT, "firmware table: the SEV metadata is damaged or of another version");
	return OK;
}
