/* SPDX-License-Identifier: Apache-2.0 */
/* y = alpha A x + beta B x */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 300 };
static double a[N][N], b[N][N], x[N], y[N];

static void setup(void)
{
	FILL(a, 1);
	FILL(b, 2);
}

static void init(uint32_t k)
{
	FILL(x, k);
}

static void run(void)
{
	const double alpha = 1.5, beta = 1.2;

	for (int i = 0; i < N; i++) {
		double ax = 0, bx = 0;

		for (int j = 0; j < N; j++) {
			ax += a[i][j] * x[j];
			bx += b[i][j] * x[j];
		}
		y[i] = alpha * ax + beta * bx;
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, y);
}
