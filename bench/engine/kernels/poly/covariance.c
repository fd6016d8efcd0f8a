/* SPDX-License-Identifier: Apache-2.0 */
/* of M variables, each seen N times */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 260, M = 240 };
static double data[N][M], mean[M], cov[M][M];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(data, k);
}

static void run(void)
{
	for (int j = 0; j < M; j++) {
		mean[j] = 0;
		for (int i = 0; i < N; i++)
			mean[j] += data[i][j];
		mean[j] /= N;
	}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < M; j++)
			data[i][j] -= mean[j];
	for (int i = 0; i < M; i++)
		for (int j = i; j < M; j++) {
			cov[i][j] = 0;
			for (int k = 0; k < N; k++)
				cov[i][j] += data[k][i] * data[k][j];
			cov[i][j] /= N - 1;
			cov[j][i] = cov[i][j];
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, cov);
}
