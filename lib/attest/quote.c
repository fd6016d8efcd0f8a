/* SPDX-License-Identifier: Apache-2.0 */
/* Read in the order of the tables of the specification. Reserved bytes are left to the signature, which covers them. */
#include "lib/attest/quote.h"

#include "lib/base/rw.h"

enum { MEASURE = 48 };

enum err sgx_report_parse(struct slice in, struct sgx_report *out)
{
	struct reader r = rd_of(in);

	TRY(rd_bytes(&r, QUOTE_SVN_SIZE, &out->cpusvn));
	TRY(rd_u32le(&r, &out->miscselect));
	TRY(rd_skip(&r, 12));
	TRY(rd_bytes(&r, 16, &out->ext_prod_id));
	TRY(rd_bytes(&r, 16, &out->attributes));
	TRY(rd_bytes(&r, 32, &out->mrenclave));
	TRY(rd_skip(&r, 32));
	TRY(rd_bytes(&r, 32, &out->mrsigner));
	TRY(rd_skip(&r, 32));
	TRY(rd_bytes(&r, 64, &out->config_id));
	TRY(rd_u16le(&r, &out->prod_id));
	TRY(rd_u16le(&r, &out->svn));
	TRY(rd_u16le(&r, &out->config_svn));
	TRY(rd_skip(&r, 42));
	TRY(rd_bytes(&r, 16, &out->family_id));
	TRY(rd_bytes(&r, 64, &out->report_data));
	return rd_end(&r);
}

enum err td_report_parse(struct slice in, struct td_report *out)
{
	struct reader r = rd_of(in);

	TRY(rd_bytes(&r, QUOTE_SVN_SIZE, &out->tee_tcb_svn));
	TRY(rd_bytes(&r, MEASURE, &out->mrseam));
	TRY(rd_bytes(&r, MEASURE, &out->mrsignerseam));
	TRY(rd_bytes(&r, 8, &out->seam_attributes));
	TRY(rd_u64le(&r, &out->attributes));
	TRY(rd_u64le(&r, &out->xfam));
	TRY(rd_bytes(&r, MEASURE, &out->mrtd));
	TRY(rd_bytes(&r, MEASURE, &out->mrconfigid));
	TRY(rd_bytes(&r, MEASURE, &out->mrowner));
	TRY(rd_bytes(&r, MEASURE, &out->mrownerconfig));
	for (unsigned i = 0; i < 4; i++)
		TRY(rd_bytes(&r, MEASURE, &out->rtmr[i]));
	TRY(rd_bytes(&r, 64, &out->report_data));
	out->tee_tcb_svn2 = out->mrservicetd = slice_of(NULL, 0);
	if (rd_left(&r) == 0)
		return OK;
	TRY(rd_bytes(&r, QUOTE_SVN_SIZE, &out->tee_tcb_svn2));
	TRY(rd_bytes(&r, MEASURE, &out->mrservicetd));
	return rd_end(&r);
}

static enum err header(struct reader *r, struct quote *q, struct note *n)
{
	TRY(rd_u16le(r, &q->version));
	if (q->version < 3 || q->version > 5)
		return refuse(n, ERR_VERSION, "a quote of version %u", q->version);
	TRY(rd_u16le(r, &q->key_type));
	TRY(rd_u32le(r, &q->tee));
	TRY(rd_skip(r, 4)); /* version 3: SVNs of two enclaves, which the QE report says better */
	TRY(rd_bytes(r, 16, &q->qe_vendor));
	return rd_bytes(r, 20, &q->user_data);
}

/* Version 5 says what the body is; before, the TEE type does. */
static enum err body_form(struct reader *r, struct quote *q, uint32_t *size, struct note *n)
{
	static const uint32_t sizes[] = {0, SGX_REPORT_BODY_SIZE, TD_REPORT_10_SIZE, TD_REPORT_15_SIZE};
	uint16_t type = q->tee == QUOTE_TEE_SGX ? QUOTE_BODY_SGX : QUOTE_BODY_TD10;

