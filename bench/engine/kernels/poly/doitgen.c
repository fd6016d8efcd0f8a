/* SPDX-License-Identifier: Apache-2.0 */
/* multiresolution kernel: A(r,q,p) = the sum over s of A(r,q,s) C(s,p) */
#include "bench/engine/kernels/poly/poly.h"

enum { R = 50, Q = 40, P = 60 };
static double a[R][Q][P], c[P][P], line[P];

static void setup(void)
{
	FILL(c, 1);
}

static void init(uint32_t k)
{
	FILL(a, k);
}

static void run(void)
{
	for (int r = 0; r < R; r++)
		for (int q = 0; q < Q; q++) {
			for (int p = 0; p < P; p++) {
				line[p] = 0;
				for (int s = 0; s < P; s++)
					line[p] += a[r][q][s] * c[s][p];
			}
			for (int p = 0; p < P; p++)
				a[r][q][p] = line[p];
		}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
