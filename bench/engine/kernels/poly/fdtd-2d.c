/* SPDX-License-Identifier: Apache-2.0 */
/* Maxwell's equations in two dimensions by finite differences in time */
#include "bench/engine/kernels/poly/poly.h"

enum { X = 200, Y = 240, STEPS = 20 };
static double ex[X][Y], ey[X][Y], hz[X][Y];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(ex, k);
	FILL(ey, k + 1);
	FILL(hz, k + 2);
}

static void run(void)
{
	for (int t = 0; t < STEPS; t++) {
		for (int j = 0; j < Y; j++)
			ey[0][j] = t;
		for (int i = 1; i < X; i++)
			for (int j = 0; j < Y; j++)
				ey[i][j] -= 0.5 * (hz[i][j] - hz[i - 1][j]);
		for (int i = 0; i < X; i++)
			for (int j = 1; j < Y; j++)
				ex[i][j] -= 0.5 * (hz[i][j] - hz[i][j - 1]);
		for (int i = 0; i < X - 1; i++)
			for (int j = 0; j < Y - 1; j++)
				hz[i][j] -= 0.7 * (ex[i][j + 1] - ex[i][j] + ey[i + 1][j] - ey[i][j]);
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, hz);
}
