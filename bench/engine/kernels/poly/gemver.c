/* SPDX-License-Identifier: Apache-2.0 */
/* B = A + u1 v1^T + u2 v2^T, x = beta B^T y + z, w = alpha B x */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 400 };
static double a[N][N], b[N][N], u1[N], u2[N], v1[N], v2[N], w[N], x[N], y[N], z[N];

static void setup(void)
{
	FILL(a, 1);
	FILL(u1, 2);
	FILL(u2, 3);
	FILL(v1, 4);
	FILL(v2, 5);
	FILL(z, 6);
}

static void init(uint32_t k)
{
	FILL(y, k);
}

static void run(void)
{
	const double alpha = 1.5, beta = 1.2;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			b[i][j] = a[i][j] + u1[i] * v1[j] + u2[i] * v2[j];
	for (int i = 0; i < N; i++) {
		x[i] = z[i];
		for (int j = 0; j < N; j++)
			x[i] += beta * b[j][i] * y[j];
	}
	for (int i = 0; i < N; i++) {
		w[i] = 0;
		for (int j = 0; j < N; j++)
			w[i] += alpha * b[i][j] * x[j];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, w);
}
