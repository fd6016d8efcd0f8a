/* SPDX-License-Identifier: Apache-2.0 */
/* A = L L^T in place; A is symmetric and positive definite */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 250 };
static double a[N][N];

static void setup(void)
{
}

/* A heavy diagonal makes it positive definite; the upper triangle is not looked at. */
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
				a[i][j] -= a[i][k] * a[j][k];
			a[i][j] /= a[j][j];
		}
		for (int k = 0; k < i; k++)
			a[i][i] -= a[i][k] * a[i][k];
		a[i][i] = __builtin_sqrt(a[i][i]);
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
