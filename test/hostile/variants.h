/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a Keep through many variants of a host that lies. Arguments of the program: [COUNT [FIRST]]. */
#ifndef BROCH_TEST_VARIANTS_H
#define BROCH_TEST_VARIANTS_H

#include "test/hostile/fakehost.h"

struct variants {
	uint64_t count;
	unsigned failed, lies, ends[FAKE_STUCK + 1];
	uint64_t calls;
};

/* Variants are told apart by a number, from which all of one follows: NULL, or what was wrong. */
void variants_run(struct variants *v, int argc, char **argv, const char *(*run)(uint64_t number));
/* The last lines: what happened in all, and `NAME: N passed, N failed, 0 skipped`. The exit status. */
int variants_result(const struct variants *v, const char *name);

#endif