	*size = sizes[type];
	if (q->version == 5) {
		TRY(rd_u16le(r, &type));
		TRY(rd_u32le(r, size));
	}
	if (type < QUOTE_BODY_SGX || type > QUOTE_BODY_TD15 || *size != sizes[type])
		return refuse(n, ERR_FORMAT, "body type %u with %u bytes", type, (unsigned)*size);
	if (q->tee != (type == QUOTE_BODY_SGX ? QUOTE_TEE_SGX : QUOTE_TEE_TDX) ||
	    (q->version == 3 && type != QUOTE_BODY_SGX))
		return refuse(n, ERR_FORMAT, "TEE type %x in a quote of version %u with body type %u", (unsigned)q->tee,
		              q->version, type);
	q->body = (enum quote_body)type;
	return OK;
}

static enum err body(struct reader *r, struct quote *q, struct note *n)
{
	uint32_t size;
	struct slice s;

	TRY(body_form(r, q, &size, n));
	TRY(rd_bytes(r, size, &s));
	return q->body == QUOTE_BODY_SGX ? sgx_report_parse(s, &q->sgx) : td_report_parse(s, &q->td);
}

/* The quoting enclave's report and the certificates of the key that signed it. Some libraries leave zeros behind. */
static enum err qe_tail(struct reader r, struct quote *q)
{
	uint16_t auth_size;
	uint32_t cert_size;

	TRY(rd_bytes(&r, SGX_REPORT_BODY_SIZE, &q->qe_report));
	TRY(sgx_report_parse(q->qe_report, &q->qe));
	TRY(rd_bytes(&r, QUOTE_POINT_SIZE, &q->qe_signature));
	TRY(rd_u16le(&r, &auth_size));
	TRY(rd_bytes(&r, auth_size, &q->qe_auth));
	TRY(rd_u16le(&r, &q->cert_type));
	TRY(rd_u32le(&r, &cert_size));
	TRY(rd_bytes(&r, cert_size, &q->cert_data));
	return rd_zero(&r, rd_left(&r));
}

static enum err signature_data(struct reader r, struct quote *q, struct note *n)
{
	struct reader inside;
	uint16_t type;
	uint32_t size;

	TRY(rd_bytes(&r, QUOTE_POINT_SIZE, &q->signature));
	TRY(rd_bytes(&r, QUOTE_POINT_SIZE, &q->key));
	if (q->version == 3)
		return qe_tail(r, q);
	TRY(rd_u16le(&r, &type));
	TRY(rd_u32le(&r, &size));
	if (type != QUOTE_CERT_QE_REPORT)
		return refuse(n, ERR_FORMAT, "certification data of type %u where the QE report must be", type);
	TRY(rd_sub(&r, size, &inside));
	TRY(rd_zero(&r, rd_left(&r)));
	return qe_tail(inside, q);
}

static enum err whole(struct slice in, struct quote *q, struct note *n)
{
	struct reader r = rd_of(in), inside;
	uint32_t size;

	TRY(header(&r, q, n));
	TRY(body(&r, q, n));
	q->signed_part = slice_of(in.data, rd_offset(&r));
	TRY(rd_u32le(&r, &size));
	TRY(rd_sub(&r, size, &inside));
	TRY(signature_data(inside, q, n));
	return rd_bytes(&r, rd_left(&r), &q->padding);
}

enum err quote_parse(struct slice in, struct quote *out, struct note *n)
{
	enum err err;

	*out = (struct quote){.version = 0};
	if (in.size > QUOTE_SIZE_MAX)
		return refuse(n, ERR_LIMIT, "a quote of %llu bytes", (unsigned long long)in.size);
	err = whole(in, out, n);
	if (err != OK)
		note_set(n, "a quote whose parts do not fit into it: %s", err_text(err));
	return err;
}
