/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

typedef uint32_t step(uint32_t);
#define STEP(name, expr)                                                                                               \
	static uint32_t name(uint32_t x)                                                                               \
	{                                                                                                              \
		return expr;                                                                                           \
	}
STEP(add, x + 12345)
STEP(mix, x ^ x >> 7)
STEP(mul, x * 2654435761u)
STEP(rot, x << 5 | x >> 27)
STEP(neg, ~x)
STEP(sub, x - 999)
STEP(odd, x | 1)
STEP(sqr, x * x + 3)
static step *volatile steps[8] = {add, mix, mul, rot, neg, sub, odd, sqr};

uint32_t kernel(uint32_t n)
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < n; i++)
		x = steps[(x ^ i) & 7](x);
	return x;
}
