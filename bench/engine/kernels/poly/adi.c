/* SPDX-License-Identifier: Apache-2.0 */
/* alternating direction implicit steps of the heat equation on a square; each line is a tridiagonal system */
#include "bench/engine/kernels/poly/poly.h"

enum { N = 200, STEPS = 20 };
static double u[N][N], v[N][N], p[N][N], q[N][N];

static void setup(void)
{
}

static void init(uint32_t k)
{
	FILL(u, k);
}

/* side next - middle x + side before = what the other direction gives: p and q carry the elimination, x comes back. */
static void columns(double near, double middle, double far, double rest)
{
	for (int i = 1; i < N - 1; i++) {
		v[0][i] = 1;
		p[i][0] = 0;
		q[i][0] = v[0][i];
		for (int j = 1; j < N - 1; j++) {
			double d = near * p[i][j - 1] + middle;

			p[i][j] = -near / d;
			q[i][j] = (-far * u[j][i - 1] + rest * u[j][i] - far * u[j][i + 1] - near * q[i][j - 1]) / d;
		}
		v[N - 1][i] = 1;
		for (int j = N - 2; j > 0; j--)
			v[j][i] = p[i][j] * v[j + 1][i] + q[i][j];
	}
}

static void rows(double near, double middle, double far, double rest)
{
	for (int i = 1; i < N - 1; i++) {
		u[i][0] = 1;
		p[i][0] = 0;
		q[i][0] = u[i][0];
		for (int j = 1; j < N - 1; j++) {
			double d = near * p[i][j - 1] + middle;

			p[i][j] = -near / d;
			q[i][j] = (-far * v[i - 1][j] + rest * v[i][j] - far * v[i + 1][j] - near * q[i][j - 1]) / d;
		}
		u[i][N - 1] = 1;
		for (int j = N - 2; j > 0; j--)
			u[i][j] = p[i][j] * u[i][j + 1] + q[i][j];
	}
}

static void run(void)
{
	const double along = 2.0 * N * N / STEPS,
	             across = 1.0 * N * N / STEPS; /* time step over the square of the mesh */

	for (int t = 0; t < STEPS; t++) {
		columns(-along / 2, 1 + along, -across / 2, 1 - across);
		rows(-across / 2, 1 + across, -along / 2, 1 - along);
	}
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, u);
}
