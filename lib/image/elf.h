/* SPDX-License-Identifier: Apache-2.0 */
/* The little of ELF64 that a Keep image may use: static, x86-64, page-aligned W^X segments between BOOT_IMAGE_VA and
 * BOOT_IMAGE_LIMIT. Everything else is refused with the field's name. */
#ifndef BROCH_IMAGE_ELF_H
#define BROCH_IMAGE_ELF_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { ELF_SEGMENT_MAX = 8 };

struct elf_segment { /* ascending, page-aligned start, no page belongs to two */
	uint64_t va;
	uint64_t size;     /* in memory, > 0, not rounded */
	unsigned perm;     /* enum plan_perm */
	struct slice file; /* at most `size` bytes; the rest is zero */
};

struct elf {
	uint64_t entry; /* inside an executable segment */
	struct elf_segment segments[ELF_SEGMENT_MAX];
	size_t count;
};

/* The result points into `file`. */
MUST_USE enum err elf_parse(struct slice file, struct elf *out, struct note *n);

#endif
