/* SPDX-License-Identifier: Apache-2.0 */
/* Four-level page tables (Intel SDM vol. 3, 4.5) as plain bytes: built by the plan, extended by the loader. */
#ifndef BROCH_IMAGE_PAGING_H
#define BROCH_IMAGE_PAGING_H

#include "lib/base/err.h"

#include <stdint.h>

/* Accessed and dirty are set from the start: the CPU then never writes to a table. */
#define PAGING_PRESENT    UINT64_C(0x001)
#define PAGING_WRITE      UINT64_C(0x002)
#define PAGING_USER       UINT64_C(0x004)
#define PAGING_USED       UINT64_C(0x060)
#define PAGING_LARGE      UINT64_C(0x080)
#define PAGING_NX         (UINT64_C(1) << 63)
#define PAGING_ADDRESS    UINT64_C(0x000ffffffffff000)
#define PAGING_LARGE_SIZE UINT64_C(0x200000)

enum { PAGING_PT = 0, PAGING_PD = 1, PAGING_PDPT = 2, PAGING_PML4 = 3 }; /* levels */

struct paging {
	uint64_t root; /* gpa of the PML4 */
	/* Where the 4096 bytes at gpa are for us; NULL when that is no table. */
	uint8_t *(*table)(void *ctx, uint64_t gpa);
	/* gpa of a fresh zero page for a table; 0 when there is none. */
	uint64_t (*fresh)(void *ctx);
	void *ctx;
};

/* Bits of an entry for enum plan_perm. */
uint64_t paging_bits(unsigned perm);
/* The entry of va at a level, making the tables above it. ERR_NOMEM: no page; ERR_STATE: a large page or no table is
 * in the way. The pointer stays valid as long as the memory behind `table` does. */
MUST_USE enum err paging_entry(const struct paging *p, uint64_t va, unsigned level, uint8_t **entry);
/* Entries are read and written through these: aligned, little-endian, in one access. */
uint64_t paging_get(const uint8_t *entry);
void paging_set(uint8_t *entry, uint64_t value);

#endif
