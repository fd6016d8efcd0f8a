/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

enum { BODIES = 5 };
static struct body {
	double x, y, z, vx, vy, vz, mass;
} bodies[BODIES];

static void advance(double dt)
{
	for (int i = 0; i < BODIES; i++)
		for (int j = i + 1; j < BODIES; j++) {
			struct body *a = &bodies[i], *b = &bodies[j];
			double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
			double d2 = dx * dx + dy * dy + dz * dz + 0.01;
			double mag = dt / (d2 * __builtin_sqrt(d2));

			a->vx -= dx * b->mass * mag, a->vy -= dy * b->mass * mag, a->vz -= dz * b->mass * mag;
			b->vx += dx * a->mass * mag, b->vy += dy * a->mass * mag, b->vz += dz * a->mass * mag;
		}
	for (int i = 0; i < BODIES; i++) {
		struct body *a = &bodies[i];

		a->x += dt * a->vx, a->y += dt * a->vy, a->z += dt * a->vz;
	}
}

uint32_t kernel(uint32_t n)
{
	for (int i = 0; i < BODIES; i++)
		bodies[i] = (struct body){i, 2 * i + 1, 3 - i, 0.1 * i, 0.2, -0.1 * i, 1 + i};
	while (n-- > 0)
		advance(0.001);
	return (uint32_t)(int32_t)(bodies[0].x * 1e6);
}
