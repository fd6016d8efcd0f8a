/* SPDX-License-Identifier: Apache-2.0 */
/* shortest ways between all pairs of vertices */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 250, FAR = 999 };
static int32_t way[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	uint32_t state = k + 1;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			uint32_t v = next_random(&state) >> 8;

			way[i][j] = i == j ? 0 : v % 7 == 0 ? (int32_t)(v / 7 % 100) + 1 : FAR;
		}
}

static void run(void)
{
	for (int k = 0; k < N; k++)
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				int32_t over = way[i][k] + way[k][j];

				way[i][j] = way[i][j] < over ? way[i][j] : over;
			}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, way);
}
