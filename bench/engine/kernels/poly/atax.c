/* SPDX-License-Identifier: Apache-2.0 */
/* y = A^T (A x) */
#include "bench/engine/kernels/poly/poly.h"

enum { M = 390, N = 410 };
static double a[M][N], x[N], y[N], product[M];

static void setup(void)
{
	FILL(a, 1);
}

static void init(uint32_t k)
{
	FILL(x, k);
}

static void run(void)
{
	for (int j = 0; j < N; j++)
		y[j] = 0;
	for (int i = 0; i < M; i++) {
		product[i] = 0;
		for (int j = 0; j < N; j++)
			product[i] += a[i][j] * x[j];
		for (int j = 0; j < N; j++)
			y[j] += a[i][j] * product[i];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, y);
}
