/* SPDX-License-Identifier: Apache-2.0 */
/* C = alpha A B + beta C; A is symmetric, and only its lower triangle is there */
#include "bench/engine/kernels/poly/poly.h"

enum { M = 200, N = 240 };
static double a[M][M], b[M][N], c[M][N];

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

	/* Row i of the lower triangle is also column i of the upper one: it adds to the rows of C above. */
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++) {
			double row = 0;

			for (int k = 0; k < i; k++) {
				c[k][j] += alpha * b[i][j] * a[i][k];
				row += b[k][j] * a[i][k];
			}
			c[i][j] = beta * c[i][j] + alpha * (b[i][j] * a[i][i] + row);
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, c);
}
