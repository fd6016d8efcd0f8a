/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_HOST_KEEPER_ARGS_H
#define BROCH_HOST_KEEPER_ARGS_H

#include "host/tee/tee.h"
#include "host/vmm/vmm.h"

struct args { /* text points into argv */
	const char *id, *image, *state, *user;
	const struct vmm_backend *backend;
	const struct tee_backend *tee; /* NULL: none */
	uint64_t memory_max, linger_s, kvm_known; /* kvm_known: see vmm_kvm_know */
};

enum args_result { ARGS_RUN, ARGS_SHOWN, ARGS_WRONG };

/* SHOWN: help or version was printed. WRONG: the note says what and how. */
enum args_result args_parse(int argc, char **argv, struct args *out, struct note *n);

#endif
