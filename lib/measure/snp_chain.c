/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/snp_chain.h"

#include "lib/base/rw.h"
#include "lib/measure/sha384x4.h"

#include <assert.h>
#include <bearssl.h>

enum { PAGE_INFO_SIZE = 0x70 };
static_assert((int)SHA384X4_SIZE == (int)SNP_CHAIN_DIGEST_SIZE, "one digest");

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

static void add(struct snp_chain *c, const struct snp_page *p, const uint8_t *contents)
{
	uint8_t info[PAGE_INFO_SIZE];
	struct writer w = wr_of(info, sizeof info);

	CHECK(page_info(&w, c, p, contents) == OK && wr_used(&w) == sizeof info);
	hash(info, sizeof info, c->digest);
}

void snp_chain_add(struct snp_chain *c, const struct snp_page *p)
{
	uint8_t contents[SNP_CHAIN_DIGEST_SIZE] = {0};

	if (p->type == SNP_PAGE_NORMAL || p->type == SNP_PAGE_VMSA)
		hash(p->content, SNP_PAGE_SIZE, contents);
	add(c, p, contents);
}

static void add_four(struct snp_chain *c, uint64_t gpa, const uint8_t *content)
{
	uint8_t contents[4][SHA384X4_SIZE];

	sha384x4(content, SNP_PAGE_SIZE, contents);
	for (size_t i = 0; i < 4; i++)
		add(c, &(struct snp_page){.type = SNP_PAGE_NORMAL, .gpa = gpa + i * SNP_PAGE_SIZE}, contents[i]);
}

void snp_chain_add_pages(struct snp_chain *c, uint64_t gpa, const uint8_t *content, size_t count)
{
	const size_t fours = sha384x4_works() ? count / 4 * 4 : 0;

	for (size_t i = 0; i < fours; i += 4)
		add_four(c, gpa + i * SNP_PAGE_SIZE, content + i * SNP_PAGE_SIZE);
	for (size_t i = fours; i < count; i++)
		snp_chain_add(c, &(struct snp_page){.type = SNP_PAGE_NORMAL,
		                                    .gpa = gpa + i * SNP_PAGE_SIZE,
		                                    .content = content + i * SNP_PAGE_SIZE});
}
