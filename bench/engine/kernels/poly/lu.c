/* SPDX-License-Identifier: Apache-2.0 */
/* A = L U in place, without pivoting */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 240 };
static double a[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
	for (int i = 0; i < N; i++)
		a[i][i] += N;
}

static void run(void)
{
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < i; j++) {
			for (int k = 0; k < j; k++)
				a[i][j] -= a[i][k] * a[k][j];
			a[i][j] /= a[j][j];
		}
		for (int j = i; j < N; j++)
			for (int k = 0; k < i; k++)
				a[i][j] -= a[i][k] * a[k][j];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
