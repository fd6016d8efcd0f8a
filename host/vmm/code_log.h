/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a Keep's code area has come, for every backend: pages appear at its end and are sealed in the same order, so
 * two addresses say all: sealed up to here, writable up to there.
 */
#ifndef BROCH_HOST_CODE_LOG_H
#define BROCH_HOST_CODE_LOG_H

#include "abi/boot.h"

#include <stdbool.h>

struct code_log {
	uint64_t sealed, grown; /* bytes from BOOT_CODE_VA; zero-initialised: nothing */
};

static inline bool code_log_holds(uint64_t address)
{
	return address >= BOOT_CODE_VA && address - BOOT_CODE_VA < BOOT_CODE_MAX;
}

/* May GROW ask for pages from this address of the area on? What is sealed cannot become writable. */
static inline bool code_log_may_grow(const struct code_log *c, uint64_t address)
{
	return address - BOOT_CODE_VA >= c->sealed && address - BOOT_CODE_VA <= c->grown;
}

/* After a GROW that went well. */
static inline void code_log_grew(struct code_log *c, uint64_t end)
{
	if (end - BOOT_CODE_VA > c->grown)
		c->grown = end - BOOT_CODE_VA;
}

/* Exactly what was grown since the last time? */
static inline bool code_log_may_seal(const struct code_log *c, uint64_t address, uint64_t size)
{
	return size != 0 && address == BOOT_CODE_VA + c->sealed && size == c->grown - c->sealed;
}

#endif
