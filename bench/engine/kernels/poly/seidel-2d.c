/* SPDX-License-Identifier: Apache-2.0 */
/* each point becomes the mean of the nine around it, in place, in order */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 250, STEPS = 5 };
static double a[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
}

static void run(void)
{
	for (int t = 0; t < STEPS; t++)
		for (int i = 1; i < N - 1; i++)
			for (int j = 1; j < N - 1; j++)
				a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] +
				           a[i][j + 1] + a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) /
				          9;
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
