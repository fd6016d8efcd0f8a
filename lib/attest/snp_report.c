/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report is read in its own order, so the code below reads like the table of the specification. Reserved bytes are
 * not skipped but looked at: the first one that is not zero is remembered for the verifier to judge.
 */
#include "lib/attest/snp_report.h"

#include "lib/base/rw.h"

static enum err reserved(struct reader *r, size_t size, struct snp_report *out)
{
	size_t at = rd_offset(r);
	struct slice s;

	TRY(rd_bytes(r, size, &s));
	for (size_t i = 0; i < size && out->reserved_at == 0; i++)
		if (s.data[i] != 0)
			out->reserved_at = (uint16_t)(at + i);
	return OK;
}

static enum err firmware(struct reader *r, struct snp_firmware *f, struct snp_report *out)
{
	TRY(rd_u8(r, &f->build));
	TRY(rd_u8(r, &f->minor));
	TRY(rd_u8(r, &f->major));
	return reserved(r, 1, out);
}

/* 000h .. 04Fh */
static enum err head(struct reader *r, struct snp_report *out)
{
	TRY(rd_u32le(r, &out->guest_svn));
	TRY(rd_u64le(r, &out->policy));
	TRY(rd_bytes(r, 16, &out->family_id));
	TRY(rd_bytes(r, 16, &out->image_id));
	TRY(rd_u32le(r, &out->vmpl));
	TRY(rd_u32le(r, &out->signature_algo));
	TRY(rd_bytes(r, 8, &out->current_tcb));
	TRY(rd_u64le(r, &out->platform_info));
	TRY(rd_u32le(r, &out->key_info));
	out->author_key_en = (out->key_info & 1) != 0;
	out->mask_chip_key = (out->key_info >> 1 & 1) != 0;
	out->signing_key = (uint8_t)(out->key_info >> 2 & 7);
	if (out->key_info >> 5 != 0)
		out->reserved_at = 0x48;
	return reserved(r, 4, out);
}

/* 050h .. 187h */
static enum err identity(struct reader *r, struct snp_report *out)
{
	TRY(rd_bytes(r, 64, &out->report_data));
	TRY(rd_bytes(r, SNP_MEASUREMENT_SIZE, &out->measurement));
	TRY(rd_bytes(r, 32, &out->host_data));
	TRY(rd_bytes(r, 48, &out->id_key_digest));
	TRY(rd_bytes(r, 48, &out->author_key_digest));
	TRY(rd_bytes(r, 32, &out->report_id));
	TRY(rd_bytes(r, 32, &out->report_id_ma));
	return rd_bytes(r, 8, &out->reported_tcb);
}

/* 188h .. 1DFh */
static enum err chip(struct reader *r, struct snp_report *out)
{
	if (out->version < 3) {
		TRY(reserved(r, 3, out));
	} else {
		TRY(rd_u8(r, &out->cpu_family));
		TRY(rd_u8(r, &out->cpu_model));
		TRY(rd_u8(r, &out->cpu_stepping));
	}
	TRY(reserved(r, 21, out));
	return rd_bytes(r, SNP_CHIP_ID_SIZE, &out->chip_id);
}

/* 1E0h .. 29Fh */
static enum err versions(struct reader *r, struct snp_report *out)
{
	TRY(rd_bytes(r, 8, &out->committed_tcb));
	TRY(firmware(r, &out->current, out));
	TRY(firmware(r, &out->committed, out));
	TRY(rd_bytes(r, 8, &out->launch_tcb));
	if (out->version < 5) {
		TRY(reserved(r, 16, out));
	} else {
		TRY(rd_u64le(r, &out->launch_mit));
		TRY(rd_u64le(r, &out->current_mit));
	}
	return reserved(r, 152, out);
}

/* 2A0h .. 49Fh, not covered by the signature itself */
static enum err signature(struct reader *r, struct snp_report *out)
{
	TRY(rd_bytes(r, SNP_SCALAR_SIZE, &out->r));
	TRY(rd_bytes(r, SNP_SCALAR_SIZE, &out->s));
	return reserved(r, 368, out);
}

enum err snp_report_parse(struct slice in, struct snp_report *out, struct note *n)
{
	struct reader r = rd_of(in);

	*out = (struct snp_report){0};
	if (in.size != SNP_REPORT_SIZE)
		return refuse(n, in.size < SNP_REPORT_SIZE ? ERR_TRUNCATED : ERR_TRAILING,
		              "an SNP report has %u bytes, this one %llu", (unsigned)SNP_REPORT_SIZE,
		              (unsigned long long)in.size);
	TRY(rd_u32le(&r, &out->version));
	if (out->version < SNP_VERSION_MIN || out->version > SNP_VERSION_MAX)
		return refuse(n, ERR_VERSION, "SNP report version %u is unknown, %u to %u are known", out->version,
		              (unsigned)SNP_VERSION_MIN, (unsigned)SNP_VERSION_MAX);
	TRY(head(&r, out));
	TRY(identity(&r, out));
	TRY(chip(&r, out));
	TRY(versions(&r, out));
	TRY(signature(&r, out));
	return rd_end(&r);
}

struct snp_tcb snp_tcb_of(struct slice raw, enum snp_tcb_form form)
{
	static const uint8_t at[][SNP_TCB_PARTS] = {
	        [SNP_TCB_MILAN] =
	                {[SNP_TCB_BOOT_LOADER] = 0, [SNP_TCB_TEE] = 1, [SNP_TCB_SNP] = 6, [SNP_TCB_MICROCODE] = 7},
	        [SNP_TCB_TURIN] = {[SNP_TCB_FMC] = 0,
	                           [SNP_TCB_BOOT_LOADER] = 1,
	                           [SNP_TCB_TEE] = 2,
	                           [SNP_TCB_SNP] = 3,
	                           [SNP_TCB_MICROCODE] = 7},
	};
	struct snp_tcb t = {{0}};

	CHECK(raw.size == 8);
	for (unsigned i = 0; i < SNP_TCB_PARTS; i++)
		if (i != SNP_TCB_FMC || form == SNP_TCB_TURIN)
			t.part[i] = raw.data[at[form][i]];
	return t;
}

bool snp_tcb_le(const struct snp_tcb *a, const struct snp_tcb *b)
{
	for (unsigned i = 0; i < SNP_TCB_PARTS; i++)
		if (a->part[i] > b->part[i])
			return false;
	return true;
}
