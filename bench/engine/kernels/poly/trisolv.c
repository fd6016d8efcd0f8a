/* SPDX-License-Identifier: Apache-2.0 */
/* solves L x = b by forward substitution */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 400 };
static double l[N][N], b[N], x[N];

static void setup(void)
{
	FILL(l, 1);
	for (int i = 0; i < N; i++)
		l[i][i] += N;
}

static void init(uint32_t k)
{
	FILL(b, k);
}

static void run(void)
{
	for (int i = 0; i < N; i++) {
		x[i] = b[i];
		for (int j = 0; j < i; j++)
			x[i] -= l[i][j] * x[j];
		x[i] /= l[i][i];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, x);
}
