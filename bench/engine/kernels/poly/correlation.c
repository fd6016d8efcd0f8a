/* SPDX-License-Identifier: Apache-2.0 */
/* Pearson's coefficients of M variables, each seen N times */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 260, M = 240 };
static double data[N][M], mean[M], deviation[M], corr[M][M];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(data, k);
}

static void statistics(void)
{
	for (int j = 0; j < M; j++) {
		mean[j] = 0;
		for (int i = 0; i < N; i++)
			mean[j] += data[i][j];
		mean[j] /= N;
	}
	for (int j = 0; j < M; j++) {
		deviation[j] = 0;
		for (int i = 0; i < N; i++)
			deviation[j] += (data[i][j] - mean[j]) * (data[i][j] - mean[j]);
		deviation[j] = __builtin_sqrt(deviation[j] / N);
		if (deviation[j] < 1e-6) /* nearly constant: not to be divided by */
			deviation[j] = 1;
	}
}

static void run(void)
{
	const double root = __builtin_sqrt((double)N);

	statistics();
	for (int i = 0; i < N; i++)
		for (int j = 0; j < M; j++)
			data[i][j] = (data[i][j] - mean[j]) / (root * deviation[j]);
	for (int i = 0; i < M; i++) {
		corr[i][i] = 1;
		for (int j = i + 1; j < M; j++) {
			corr[i][j] = 0;
			for (int k = 0; k < N; k++)
				corr[i][j] += data[k][i] * data[k][j];
			corr[j][i] = corr[i][j];
		}
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, corr);
}
