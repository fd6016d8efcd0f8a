/* SPDX-License-Identifier: Apache-2.0 */
/* each point becomes the mean of itself and its four neighbours, one array to the other and back */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 250, STEPS = 10 };
static double a[N][N], b[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
	memcpy(b, a, sizeof b);
}

static void step(double (*to)[N], double (*from)[N])
{
	for (int i = 1; i < N - 1; i++)
		for (int j = 1; j < N - 1; j++)
			to[i][j] =
			        0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] + from[i + 1][j]);
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
