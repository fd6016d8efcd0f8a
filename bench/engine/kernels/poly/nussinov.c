/* SPDX-License-Identifier: Apache-2.0 */
/* Nussinov's folding of RNA: the most pairs of bases that do not cross */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 320 };
static char base[N];
static int32_t best[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	uint32_t state = k + 1;

	for (int i = 0; i < N; i++)
		base[i] = (char)(next_random(&state) >> 9 & 3);
	memset(best, 0, sizeof best);
}

static inline int32_t larger(int32_t x, int32_t y)
{
	return x > y ? x : y;
}

static void run(void)
{
	for (int i = N - 1; i >= 0; i--)
		for (int j = i + 1; j < N; j++) {
			best[i][j] = larger(best[i][j], best[i][j - 1]);
			if (i + 1 < N)
				best[i][j] = larger(best[i][j], best[i + 1][j]);
			if (i + 1 < N && i < j - 1) /* neighbours cannot pair; A is 0, C 1, G 2, U 3 */
				best[i][j] = larger(best[i][j], best[i + 1][j - 1] + (base[i] + base[j] == 3));
			else if (i + 1 < N)
				best[i][j] = larger(best[i][j], best[i + 1][j - 1]);
			for (int k = i + 1; k < j; k++)
				best[i][j] = larger(best[i][j], best[i][k] + best[k + 1][j]);
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, best);
}
