/* SPDX-License-Identifier: Apache-2.0 */
/* each point becomes the mean of itself and its neighbours, one array to the other and back */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 4000, STEPS = 100 };
static double a[N], b[N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(a, k);
	memcpy(b, a, sizeof b);
}

static void run(void)
{
	for (int t = 0; t < STEPS; t++) {
		for (int i = 1; i < N - 1; i++)
			b[i] = 0.33333 * (a[i - 1] + a[i] + a[i + 1]);
		for (int i = 1; i < N - 1; i++)
			a[i] = 0.33333 * (b[i - 1] + b[i] + b[i + 1]);
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, a);
}
