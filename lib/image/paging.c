/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/image/paging.h"

#include "lib/image/plan.h"

uint64_t paging_bits(unsigned perm)
{
	uint64_t bits = PAGING_PRESENT | PAGING_USED;

	if (perm & PLAN_W)
		bits |= PAGING_WRITE;
	if (!(perm & PLAN_X))
		bits |= PAGING_NX;
	if (!(perm & PLAN_SUPERVISOR))
		bits |= PAGING_USER;
	return bits;
}

uint64_t paging_get(const uint8_t *entry)
{
	return *(const volatile uint64_t *)(const void *)entry;
}

void paging_set(uint8_t *entry, uint64_t value)
{
	*(volatile uint64_t *)(void *)entry = value; /* a CPU may be walking */
}

static unsigned index_of(uint64_t va, unsigned level)
{
	return (unsigned)(va >> (12 + 9 * level)) & 511;
}

/* Follows or makes one step down. Rights are decided by the last entry alone: the upper ones allow everything. */
static enum err descend(const struct paging *p, uint8_t *entry, uint64_t *table)
{
	uint64_t e = paging_get(entry);

	if (!(e & PAGING_PRESENT)) {
		*table = p->fresh(p->ctx);
		if (*table == 0)
			return ERR_NOMEM;
		paging_set(entry, *table | PAGING_PRESENT | PAGING_WRITE | PAGING_USER | PAGING_USED);
		return OK;
	}
	if (e & PAGING_LARGE)
		return ERR_STATE;
	*table = e & PAGING_ADDRESS;
	return OK;
}

enum err paging_entry(const struct paging *p, uint64_t va, unsigned level, uint8_t **entry)
{
	uint64_t table = p->root;

	for (unsigned l = PAGING_PML4;; l--) {
		uint8_t *bytes = p->table(p->ctx, table);

		if (bytes == NULL)
			return ERR_STATE;
		*entry = bytes + sizeof(uint64_t) * index_of(va, l);
		if (l == level)
			return OK;
		TRY(descend(p, *entry, &table));
	}
}
