/* SPDX-License-Identifier: Apache-2.0 */
/* solves the Yule-Walker equations T y = -r for the Toeplitz matrix of r, by the Levinson-Durbin recursion */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 400 };
static double r[N], y[N], z[N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(r, k);
	for (int i = 0; i < N; i++)
		r[i] /= 2 * N; /* so that the matrix, whose diagonal is one, is definite */
}

static void run(void)
{
	double alpha = -r[0], beta = 1;

	y[0] = -r[0];
	for (int k = 1; k < N; k++) {
		double s = r[k];

		beta *= 1 - alpha * alpha;
		for (int i = 0; i < k; i++)
			s += r[k - 1 - i] * y[i];
		alpha = -s / beta;
		for (int i = 0; i < k; i++)
			z[i] = y[i] + alpha * y[k - 1 - i];
		for (int i = 0; i < k; i++)
			y[i] = z[i];
		y[k] = alpha;
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, y);
}
