/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader tells a Keep at its first instruction: one read-only, measured page. Nothing in it may depend on the
 * host or on the workload, so that the launch digest is known from the image and the launch parameters alone.
 * The entry point is called with rdi = address of this page, rsp = top of the runtime's stack (VM: set in the first
 * register state; process: the kernel's stack, which the entry code leaves).
 */
#ifndef BROCH_ABI_BOOT_H
#define BROCH_ABI_BOOT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOT_MAGIC = 0x686f7242 /* "Broh" */, BOOT_VERSION = 2 };

enum boot_kind { BOOT_VM = 1, BOOT_PROCESS = 2 };
enum boot_tee { BOOT_TEE_NONE = 0, BOOT_TEE_SOFT = 1, BOOT_TEE_SNP = 2 };

/*
 * Address plan, the same for every kind of Keep (fixed, so that the compiler and the interpreter may rely on it).
 * Nothing is present in the three areas at the start; KEEPCALL_GROW makes pages appear. Everything around an area, and
 * everything in it that was not grown, is absent: a guard. The code area is near the image, so that calls between the two
 * have 32-bit distances; its pages are writable until they are sealed, and then executable for ever.
 */
#define BOOT_CODE_VA UINT64_C(0x40000000)            /* 1 GiB: compiled code */
#define BOOT_CODE_MAX UINT64_C(0x40000000)           /* 1 GiB of addresses */
#define BOOT_HEAP_VA UINT64_C(0x1000000000)          /* 64 GiB: the runtime's arena */
#define BOOT_HEAP_MAX UINT64_C(0x1000000000)         /* 64 GiB of addresses */
#define BOOT_LINEAR_VA UINT64_C(0x10000000000)       /* 1 TiB: linear memory 0 of the workload */
#define BOOT_LINEAR_STRIDE UINT64_C(0x400000000)     /* 16 GiB apart: 8 GiB reachable by base + index + offset, then air */
#define BOOT_LINEAR_COUNT 128                        /* no more than there are extents (keepcall.h) */
#define BOOT_LINEAR_MAX UINT64_C(0x100000000)        /* 4 GiB: what may become present of each */
#define BOOT_SHARED_VA UINT64_C(0x700000000)         /* 28 GiB: the keepcall shared area */
#define BOOT_INFO_VA UINT64_C(0x300000)              /* this page */
#define BOOT_IMAGE_VA UINT64_C(0x400000)             /* images are linked from here, and end below the limit */
#define BOOT_IMAGE_LIMIT UINT64_C(0x40000000)

/*
 * VM: a CPU exception the runtime wants (the mask) arrives in ring 3 on a small stack of its own, with the frame of the
 * CPU on it, at entry + BOOT_TRAP_STRIDE * (1 + vector). Every other vector ends the Keep.
 */
enum { BOOT_TRAP_STRIDE = 16, BOOT_TRAP_COUNT = 32 };
#define BOOT_TRAP_WANTED UINT32_C(0x00096049)        /* #DE #BP #UD #GP #PF #MF #XM */

struct boot_info {
	uint32_t magic;
	uint32_t version;
	uint32_t size; /* of this structure */
	uint32_t kind;
	uint32_t tee;
	uint32_t vcpu_count;
	uint64_t shared_va, shared_size;
	uint64_t heap_va, heap_max;
	uint64_t linear_va, linear_stride, linear_count;
	uint64_t code_va, code_max;
};
static_assert(offsetof(struct boot_info, shared_va) == 24, "boot ABI");
static_assert(offsetof(struct boot_info, code_va) == 80, "boot ABI");
static_assert(BOOT_CODE_VA >= BOOT_IMAGE_LIMIT && BOOT_CODE_VA + BOOT_CODE_MAX <= BOOT_SHARED_VA, "areas lie apart");
static_assert(BOOT_LINEAR_STRIDE >= UINT64_C(2) * BOOT_LINEAR_MAX + (UINT64_C(1) << 32), "no sum of two reaches the next");
static_assert(sizeof(struct boot_info) == 96, "boot ABI");

#endif
