/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_HOST_KEEPER_OPTIONS_H
#define BROCH_HOST_KEEPER_OPTIONS_H

#include "host/tee/tee.h"
#include "host/vmm/vmm.h"

struct options { /* text points into argv */
	const char *id, *image, *state, *user;
	const struct vmm_backend *backend;
	const struct tee_backend *tee; /* NULL: none */
	uint64_t memory_max, linger_s;
};

enum options_result { OPTIONS_RUN, OPTIONS_SHOWN, OPTIONS_WRONG };

/* SHOWN: help or version was printed. WRONG: the note says what and how. */
enum options_result keeper_options(int argc, char **argv, struct options *out, struct note *n);

#endif
