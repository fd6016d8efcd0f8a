/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One launch plan: (Keep ELF, launch parameters) -> an ordered list of pages with addresses, types, permissions and
 * bytes, and the first register state. The loaders execute it; lib/measure hashes the very same list. So the digest of
 * a Keep is computed offline, from the file, by the code that loads it.
 */
#ifndef BROCH_IMAGE_PLAN_H
#define BROCH_IMAGE_PLAN_H

#include "abi/boot.h"
#include "lib/base/arena.h"
#include "lib/base/slice.h"

typedef struct {
	uint64_t a; /* guest-physical */
} gpa_t;

enum { PLAN_PAGE_SIZE = 4096, PLAN_VCPU_MAX = 1 };

enum plan_perm { PLAN_R = 1, PLAN_W = 2, PLAN_X = 4, PLAN_SUPERVISOR = 8 };

enum plan_type {
	PLAN_NORMAL, /* measured content */
	PLAN_ZERO,   /* measured as zero page */
	PLAN_SHARED, /* the keepcall area: never measured */
};

struct plan_range { /* `count` pages in a row of the same type and permission, ascending and disjoint over the plan */
	gpa_t gpa;
	uint64_t va;
	enum plan_type type;
	unsigned perm;
	size_t count;
	const uint8_t *bytes; /* count * PLAN_PAGE_SIZE for PLAN_NORMAL, NULL otherwise */
};

struct plan_params {
	enum boot_kind kind;
	enum boot_tee tee;
	uint32_t vcpu_count; /* 1 in this version */
};

struct plan_cpu { /* the first register state of vCPU 0; segment and table values follow from the layout, see plan.c */
	uint64_t rip, rsp, rdi, cr0, cr3, cr4, efer, xcr0;
	uint64_t gdt_base, idt_base, tss_base;
	uint16_t gdt_limit, idt_limit, tss_limit;
	uint16_t cs, ss, tr;
};

struct plan {
	struct plan_params params;
	struct plan_range *ranges;
	size_t range_count;
	struct plan_cpu cpu;
	/*
	 * Page-aligned, private, anonymous memory that a loader may take the pages of, instead of copying them; the bytes of
	 * a range are then where it put them. Set by who built the plan; empty: everything is copied.
	 */
	struct slice movable;
	uint64_t gpa_end; /* first guest-physical address behind the plan: where grown memory may start */
};

/* An arena of this size is enough for any plan. */
enum { PLAN_ARENA_SIZE = 512 * 1024 };

/* Everything in *out lives in the arena or points into elf. Refuses any ELF it does not fully understand; the note says
 * which field. Deterministic: the same input gives the same plan on every machine. */
MUST_USE enum err plan_build(struct arena *a, struct slice elf, struct plan_params params, struct plan *out,
                             struct note *n);

#endif
