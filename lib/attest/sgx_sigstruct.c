/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/sgx_sigstruct.h"

#include "lib/base/rw.h"

enum { HEADER_SIZE = 16, HALF = SGX_SIGNED_SIZE / 2, BODY_AT = 900 };

static const uint8_t header[HEADER_SIZE] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
static const uint8_t header2[HEADER_SIZE] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

static enum err same(struct reader *r, const uint8_t *want, bool *good)
{
	struct slice s;

	TRY(rd_bytes(r, HEADER_SIZE, &s));
	*good = *good && memcmp(s.data, want, HEADER_SIZE) == 0;
	return OK;
}

static enum err zeros(struct reader *r, size_t size, bool *good)
{
	if (rd_zero(r, size) == OK)
		return OK;
	*good = false;
	return rd_skip(r, size);
}

static enum err body(struct reader *r, struct sgx_sigstruct *out)
{
	TRY(rd_u32le(r, &out->miscselect));
	TRY(rd_u32le(r, &out->miscmask));
	TRY(rd_skip(r, 4)); /* CET attributes and mask, reserved: signed, and not ours to judge */
	TRY(rd_bytes(r, 16, &out->family_id));
	TRY(rd_bytes(r, 16, &out->attributes));
	TRY(rd_bytes(r, 16, &out->attribute_mask));
	TRY(rd_bytes(r, 32, &out->mrenclave));
	TRY(zeros(r, 16, &out->reserved));
	TRY(rd_bytes(r, 16, &out->ext_prod_id));
	TRY(rd_u16le(r, &out->prod_id));
	return rd_u16le(r, &out->svn);
}

enum err sgx_sigstruct_parse(struct slice in, struct sgx_sigstruct *out)
{
	struct reader r = rd_of(in);

	*out = (struct sgx_sigstruct){.headers = true, .reserved = true};
	TRY(same(&r, header, &out->headers));
	TRY(rd_u32le(&r, &out->vendor));
	TRY(rd_u32le(&r, &out->date));
	TRY(same(&r, header2, &out->headers));
	TRY(rd_u32le(&r, &out->swdefined));
	TRY(zeros(&r, 84, &out->reserved));
	TRY(rd_bytes(&r, SGX_RSA_SIZE, &out->modulus));
	TRY(rd_u32le(&r, &out->exponent));
	TRY(rd_bytes(&r, SGX_RSA_SIZE, &out->signature));
	TRY(body(&r, out));
	TRY(zeros(&r, 12, &out->reserved));
	TRY(rd_bytes(&r, SGX_RSA_SIZE, &out->q1));
	TRY(rd_bytes(&r, SGX_RSA_SIZE, &out->q2));
	TRY(rd_end(&r));
	memcpy(out->signed_part, in.data, HALF);
	memcpy(out->signed_part + HALF, in.data + BODY_AT, HALF);
	return OK;
}

static enum err field(struct writer *w, struct slice s, size_t size)
{
	if (s.size == 0)
		return wr_zero(w, size);
	return s.size == size ? wr_bytes(w, s) : ERR_INVALID;
}

static enum err write_head(struct writer *w, const struct sgx_sigstruct *s)
{
	TRY(wr_bytes(w, slice_of(header, sizeof header)));
	TRY(wr_u32le(w, s->vendor));
	TRY(wr_u32le(w, s->date));
	TRY(wr_bytes(w, slice_of(header2, sizeof header2)));
	TRY(wr_u32le(w, s->swdefined));
	return wr_zero(w, 84);
}

static enum err write_body(struct writer *w, const struct sgx_sigstruct *s)
{
	TRY(wr_u32le(w, s->miscselect));
	TRY(wr_u32le(w, s->miscmask));
	TRY(wr_zero(w, 4));
	TRY(field(w, s->family_id, 16));
	TRY(field(w, s->attributes, 16));
	TRY(field(w, s->attribute_mask, 16));
	TRY(field(w, s->mrenclave, 32));
	TRY(wr_zero(w, 16));
	TRY(field(w, s->ext_prod_id, 16));
	TRY(wr_u16le(w, s->prod_id));
	return wr_u16le(w, s->svn);
}

enum err sgx_sigstruct_signed_part(const struct sgx_sigstruct *s, uint8_t out[static SGX_SIGNED_SIZE])
{
	struct writer w = wr_of(out, SGX_SIGNED_SIZE);

	TRY(write_head(&w, s));
	return write_body(&w, s);
}

enum err sgx_sigstruct_write(const struct sgx_sigstruct *s, uint8_t out[static SGX_SIGSTRUCT_SIZE])
{
	struct writer w = wr_of(out, SGX_SIGSTRUCT_SIZE);

	TRY(write_head(&w, s));
	TRY(field(&w, s->modulus, SGX_RSA_SIZE));
	TRY(wr_u32le(&w, s->exponent));
	TRY(field(&w, s->signature, SGX_RSA_SIZE));
	TRY(write_body(&w, s));
	TRY(wr_zero(&w, 12));
	TRY(field(&w, s->q1, SGX_RSA_SIZE));
	return field(&w, s->q2, SGX_RSA_SIZE);
}
