/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/snp_id.h"

#include "lib/base/rw.h"

enum { NUMBER_SIZE = 72 };

static enum err padding(struct reader *r, size_t size, bool *padded)
{
	if (rd_zero(r, size) == OK)
		return OK;
	*padded = false;
	return rd_skip(r, size);
}

enum err snp_id_block_parse(struct slice in, struct snp_id_block *out)
{
	struct reader r = rd_of(in);

	TRY(rd_bytes(&r, 48, &out->launch_digest));
	TRY(rd_bytes(&r, 16, &out->family_id));
	TRY(rd_bytes(&r, 16, &out->image_id));
	TRY(rd_u32le(&r, &out->version));
	TRY(rd_u32le(&r, &out->guest_svn));
	TRY(rd_u64le(&r, &out->policy));
	return rd_end(&r);
}

enum err snp_id_key_parse(struct slice in, struct snp_id_key *out)
{
	struct reader r = rd_of(in);

	out->raw = in;
	out->padded = true;
	TRY(rd_u32le(&r, &out->curve));
	TRY(rd_bytes(&r, NUMBER_SIZE, &out->x));
	TRY(rd_bytes(&r, NUMBER_SIZE, &out->y));
	TRY(padding(&r, SNP_ID_KEY_SIZE - 4 - 2 * NUMBER_SIZE, &out->padded));
	return rd_end(&r);
}

static enum err key(struct reader *r, struct snp_id_key *out)
{
	struct slice s;

	TRY(rd_bytes(r, SNP_ID_KEY_SIZE, &s));
	return snp_id_key_parse(s, out);
}

static enum err signature(struct reader *r, struct snp_id_signature *out)
{
	out->padded = true;
	TRY(rd_bytes(r, NUMBER_SIZE, &out->r));
	TRY(rd_bytes(r, NUMBER_SIZE, &out->s));
	return padding(r, SNP_ID_SIGNATURE_SIZE - 2 * NUMBER_SIZE, &out->padded);
}

enum err snp_id_auth_parse(struct slice in, struct snp_id_auth *out)
{
	struct reader r = rd_of(in);

	out->padded = true;
	TRY(rd_u32le(&r, &out->id_algorithm));
	TRY(rd_u32le(&r, &out->author_algorithm));
	TRY(padding(&r, 56, &out->padded));
	TRY(signature(&r, &out->block_signature));
	TRY(key(&r, &out->id_key));
	TRY(padding(&r, 60, &out->padded));
	TRY(signature(&r, &out->key_signature));
	TRY(key(&r, &out->author_key));
	TRY(padding(&r, 892, &out->padded));
	return rd_end(&r);
}
