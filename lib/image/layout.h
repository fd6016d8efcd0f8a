/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in a VM Keep. Everything small is packed into the first 2 MiB of guest-physical memory, which the
 * host can back with one huge page; code follows in 2 MiB of its own, mapped by one entry. What LAYOUT_* names has gpa
 * == va, but for the shared area; the rest is placed by plan.c. Everything not mapped is absent, so that each stack has
 * a guard below it, and address 0 traps.
 */
#ifndef BROCH_IMAGE_LAYOUT_H
#define BROCH_IMAGE_LAYOUT_H

#include "abi/boot.h"
#include "abi/keepcall.h"

enum {
	LAYOUT_GDT = 0x1000,
	LAYOUT_TSS = 0x2000,
	LAYOUT_IDT = 0x3000,
	LAYOUT_STUBS = 0x4000,   /* the only ring-0 code */
	LAYOUT_PROBE = 0x8000,   /* ring-3 code that tries what an image relies on, then rings: for the loader */
	LAYOUT_STACK0 = 0x6000,  /* ring-0 stack: one page, IST2 */
	LAYOUT_TABLES = 0x10000, /* page tables, then air up to the shared area */
	LAYOUT_TABLES_END = 0x40000,
	LAYOUT_SHARED = 0x40000,     /* gpa of the keepcall area; BOOT_SHARED_VA is its address */
	LAYOUT_TRAP_STACK = 0xd0000, /* IST1, ring 3 */
	LAYOUT_TRAP_STACK_SIZE = 0x4000,
	LAYOUT_STACK = 0x100000, /* the runtime's */
	LAYOUT_STACK_SIZE = 0x40000,
	LAYOUT_FREE = 0x140000, /* from here on gpas are given out in order */
};

/* Selectors in the order Linux uses: with these, `iretq` in ring 3 stays native on every KVM we know. */
enum {
	LAYOUT_CS0 = 0x10,
	LAYOUT_SS0 = 0x18,
	LAYOUT_SS3 = 0x2b,
	LAYOUT_CS3 = 0x33,
	LAYOUT_ABSENT = 0x3b,
	LAYOUT_TR = 0x40
};

/*
 * Ring 3 may write to KEEPCALL_PORT only. The ring-0 stubs write the vector that ended the Keep to the dead port, with
 * the CPU's frame at the top of the ring-0 stack.
 */
enum { LAYOUT_DEAD_PORT = 0x11 };

static_assert(LAYOUT_SHARED + KEEPCALL_SHARED_SIZE < LAYOUT_TRAP_STACK, "the shared area fits");
static_assert(LAYOUT_TRAP_STACK + LAYOUT_TRAP_STACK_SIZE < LAYOUT_STACK, "a guard below the stack");

#endif
