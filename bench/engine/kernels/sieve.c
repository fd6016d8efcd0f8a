/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

enum { LIMIT = 1000000 };
static uint8_t composite[LIMIT];

uint32_t kernel(uint32_t n)
{
	uint32_t count = 0;

	while (n-- > 0) {
		memset(composite, 0, sizeof composite);
		for (uint32_t i = 2; i < LIMIT; i++) {
			if (composite[i])
				continue;
			count++;
			for (uint32_t j = i * 2; j < LIMIT; j += i)
				composite[j] = 1;
		}
	}
	return count;
}
