/* SPDX-License-Identifier: Apache-2.0 */
/* The launch digests of the Keep images installed beside this program: what "shipped" means in a policy. */
#ifndef BROCH_AGENT_SHIPPED_H
#define BROCH_AGENT_SHIPPED_H

#include "abi/boot.h"
#include "lib/measure/measure.h"

enum { SHIPPED_MAX = 8 };

struct shipped {
	uint8_t digests[SHIPPED_MAX][MEASURE_SNP_SIZE];
	struct {
		const char *image; /* file name */
		enum boot_kind kind;
		enum boot_tee tee;
	} of[SHIPPED_MAX];
	size_t count;
};

/* kind 0: every kind. ERR_NOT_FOUND when no such image is installed. */
MUST_USE enum err shipped_digests(unsigned kind, struct shipped *out, struct note *n);

#endif
