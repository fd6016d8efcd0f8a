/* SPDX-License-Identifier: Apache-2.0 */
/* What this host can run, why not the rest, and how to cure that. */
#ifndef BROCH_HOST_AGENT_PLATFORM_H
#define BROCH_HOST_AGENT_PLATFORM_H

#include "lib/base/err.h"
#include "sys/paths.h"

enum { PLATFORM_BACKENDS = 2 };

struct platform_backend {
	const char *name;
	bool available;
	char reason[NOTE_MAX], cure[NOTE_MAX];
	char image[PATHS_MAX];
};

struct platform {
	struct platform_backend backends[PLATFORM_BACKENDS]; /* the first available one is the default */
};

/* Looks again; cheap enough for each question. image_dir NULL: beside this program. */
void platform_probe(struct platform *p, const char *image_dir);
/* name "": the default. NULL: there is no such backend. It may still be unavailable. */
const struct platform_backend *platform_find(const struct platform *p, const char *name);

#endif
