/* SPDX-License-Identifier: Apache-2.0 */
/* y = a x + y, then the product of x and y, four floats at a time. */
#include "bench/engine/kernels/simd/vector.h"

enum { COUNT = 1 << 12 };
static f32x4 x[COUNT / 4], y[COUNT / 4];

uint32_t kernel(uint32_t n)
{
	uint32_t seed = 3, bits;
	f32x4 dot = {0};
	float sum;

	for (int i = 0; i < COUNT / 4; i++)
		for (int k = 0; k < 4; k++) {
			x[i][k] = (float)(next_random(&seed) >> 16) / 65536;
			y[i][k] = (float)(next_random(&seed) >> 16) / 65536;
		}
	while (n-- > 0) {
		float a = (float)(n & 7) - 3.5f;
		f32x4 four = {a, a, a, a};

		for (int i = 0; i < COUNT / 4; i++)
			y[i] = four * x[i] + y[i];
		for (int i = 0; i < COUNT / 4; i++)
			dot += x[i] * y[i];
	}
	sum = dot[0] + dot[1] + dot[2] + dot[3];
	memcpy(&bits, &sum, 4);
	return bits;
}
