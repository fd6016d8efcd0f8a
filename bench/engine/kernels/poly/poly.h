/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thirty computations that PolyBench/C names, each written afresh from its mathematical definition, with our own
 * sizes and inputs. A kernel is setup() once, then n times init(k), run() and a sum over what came out, all without a
 * NaN, so that engines can be compared bit for bit.
 */
#ifndef BROCH_BENCH_POLY_H
#define BROCH_BENCH_POLY_H

#include "bench/engine/kernel.h"

#include <stddef.h>

static void setup(void);
static void init(uint32_t k);
static void run(void);
static uint32_t sum(uint32_t h);

uint32_t kernel(uint32_t n)
{
	uint32_t h = 1;

	setup();
	for (uint32_t k = 0; k < n; k++) {
		init(k);
		run();
		h = sum(h);
	}
	return h;
}

/* Numbers of [0, 1) that look like none in particular. */
static inline void fill(double *v, size_t count, uint32_t seed)
{
	uint32_t state = seed * 2654435761u + 1;

	for (size_t i = 0; i < count; i++)
		v[i] = next_random(&state) / 4294967296.0;
}

static inline uint32_t fold(uint32_t h, const void *from, size_t size)
{
	const char *bytes = from;
	uint32_t w;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		memcpy(&w, bytes + i, 4);
		h = (h ^ w) * 16777619u;
		h ^= h >> 15;
	}
	return h;
}

#define FILL(v, seed) fill((double *)(v), sizeof(v) / sizeof(double), seed)
#define FOLD(h, v)    fold(h, v, sizeof(v))

#endif
