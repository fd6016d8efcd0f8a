/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/snp_report.h"

#include "lib/base/rw.h"

static enum err field(struct writer *w, struct slice s, size_t size)
{
	if (s.size == 0)
		return wr_zero(w, size);
	return s.size == size ? wr_bytes(w, s) : ERR_INVALID;
}

static enum err firmware(struct writer *w, struct snp_firmware f)
{
	TRY(wr_u8(w, f.build));
	TRY(wr_u8(w, f.minor));
	TRY(wr_u8(w, f.major));
	return wr_zero(w, 1);
}

static enum err head(struct writer *w, const struct snp_report *r)
{
	TRY(wr_u32le(w, r->version));
	TRY(wr_u32le(w, r->guest_svn));
	TRY(wr_u64le(w, r->policy));
	TRY(field(w, r->family_id, 16));
	TRY(field(w, r->image_id, 16));
	TRY(wr_u32le(w, r->vmpl));
	TRY(wr_u32le(w, r->signature_algo));
	TRY(field(w, r->current_tcb, 8));
	TRY(wr_u64le(w, r->platform_info));
	TRY(wr_u32le(w, r->key_info));
	return wr_zero(w, 4);
}

static enum err identity(struct writer *w, const struct snp_report *r)
{
	TRY(field(w, r->report_data, 64));
	TRY(field(w, r->measurement, SNP_MEASUREMENT_SIZE));
	TRY(field(w, r->host_data, 32));
	TRY(field(w, r->id_key_digest, 48));
	TRY(field(w, r->author_key_digest, 48));
	TRY(field(w, r->report_id, 32));
	TRY(field(w, r->report_id_ma, 32));
	return field(w, r->reported_tcb, 8);
}

static enum err chip_and_versions(struct writer *w, const struct snp_report *r)
{
	TRY(wr_u8(w, r->cpu_family));
	TRY(wr_u8(w, r->cpu_model));
	TRY(wr_u8(w, r->cpu_stepping));
	TRY(wr_zero(w, 21));
	TRY(field(w, r->chip_id, SNP_CHIP_ID_SIZE));
	TRY(field(w, r->committed_tcb, 8));
	TRY(firmware(w, r->current));
	TRY(firmware(w, r->committed));
	TRY(field(w, r->launch_tcb, 8));
	TRY(wr_u64le(w, r->launch_mit));
	TRY(wr_u64le(w, r->current_mit));
	return wr_zero(w, 152);
}

enum err snp_report_write(const struct snp_report *r, uint8_t out[static SNP_REPORT_SIZE])
{
	struct writer w = wr_of(out, SNP_REPORT_SIZE);

	TRY(head(&w, r));
	TRY(identity(&w, r));
	TRY(chip_and_versions(&w, r));
	TRY(field(&w, r->r, SNP_SCALAR_SIZE));
	TRY(field(&w, r->s, SNP_SCALAR_SIZE));
	TRY(wr_zero(&w, 368));
	CHECK(wr_used(&w) == SNP_REPORT_SIZE);
	return OK;
}
