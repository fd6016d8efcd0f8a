/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/snp_id.h"

#include "lib/base/rw.h"

enum { NUMBER_SIZE = 72, HEAD_PADDING = 56, MIDDLE_PADDING = 60, TAIL_PADDING = 892 };

static enum err field(struct writer *w, struct slice s, size_t size)
{
	return s.size == size ? wr_bytes(w, s) : ERR_INVALID;
}

enum err snp_id_block_write(const struct snp_id_block *b, uint8_t out[static SNP_ID_BLOCK_SIZE])
{
	struct writer w = wr_of(out, SNP_ID_BLOCK_SIZE);

	TRY(field(&w, b->launch_digest, 48));
	TRY(field(&w, b->family_id, 16));
	TRY(field(&w, b->image_id, 16));
	TRY(wr_u32le(&w, b->version));
	TRY(wr_u32le(&w, b->guest_svn));
	return wr_u64le(&w, b->policy);
}

enum err snp_id_key_write(struct slice x, struct slice y, uint8_t out[static SNP_ID_KEY_SIZE])
{
	struct writer w = wr_of(out, SNP_ID_KEY_SIZE);

	TRY(wr_u32le(&w, SNP_ID_CURVE_P384));
	TRY(field(&w, x, NUMBER_SIZE));
	TRY(field(&w, y, NUMBER_SIZE));
	return wr_zero(&w, SNP_ID_KEY_SIZE - wr_used(&w));
}

static enum err signature(struct writer *w, const struct snp_id_signature *s)
{
	TRY(field(w, s->r, NUMBER_SIZE));
	TRY(field(w, s->s, NUMBER_SIZE));
	return wr_zero(w, SNP_ID_SIGNATURE_SIZE - 2 * NUMBER_SIZE);
}

enum err snp_id_auth_write(const struct snp_id_auth *a, uint8_t out[static SNP_ID_AUTH_SIZE])
{
	struct writer w = wr_of(out, SNP_ID_AUTH_SIZE);

	TRY(wr_u32le(&w, a->id_algorithm));
	TRY(wr_u32le(&w, a->author_algorithm));
	TRY(wr_zero(&w, HEAD_PADDING));
	TRY(signature(&w, &a->block_signature));
	TRY(field(&w, a->id_key.raw, SNP_ID_KEY_SIZE));
	TRY(wr_zero(&w, MIDDLE_PADDING));
	if (a->author_algorithm == 0)
		return wr_zero(&w, SNP_ID_SIGNATURE_SIZE + SNP_ID_KEY_SIZE + TAIL_PADDING);
	TRY(signature(&w, &a->key_signature));
	TRY(field(&w, a->author_key.raw, SNP_ID_KEY_SIZE));
	return wr_zero(&w, TAIL_PADDING);
}
