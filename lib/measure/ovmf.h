/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a UEFI flash image (OVMF and its like) says about its own launch: a table of GUIDed entries that ends 32 bytes
 * before the end of the image and is read backwards. Entries of other kinds are passed over.
 */
#ifndef BROCH_MEASURE_OVMF_H
#define BROCH_MEASURE_OVMF_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { OVMF_SECTIONS_MAX = 64, OVMF_SIZE_MAX = 64 << 20 };

enum ovmf_section_type {
	OVMF_SEC_MEMORY = 1,
	OVMF_SECRETS = 2,
	OVMF_CPUID = 3,
	OVMF_SVSM_CAA = 4,
	OVMF_KERNEL_HASHES = 0x10,
};

struct ovmf_section {
	uint32_t gpa, size, type; /* type may be one that is not listed above */
};

struct ovmf {
	uint32_t hash_gpa;  /* where the table of kernel hashes goes; 0: no place for it */
	uint32_t reset_eip; /* where application processors start; 0: not told */
	struct ovmf_section sections[OVMF_SECTIONS_MAX];
	size_t section_count;
	uint32_t tdvf_from_end; /* where TDX metadata begins (lib/measure/tdx.h), from the end of the image; 0: none */
};

/* ERR_FORMAT: no such table, or an entry that is malformed or there twice; the note says which. */
MUST_USE enum err ovmf_parse(struct slice image, struct ovmf *out, struct note *n);

#endif
