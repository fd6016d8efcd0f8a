/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/sha256.h"

#include <immintrin.h>

enum { BLOCK = 64, QUADS = 16 };

/* FIPS 180-4 section 4.2.2. */
static const uint32_t round_constants[4 * QUADS] ALIGNED(16) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Intel SDM vol. 2: CPUID leaf 7 EBX bit 29 (SHA), leaf 1 ECX bits 9 and 19 (SSSE3, SSE4.1). */
static void cpuid(uint32_t leaf, uint32_t regs[static 4])
{
	__asm__ volatile("cpuid" : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3]) : "a"(leaf), "c"(0));
}

bool sha256_is_fast(void)
{
	uint32_t zero[4], one[4], seven[4] = {0};

	cpuid(0, zero);
	cpuid(1, one);
	if (zero[0] >= 7)
		cpuid(7, seven);
	return (seven[1] >> 29 & 1) != 0 && (one[2] >> 9 & 1) != 0 && (one[2] >> 19 & 1) != 0;
}

/* The instructions want the eight words as (A, B, E, F) and (C, D, G, H), the first in the highest lane. */
struct halves {
	__m128i abef, cdgh;
};

TARGET("sha,sse4.1") static struct halves split(const uint32_t v[static 8])
{
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)v), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(v + 4)), 0x1b);

	return (struct halves){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

TARGET("sha,sse4.1") static void join(struct halves h, uint32_t v[static 8])
{
	__m128i feba = _mm_shuffle_epi32(h.abef, 0x1b), dchg = _mm_shuffle_epi32(h.cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)v, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(v + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds a step; w holds the last sixteen words of the message schedule. */
TARGET("sha,sse4.1") static struct halves block(struct halves h, const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	struct halves before = h;
	__m128i w[4], m;

	for (unsigned i = 0; i < 4; i++)
		w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + (size_t)16 * i)), swap);
	for (unsigned i = 0; i < QUADS; i++) {
		m = _mm_add_epi32(w[i & 3], _mm_load_si128((const __m128i *)(const void *)(round_constants + (size_t)4 * i)));
		h.cdgh = _mm_sha256rnds2_epu32(h.cdgh, h.abef, m);
		h.abef = _mm_sha256rnds2_epu32(h.abef, h.cdgh, _mm_shuffle_epi32(m, 0x0e));
		m = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
		m = _mm_add_epi32(m, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
		w[i & 3] = _mm_sha256msg2_epu32(m, w[(i + 3) & 3]);
	}
	return (struct halves){_mm_add_epi32(h.abef, before.abef), _mm_add_epi32(h.cdgh, before.cdgh)};
}

TARGET("sha,sse4.1") static void blocks(uint32_t v[static 8], const uint8_t *p, size_t count)
{
	struct halves h = split(v);

	for (size_t i = 0; i < count; i++)
		h = block(h, p + BLOCK * i);
	join(h, v);
}

void sha256_update(br_sha256_context *c, bool fast, struct slice data)
{
	size_t partial = (size_t)(c->count % BLOCK), head = partial == 0 ? 0 : BLOCK - partial, whole;

	if (!fast || data.size < head + BLOCK) {
		br_sha256_update(c, data.data, data.size);
		return;
	}
	br_sha256_update(c, data.data, head);
	whole = (data.size - head) / BLOCK;
	blocks(c->val, data.data + head, whole);
	c->count += whole * BLOCK;
	br_sha256_update(c, data.data + head + whole * BLOCK, (data.size - head) % BLOCK);
}
