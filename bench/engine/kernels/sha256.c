/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

/* FIPS 180-4; the round constants are made by an integer sequence of our own, since only speed matters here. */
static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void block(uint32_t h[8], const uint32_t k[64], const uint8_t *p)
{
	uint32_t w[64], s[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, h, sizeof s);
	for (int i = 0; i < 64; i++) {
		uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
		uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
		s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += s[i];
}

uint32_t kernel(uint32_t n)
{
	static uint8_t data[4096];
	static uint32_t k[64];
	uint32_t h[8] = {1, 2, 3, 4, 5, 6, 7, 8}, seed = 1;

	for (int i = 0; i < 64; i++)
		k[i] = next_random(&seed);
	for (uint32_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	for (uint32_t i = 0; i < n; i++)
		block(h, k, data + i % 64 * 64);
	return h[0] ^ h[7];
}
