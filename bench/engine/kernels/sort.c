/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

enum { COUNT = 50000 };
static uint32_t v[COUNT];

static void quick(uint32_t *a, int32_t low, int32_t high)
{
	while (low < high) {
		uint32_t pivot = a[(low + high) / 2];
		int32_t i = low, j = high;

		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				uint32_t t = a[i];

				a[i++] = a[j];
				a[j--] = t;
			}
		}
		quick(a, low, j);
		low = i;
	}
}

uint32_t kernel(uint32_t n)
{
	uint32_t seed = 3, sum = 0;

	while (n-- > 0) {
		for (int i = 0; i < COUNT; i++)
			v[i] = next_random(&seed);
		quick(v, 0, COUNT - 1);
		sum += v[0] ^ v[COUNT / 2] ^ v[COUNT - 1];
	}
	return sum;
}
