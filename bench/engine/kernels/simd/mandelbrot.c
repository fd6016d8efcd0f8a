/* SPDX-License-Identifier: Apache-2.0 */
/* Four points of the Mandelbrot set at a time: arithmetic, comparisons and masks. */
#include "bench/engine/kernels/simd/vector.h"

enum { SIDE = 128, ROUNDS = 64 };

static i32x4 escape(f32x4 cx, f32x4 cy)
{
	f32x4 x = cx, y = cy;
	i32x4 count = {0}, inside = {-1, -1, -1, -1};

	for (int i = 0; i < ROUNDS; i++) {
		f32x4 xx = x * x, yy = y * y;

		inside &= (i32x4)(xx + yy <= (f32x4){4, 4, 4, 4});
		if ((inside[0] | inside[1] | inside[2] | inside[3]) == 0)
			break;
		count -= inside;
		y = (f32x4){2, 2, 2, 2} * x * y + cy;
		x = xx - yy + cx;
	}
	return count;
}

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	while (n-- > 0)
		for (int i = 0; i < SIDE; i++)
			for (int j = 0; j < SIDE; j += 4) {
				float y = (float)i * (2.5f / SIDE) - 1.25f, left = (float)j * (3.0f / SIDE) - 2.2f;
				const float step = 3.0f / SIDE, shift = (float)(n & 15) / 256;
				i32x4 c = escape((f32x4){left, left + step, left + 2 * step, left + 3 * step} + shift,
				                 (f32x4){y, y, y, y});

				sum = sum * 31 + (uint32_t)(c[0] + c[1] + c[2] + c[3]);
			}
	return sum;
}
