/* SPDX-License-Identifier: Apache-2.0 */
/* the heat equation in three dimensions, one array to the other and back */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 40, STEPS = 10 };
static double a[N][N][N], b[N][N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
	memcpy(b, a, sizeof b);
}

static void step(double (*to)[N][N], double (*from)[N][N])
{
	for (int i = 1; i < N - 1; i++)
		for (int j = 1; j < N - 1; j++)
			for (int k = 1; k < N - 1; k++)
				to[i][j][k] = from[i][j][k] +
				              0.125 * (from[i + 1][j][k] - 2 * from[i][j][k] + from[i - 1][j][k]) +
				              0.125 * (from[i][j + 1][k] - 2 * from[i][j][k] + from[i][j - 1][k]) +
				              0.125 * (from[i][j][k + 1] - 2 * from[i][j][k] + from[i][j][k - 1]);
}

static void run(void)
{
	for (int t = 0; t < STEPS; t++) {
		step(b, a);
		step(a, b);
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
