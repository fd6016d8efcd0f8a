/* SPDX-License-Identifier: Apache-2.0 */
/* Launch digests of a plan, one file per TEE; all offline. */
#ifndef BROCH_MEASURE_H
#define BROCH_MEASURE_H

#include "lib/image/plan.h"

enum { MEASURE_SNP_SIZE = 48 };

/*
 * SEV-SNP launch digest (AMD 56860 section 8.17.2): PAGE_INFO chain over the pages in plan order, then the VMSA of each
 * vCPU (AMD APM vol. 2 table B-4) as Linux KVM measures it. The soft-snp stand-in reports this same value.
 */
MUST_USE enum err measure_snp(const struct plan *p, uint8_t digest[static MEASURE_SNP_SIZE]);

#endif
