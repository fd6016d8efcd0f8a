/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Keep image: refused with a note, or a plan of both kinds that keeps its promises. */
#include "lib/image/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool cond)
{
	if (!cond)
		abort();
}

static void check_range(const struct plan_range *r, struct slice elf, uint64_t *sum)
{
	must(r->gpa.a % PLAN_PAGE_SIZE == 0 && r->va % PLAN_PAGE_SIZE == 0 && r->count > 0);
	must(!((r->perm & PLAN_W) && (r->perm & PLAN_X)));
	must((r->type == PLAN_NORMAL) == (r->bytes != NULL));
	/* The sanitizer sees a read outside the file or the arena. */
	for (size_t i = 0; r->bytes != NULL && i < r->count * PLAN_PAGE_SIZE; i++)
		*sum += r->bytes[i];
	must(r->count <= BOOT_IMAGE_LIMIT / PLAN_PAGE_SIZE || elf.size == 0);
}

static void check_plan(const struct plan *p, struct slice elf)
{
	uint64_t end = 0, sum = 0;
	volatile uint64_t sink;

	for (size_t i = 0; i < p->range_count; i++) {
		must(p->ranges[i].gpa.a >= end);
		check_range(&p->ranges[i], elf, &sum);
		end = p->ranges[i].gpa.a + p->ranges[i].count * (uint64_t)PLAN_PAGE_SIZE;
	}
	must(end <= p->gpa_end);
	sink = sum;
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum boot_kind kinds[] = {BOOT_VM, BOOT_PROCESS};
	static uint8_t memory[PLAN_ARENA_SIZE];

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		struct arena a = arena_of(memory, sizeof memory);
		struct plan_params params = {.kind = kinds[i], .tee = BOOT_TEE_NONE, .vcpu_count = 1};
		struct note n = {0};
		struct plan p;

		if (plan_build(&a, slice_of(data, size), params, &p, &n) == OK)
			check_plan(&p, slice_of(data, size));
		else
			must(n.text[0] != 0);
	}
	return 0;
}
