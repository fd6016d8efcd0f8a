/* SPDX-License-Identifier: Apache-2.0 */
/* D = alpha A B C + beta D */
#include "bench/engine/kernels/poly/poly.h"

enum { I = 180, J = 190, K = 210, L = 220 };
static double a[I][K], b[K][J], c[J][L], d[I][L], product[I][J];

static void setup(void)
{
	FILL(a, 1);
	FILL(b, 2);
	FILL(c, 3);
}

static void init(uint32_t k)
{
	FILL(d, k);
}

static void run(void)
{
	const double alpha = 1.5, beta = 1.2;

	for (int i = 0; i < I; i++)
		for (int j = 0; j < J; j++) {
			product[i][j] = 0;
			for (int k = 0; k < K; k++)
				product[i][j] += alpha * a[i][k] * b[k][j];
		}
	for (int i = 0; i < I; i++)
		for (int l = 0; l < L; l++) {
			d[i][l] *= beta;
			for (int j = 0; j < J; j++)
				d[i][l] += product[i][j] * c[j][l];
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, d);
}
