/* SPDX-License-Identifier: Apache-2.0 */
/* C = alpha A B^T + alpha B A^T + beta C, the lower triangle */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 240, M = 200 };
static double a[N][M], b[N][M], c[N][N];

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

	for (int i = 0; i < N; i++) {
		for (int j = 0; j <= i; j++)
			c[i][j] *= beta;
		for (int k = 0; k < M; k++)
			for (int j = 0; j <= i; j++)
				c[i][j] += a[j][k] * alpha * b[i][k] + b[j][k] * alpha * a[i][k];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, c);
}
