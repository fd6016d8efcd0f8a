/* SPDX-License-Identifier: Apache-2.0 */
/* ChaCha20 (RFC 8439) over a buffer, each time from the next block on. */
#include "bench/engine/kernel.h"

enum { SIZE = 1 << 16 };
static uint8_t text[SIZE];

static inline uint32_t rotate(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static inline void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b, *d = rotate(*d ^ *a, 16);
	*c += *d, *b = rotate(*b ^ *c, 12);
	*a += *b, *d = rotate(*d ^ *a, 8);
	*c += *d, *b = rotate(*b ^ *c, 7);
}

static void block(const uint32_t state[16], uint8_t out[64])
{
	uint32_t x[16];

	memcpy(x, state, sizeof x);
	for (int i = 0; i < 10; i++) {
		quarter(&x[0], &x[4], &x[8], &x[12]);
		quarter(&x[1], &x[5], &x[9], &x[13]);
		quarter(&x[2], &x[6], &x[10], &x[14]);
		quarter(&x[3], &x[7], &x[11], &x[15]);
		quarter(&x[0], &x[5], &x[10], &x[15]);
		quarter(&x[1], &x[6], &x[11], &x[12]);
		quarter(&x[2], &x[7], &x[8], &x[13]);
		quarter(&x[3], &x[4], &x[9], &x[14]);
	}
	for (int i = 0; i < 16; i++) {
		uint32_t w = x[i] + state[i];

		memcpy(out + 4 * i, &w, 4);
	}
}

uint32_t kernel(uint32_t n)
{
	uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, sum = 0;

	for (uint32_t i = 4; i < 16; i++)
		state[i] = i == 12 ? 1 : i * 0x01010101;
	while (n-- > 0) {
		for (uint32_t at = 0; at < SIZE; at += 64) {
			uint8_t stream[64];

			block(state, stream);
			state[12]++;
			for (int i = 0; i < 64; i++)
				text[at + (uint32_t)i] ^= stream[i];
		}
		sum = sum * 31 + text[n % SIZE] + text[SIZE - 1];
	}
	return sum;
}
