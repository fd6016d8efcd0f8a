/* SPDX-License-Identifier: Apache-2.0 */
/* Deriche's recursive smoothing of an image: along rows both ways, then along columns */
#include "bench/engine/kernels/poly/poly.h"

enum { W = 360, H = 240 };
static float in[W][H], out[W][H], there[W][H], back[W][H];

static void setup(void)
{
}

static void init(uint32_t k)
{
	uint32_t state = k + 1;

	for (int i = 0; i < W; i++)
		for (int j = 0; j < H; j++)
			in[i][j] = (float)(next_random(&state) >> 16) / 65536;
}

static void run(void)
{
	const double alpha = 0.25, e = __builtin_exp(-alpha), e2 = __builtin_exp(-2 * alpha);
	const float k = (float)((1 - e) * (1 - e) / (1 + 2 * alpha * e - e2));
	const float a1 = k, a2 = (float)(k * e * (alpha - 1)), a3 = (float)(k * e * (alpha + 1)), a4 = (float)(-k * e2);
	const float b1 = (float)(2 * e), b2 = (float)-e2;

	for (int i = 0; i < W; i++) {
		float x1 = 0, x2 = 0, y1 = 0, y2 = 0;

		for (int j = 0; j < H; j++) {
			there[i][j] = a1 * in[i][j] + a2 * x1 + b1 * y1 + b2 * y2;
			x1 = in[i][j], y2 = y1, y1 = there[i][j];
		}
		x1 = y1 = y2 = 0;
		for (int j = H - 1; j >= 0; j--) {
			back[i][j] = a3 * x1 + a4 * x2 + b1 * y1 + b2 * y2;
			x2 = x1, x1 = in[i][j], y2 = y1, y1 = back[i][j];
		}
		for (int j = 0; j < H; j++)
			out[i][j] = there[i][j] + back[i][j];
	}
	for (int j = 0; j < H; j++) {
		float x1 = 0, x2 = 0, y1 = 0, y2 = 0;

		for (int i = 0; i < W; i++) {
			there[i][j] = a1 * out[i][j] + a2 * x1 + b1 * y1 + b2 * y2;
			x1 = out[i][j], y2 = y1, y1 = there[i][j];
		}
		x1 = y1 = y2 = 0;
		for (int i = W - 1; i >= 0; i--) {
			back[i][j] = a3 * x1 + a4 * x2 + b1 * y1 + b2 * y2;
			x2 = x1, x1 = out[i][j], y2 = y1, y1 = back[i][j];
		}
	}
	for (int i = 0; i < W; i++)
		for (int j = 0; j < H; j++)
			out[i][j] = there[i][j] + back[i][j];
}

static uint32_t sum(uint32_t h)
{
	return FOLD(h, out);
}
