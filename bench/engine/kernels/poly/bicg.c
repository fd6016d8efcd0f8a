/* SPDX-License-Identifier: Apache-2.0 */
/* q = A p and s = A^T r, as the biconjugate gradient method wants both */
#include "bench/engine/kernels/poly/poly.h"

enum { M = 390, N = 410 };
static double a[N][M], p[M], q[N], r[N], s[M];

static void setup(void)
{
	FILL(a, 1);
	FILL(r, 2);
}

static void init(uint32_t k)
{
	FILL(p, k);
}

static void run(void)
{
	for (int j = 0; j < M; j++)
		s[j] = 0;
	for (int i = 0; i < N; i++) {
		q[i] = 0;
		for (int j = 0; j < M; j++) {
			s[j] += r[i] * a[i][j];
			q[i] += a[i][j] * p[j];
		}
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(FOLD(h, s), q);
}
