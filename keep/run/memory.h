/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a Keep's memory comes from: pages of the areas of abi/boot.h, which the host makes appear. What the workload
 * uses (linear memory, its own files) counts against the limit of its manifest; the host may refuse earlier.
 */
#ifndef BROCH_KEEP_MEMORY_H
#define BROCH_KEEP_MEMORY_H

#include "abi/boot.h"
#include "lib/base/arena.h"
#include "lib/wasm/compile.h"

enum { MEMORY_MOUNTS = 8 };

struct memory { /* moves by memory_move only, once memory_setup was called */
	struct arena heap;     /* the runtime's own, and what was delivered */
	struct arena files;    /* what the workload writes into its files */
	struct arena mounts[MEMORY_MOUNTS]; /* the same for each folder with a limit of its own */
	struct arena manifest; /* the manifest's bytes */
	struct arena module;   /* the loaded module, and what the compiler keeps of it: they outlive a program's life */
	struct wasm_code_memory code; /* what the compiler makes of the workload */
	uint64_t linear_va, linear_stride, linear_count;
	struct memory_linear {
		bool taken;     /* in this life of the program */
		uint32_t first; /* pages that it began with in this life */
		uint32_t pages; /* that are present; UINT32_MAX: nobody knows */
	} linear[BOOT_LINEAR_COUNT];
	uint64_t limit, used; /* bytes of the workload */
};

/* Where a life of the program begins. */
struct memory_mark {
	size_t heap, files, mounts[MEMORY_MOUNTS];
};
struct memory_mark memory_mark(const struct memory *m);
/*
 * Everything made since then is gone, for the next life. Pages of files are used again, and those of a linear memory by
 * one that begins as large as it is. A memory that grew is given back to the host, for a new one to take its place: compiled
 * code must not find pages behind its end.
 */
void memory_return(struct memory *m, const struct memory_mark *mark);

/* From then on faults of compiled code are traps. */
void memory_setup(struct memory *m, const struct boot_info *boot);
/* From the stack, where it begins, into its own heap. What points to it follows; `from` is of no use any more. */
void memory_move(struct memory *to, const struct memory *from);
/* Takes from the workload's limit: ERR_LIMIT when there is not so much left. */
MUST_USE enum err memory_charge(struct memory *m, uint64_t size);
void memory_discharge(struct memory *m, uint64_t size);
struct wasm_memory_ops memory_linear_ops(struct memory *m);

#endif
