/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host does for evidence, one folder per TEE. soft is the stand-in for SNP firmware: it computes the real
 * launch digest of the plan and signs structurally real SNP reports under a test root of its own.
 */
#ifndef BROCH_HOST_TEE_H
#define BROCH_HOST_TEE_H

#include "lib/base/err.h"
#include "lib/image/plan.h"

struct tee; /* opened before the process drops its rights; afterwards no file is touched */
struct tee_backend {
	const char *name; /* as in the evidence envelope */
	/* state_dir: where a stand-in keeps its keys (made on first use, 0700); real TEEs ignore it. */
	enum err (*open)(const char *state_dir, struct tee **out, struct note *n);
	/* After the plan was executed: the digest it launched with. */
	enum err (*launched)(struct tee *t, const struct plan *p, struct note *n);
	/* An evidence envelope over report_data. */
	enum err (*evidence)(struct tee *t, const uint8_t report_data[static 64], uint8_t *out, size_t capacity, size_t *size,
			     struct note *n);
	void (*close)(struct tee *t);
};

extern const struct tee_backend tee_soft_snp;

#endif
