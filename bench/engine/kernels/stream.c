/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

enum { COUNT = 1 << 18 };
static uint32_t a[COUNT], b[COUNT];

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		a[i] = i;
	while (n-- > 0) {
		for (uint32_t i = 0; i < COUNT; i++)
			b[i] = a[i] * 3 + n;
		for (uint32_t i = 0; i < COUNT; i++)
			a[i] = b[i] ^ sum;
		sum += a[n & (COUNT - 1)];
	}
	return sum;
}
