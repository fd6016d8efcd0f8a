/* SPDX-License-Identifier: Apache-2.0 */
/* One picture over another by its own share, eight 16-bit channels at a time; the largest and least of each by bytes.
 */
#include "bench/engine/kernels/simd/vector.h"

enum { SIZE = 1 << 16 };
static uint8_t over[SIZE], under[SIZE], out[SIZE];

static u16x8 wide(const uint8_t *p)
{
	u8x8 v;

	memcpy(&v, p, sizeof v);
	return __builtin_convertvector(v, u16x8);
}

uint32_t kernel(uint32_t n)
{
	uint32_t seed = 5, sum = 0;
	u8x16 most = {0}, least = ~most;

	for (int i = 0; i < SIZE; i++) {
		over[i] = (uint8_t)(next_random(&seed) >> 8);
		under[i] = (uint8_t)(next_random(&seed) >> 8);
	}
	while (n-- > 0) {
		uint16_t share = (uint16_t)(n & 255), rest = (uint16_t)(255 - share);
		u16x8 a = {share, share, share, share, share, share, share, share},
		      b = {rest, rest, rest, rest, rest, rest, rest, rest};

		for (int i = 0; i < SIZE; i += 8) {
			u16x8 v = wide(over + i) * a + wide(under + i) * b;
			u8x8 narrow = __builtin_convertvector((v + (v >> 8) + 1) >> 8, u8x8);

			memcpy(out + i, &narrow, sizeof narrow);
		}
		for (int i = 0; i < SIZE; i += 16) {
			u8x16 v;

			memcpy(&v, out + i, sizeof v);
			most = __builtin_elementwise_max(most, v);
			least = __builtin_elementwise_min(least, v);
		}
		sum = sum * 31 + most[n & 15] + least[n & 15] + out[n % SIZE];
	}
	return sum;
}
