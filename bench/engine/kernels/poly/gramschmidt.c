/* SPDX-License-Identifier: Apache-2.0 */
/* A = Q R by the modified Gram-Schmidt process */
#include "bench/engine/kernels/poly/poly.h"

enum { M = 200, N = 240 };
static double a[N][M], q[N][M], r[M][M];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
}

static void run(void)
{
	for (int k = 0; k < M; k++) {
		double square = 0;

		for (int i = 0; i < N; i++)
			square += a[i][k] * a[i][k];
		r[k][k] = __builtin_sqrt(square);
		for (int i = 0; i < N; i++)
			q[i][k] = a[i][k] / r[k][k];
		for (int j = k + 1; j < M; j++) {
			r[k][j] = 0;
			for (int i = 0; i < N; i++)
				r[k][j] += q[i][k] * a[i][j];
			for (int i = 0; i < N; i++)
				a[i][j] -= q[i][k] * r[k][j];
		}
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(FOLD(h, r), q);
}
