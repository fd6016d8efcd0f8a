/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel does n units of work (50 to 150 ms natively with the n of programs.txt) and returns a checksum: all engines must agree. */
#ifndef BROCH_BENCH_KERNEL_H
#define BROCH_BENCH_KERNEL_H

#include <stdint.h>
#include <string.h>

#ifdef __wasm__
__attribute__((export_name("kernel")))
#endif
uint32_t kernel(uint32_t n);

static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
