/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores all over 16 MiB: each address comes from what the one before held. */
#include "bench/engine/kernel.h"

enum { COUNT = 1 << 22 };
static uint32_t table[COUNT];

uint32_t kernel(uint32_t n)
{
	uint32_t state = 1, at = 0, sum = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		table[i] = next_random(&state);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *w = &table[(at ^ i * 2654435761u) >> 10];

		at = *w;
		sum += at;
		*w = at * 5 + i;
	}
	return sum;
}
