/* SPDX-License-Identifier: Apache-2.0 */
/* x1 += A y1 and x2 += A^T y2 */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 400 };
static double a[N][N], x1[N], x2[N], y1[N], y2[N];

static void setup(void)
{
	FILL(a, 1);
	FILL(x1, 2);
	FILL(x2, 3);
	FILL(y2, 4);
}

static void init(uint32_t k)
{
	FILL(y1, k);
}

static void run(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			x1[i] += a[i][j] * y1[j];
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			x2[i] += a[j][i] * y2[j];
}

static uint32_t sum(uint32_t h)
{
	return FOLD(FOLD(h, x1), x2);
}
