/* SPDX-License-Identifier: Apache-2.0 */
/* The SEV-SNP launch digest page by page (AMD 56860 section 8.17.2): each page adds one PAGE_INFO to the digest so far. */
#ifndef BROCH_MEASURE_SNP_CHAIN_H
#define BROCH_MEASURE_SNP_CHAIN_H

#include "lib/base/err.h"

enum { SNP_PAGE_SIZE = 4096, SNP_CHAIN_DIGEST_SIZE = 48 };

enum snp_page_type {
	SNP_PAGE_NORMAL = 1,
	SNP_PAGE_VMSA = 2,
	SNP_PAGE_ZERO = 3,
	SNP_PAGE_UNMEASURED = 4,
	SNP_PAGE_SECRETS = 5,
	SNP_PAGE_CPUID = 6,
};

/* Where Linux KVM says that a vCPU's save area lies. */
#define SNP_VMSA_GPA UINT64_C(0xfffffffff000)

struct snp_page {
	enum snp_page_type type;
	uint64_t gpa;
	const uint8_t *content; /* SNP_PAGE_SIZE bytes for NORMAL and VMSA, else not looked at */
	bool imi;
	uint8_t perms[3];       /* of VMPL 3, 2, 1 */
};

struct snp_chain {
	uint8_t digest[SNP_CHAIN_DIGEST_SIZE]; /* zero before the first page */
};

void snp_chain_add(struct snp_chain *c, const struct snp_page *p);

#endif
