/* SPDX-License-Identifier: Apache-2.0 */
/* G = (A B) (C D) */
#include "bench/engine/kernels/poly/poly.h"

enum { I = 180, J = 190, K = 200, L = 210, M = 220 };
static double a[I][K], b[K][J], c[J][M], d[M][L], e[I][J], f[J][L], g[I][L];

static void setup(void)
{
	FILL(b, 2);
	FILL(c, 3);
	FILL(d, 4);
}

static void init(uint32_t k)
{
	FILL(a, k);
}

static void run(void)
{
	for (int i = 0; i < I; i++)
		for (int j = 0; j < J; j++) {
			e[i][j] = 0;
			for (int k = 0; k < K; k++)
				e[i][j] += a[i][k] * b[k][j];
		}
	for (int j = 0; j < J; j++)
		for (int l = 0; l < L; l++) {
			f[j][l] = 0;
			for (int m = 0; m < M; m++)
				f[j][l] += c[j][m] * d[m][l];
		}
	for (int i = 0; i < I; i++)
		for (int l = 0; l < L; l++) {
			g[i][l] = 0;
			for (int j = 0; j < J; j++)
				g[i][l] += e[i][j] * f[j][l];
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, g);
}
