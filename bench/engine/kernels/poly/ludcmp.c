/* SPDX-License-Identifier: Apache-2.0 */
/* solves A x = b by A = L U, L y = b, U x = y */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 240 };
static double a[N][N], b[N], x[N], y[N];

static void setup(void)
{
	FILL(b, 1);
}

static void init(uint32_t k)
{
	FILL(a, k);
	for (int i = 0; i < N; i++)
		a[i][i] += N;
}

static void factorize(void)
{
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < i; j++) {
			double w = a[i][j];

			for (int k = 0; k < j; k++)
				w -= a[i][k] * a[k][j];
			a[i][j] = w / a[j][j];
		}
		for (int j = i; j < N; j++) {
			double w = a[i][j];

			for (int k = 0; k < i; k++)
				w -= a[i][k] * a[k][j];
			a[i][j] = w;
		}
	}
}

static void run(void)
{
	factorize();
	for (int i = 0; i < N; i++) {
		double w = b[i];

		for (int j = 0; j < i; j++)
			w -= a[i][j] * y[j];
		y[i] = w;
	}
	for (int i = N - 1; i >= 0; i--) {
		double w = y[i];

		for (int j = i + 1; j < N; j++)
			w -= a[i][j] * x[j];
		x[i] = w / a[i][i];
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, x);
}
