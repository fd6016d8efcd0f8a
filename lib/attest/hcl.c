/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/hcl.h"

#include "lib/base/rw.h"

enum {
	HEADER_REST = 28, /* version, size, kind of request, flags: not signed by anybody */
	SNP_DATA = 0x50,
	TD_DATA = 128,
	TD_MRTD = 528,
	TPM_MAGIC = 0x474354ff, /* ff 'T' 'C' 'G' */
	TPM_ST_ATTEST_QUOTE = 0x8018,
	CLOCK_AND_FIRMWARE = 17 + 8,
	BANKS_MAX = 16,
	PCR_BYTES = 3
};

/* ---- the paravisor's report ---- */

static enum err data(struct reader *r, struct hcl_report *out)
{
	static const unsigned bits[] = {0, 256, 384, 512};
	uint32_t size, version, type, hash, keys;

	TRY(rd_u32le(r, &size));
	TRY(rd_u32le(r, &version));
	TRY(rd_u32le(r, &type));
	TRY(rd_u32le(r, &hash));
	TRY(rd_u32le(r, &keys));
	if (type != HCL_SNP && type != HCL_TDX)
		return ERR_UNSUPPORTED;
	if (hash == 0 || hash >= ARRAY_COUNT(bits))
		return ERR_UNSUPPORTED;
	if (keys == 0 || keys > HCL_KEYS_MAX)
		return ERR_LIMIT;
	out->type = (enum hcl_type)type;
	out->hash_bits = bits[hash];
	return rd_bytes(r, keys, &out->keys); /* the rest of the last page is of no meaning */
}

enum err hcl_report_parse(struct slice in, struct hcl_report *out, struct note *n)
{
	struct reader r = rd_of(in);
	struct slice magic, rest;
	enum err err;

	*out = (struct hcl_report){0};
	if (rd_bytes(&r, 4, &magic) != OK || !slice_is(magic, "HCLA") || rd_bytes(&r, HEADER_REST, &rest) != OK ||
	    rd_bytes(&r, HCL_HARDWARE_SIZE, &out->hardware) != OK)
		return refuse(n, ERR_FORMAT, "not a report of the paravisor (HCLA)");
	err = data(&r, out);
	if (err != OK)
		return refuse(n, err, "the paravisor's data: %s", err_text(err));
	out->report_data = slice_of(out->hardware.data + (out->type == HCL_SNP ? SNP_DATA : TD_DATA), 64);
	if (out->type == HCL_TDX)
		out->mrtd = slice_of(out->hardware.data + TD_MRTD, 48);
	return OK;
}

/* ---- the quote; its numbers are big-endian ---- */

static enum err u16(struct reader *r, uint16_t *out)
{
	uint8_t high, low;

	TRY(rd_u8(r, &high));
	TRY(rd_u8(r, &low));
	*out = (uint16_t)(high << 8 | low);
	return OK;
}

/* TPM2B: a size and so many bytes. */
static enum err sized(struct reader *r, struct slice *out)
{
	uint16_t size;

	TRY(u16(r, &size));
	return rd_bytes(r, size, out);
}

static enum err selection(struct reader *r, struct tpm_quote *out)
{
	struct slice bits;
	uint16_t high, count;

	TRY(u16(r, &high));
	TRY(u16(r, &count));
	if (high != 0 || count > BANKS_MAX)
		return ERR_LIMIT;
	for (uint16_t i = 0; i < count; i++) {
		uint16_t bank;
		uint8_t size;

		TRY(u16(r, &bank));
		TRY(rd_u8(r, &size));
		TRY(rd_bytes(r, size, &bits));
		if (size != PCR_BYTES)
			return ERR_UNSUPPORTED;
		out->bank = count == 1 ? bank : 0;
		out->selected = (uint32_t)(bits.data[0] | bits.data[1] << 8 | bits.data[2] << 16);
	}
	return OK;
}

static enum err body(struct reader *r, struct tpm_quote *out)
{
	struct slice skipped;

	TRY(sized(r, &skipped)); /* the signer's name */
	TRY(sized(r, &out->extra));
	TRY(rd_bytes(r, CLOCK_AND_FIRMWARE, &skipped));
	TRY(selection(r, out));
	return sized(r, &out->digest);
}

enum err tpm_quote_parse(struct slice in, struct tpm_quote *out, struct note *n)
{
	struct reader r = rd_of(in);
	uint32_t magic;
	uint16_t type;
	enum err err;

	*out = (struct tpm_quote){0};
	if (rd_u32le(&r, &magic) != OK || magic != TPM_MAGIC || u16(&r, &type) != OK)
		return refuse(n, ERR_UNSUPPORTED, "not made by a TPM");
	if (type != TPM_ST_ATTEST_QUOTE)
		return refuse(n, ERR_UNSUPPORTED, "a statement of type 0x%x, not a quote", (unsigned)type);
	err = body(&r, out);
	if (err != OK)
		return refuse(n, err, "the quote of the TPM: %s", err_text(err));
	return rd_end(&r) == OK ? OK : refuse(n, ERR_TRAILING, "bytes behind the quote of the TPM");
}
