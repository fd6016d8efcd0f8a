/* SPDX-License-Identifier: Apache-2.0 */
/* B = alpha A^T B; A is lower triangular with ones on its diagonal */
#include "bench/engine/kernels/poly/poly.h"

enum { M = 200, N = 240 };
static double a[M][M], b[M][N];

static void setup(void)
{
	FILL(a, 1);
}

static void init(uint32_t k)
{
	FILL(b, k);
}

static void run(void)
{
	const double alpha = 1.5;

	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			for (int k = i + 1; k < M; k++)
				b[i][j] += a[k][i] * b[k][j];
			b[i][j] *= alpha;
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, b);
}
