/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

enum { N = 160 };
static double a[N][N], b[N][N], c[N][N];

uint32_t kernel(uint32_t n)
{
	double sum = 0;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = i - j;
			b[i][j] = i + 2 * j;
		}
	while (n-- > 0) {
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double s = 0;

				for (int k = 0; k < N; k++)
					s += a[i][k] * b[k][j];
				c[i][j] = s;
			}
		a[0][0] = c[N - 1][N - 1] / 1e6;
		sum += a[0][0];
	}
	return (uint32_t)(int32_t)(sum / 1e3);
}
