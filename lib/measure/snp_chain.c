/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/snp_chain.h"

#include "lib/base/rw.h"

#include <bearssl.h>

enum { PAGE_INFO_SIZE = 0x70 };

static void hash(const void *data, size_t size, uint8_t out[static SNP_CHAIN_DIGEST_SIZE])
{
	br_sha384_context c;

	br_sha384_init(&c);
	br_sha384_update(&c, data, size);
	br_sha384_out(&c, out);
}

static enum err page_info(struct writer *w, const struct snp_chain *c, const struct snp_page *p, const uint8_t *contents)
{
	TRY(wr_bytes(w, slice_of(c->digest, sizeof c->digest)));
	TRY(wr_bytes(w, slice_of(contents, SNP_CHAIN_DIGEST_SIZE)));
	TRY(wr_u16le(w, PAGE_INFO_SIZE));
	TRY(wr_u8(w, (uint8_t)p->type));
	TRY(wr_u8(w, p->imi));
	TRY(wr_bytes(w, slice_of(p->perms, sizeof p->perms)));
	TRY(wr_zero(w, 1));
	return wr_u64le(w, p->gpa);
}

void snp_chain_add(struct snp_chain *c, const struct snp_page *p)
{
	uint8_t info[PAGE_INFO_SIZE], contents[SNP_CHAIN_DIGEST_SIZE] = {0};
	struct writer w = wr_of(info, sizeof info);

	if (p->type == SNP_PAGE_NORMAL || p->type == SNP_PAGE_VMSA)
		hash(p->content, SNP_PAGE_SIZE, contents);
	CHECK(page_info(&w, c, p, contents) == OK && wr_used(&w) == sizeof info);
	hash(info, sizeof info, c->digest);
}
