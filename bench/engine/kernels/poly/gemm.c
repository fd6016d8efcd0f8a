/* SPDX-License-Identifier: Apache-2.0 */
/* C = alpha A B + beta C */
#include "bench/engine/kernels/poly/poly.h"

enum { I = 200, J = 220, K = 240 };
static double a[I][K], b[K][J], c[I][J];

static void setup(void)
{
	FILL(a, 1);
	FILL(b, 2);
}

static void init(uint32_t k)
{
	FILL(c, k);
}

static void run(void)
{
	const double alpha = 1.5, beta = 1.2;

	for (int i = 0; i < I; i++) {
		for (int j = 0; j < J; j++)
			c[i][j] *= beta;
		for (int k = 0; k < K; k++)
			for (int j = 0; j < J; j++)
				c[i][j] += alpha * a[i][k] * b[k][j];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, c);
}
