/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-384 (FIPS 180-4 section 6.5) of four messages, one in each 64-bit lane of the registers. */
#include "lib/measure/sha384x4.h"

#include <immintrin.h>

enum { BLOCK = 128, WORDS = 16, ROUNDS = 80 };

/* Section 4.2.3. */
static const uint64_t round_constants[ROUNDS] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* Section 5.3.4. */
static const uint64_t first_state[8] = {
	0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
	0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

bool sha384x4_works(void)
{
	return cpu_supports("avx2");
}

#define LANES TARGET("avx2") static ALWAYS_INLINE

LANES __m256i sum(__m256i a, __m256i b)
{
	return _mm256_add_epi64(a, b);
}

LANES __m256i right(__m256i x, int by)
{
	return _mm256_or_si256(_mm256_srli_epi64(x, by), _mm256_slli_epi64(x, 64 - by));
}

LANES __m256i three(__m256i a, __m256i b, __m256i c)
{
	return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

/* Bits of a where x is set, of b elsewhere. */
LANES __m256i choose(__m256i x, __m256i a, __m256i b)
{
	return _mm256_xor_si256(b, _mm256_and_si256(x, _mm256_xor_si256(a, b)));
}

/* Section 4.1.3: the small sigmas. */
LANES __m256i expand(__m256i w16, __m256i w15, __m256i w7, __m256i w2)
{
	const __m256i s0 = three(right(w15, 1), right(w15, 8), _mm256_srli_epi64(w15, 7));
	const __m256i s1 = three(right(w2, 19), right(w2, 61), _mm256_srli_epi64(w2, 6));

	return sum(sum(w16, s0), sum(w7, s1));
}

/* v is a to h; its letters move on by one. */
LANES void one_round(__m256i v[static 8], __m256i w, uint64_t k)
{
	const __m256i big1 = three(right(v[4], 14), right(v[4], 18), right(v[4], 41));
	const __m256i big0 = three(right(v[0], 28), right(v[0], 34), right(v[0], 39));
	const __m256i majority = choose(_mm256_xor_si256(v[0], v[1]), v[2], v[1]);
	const __m256i t1 = sum(sum(v[7], big1), sum(choose(v[4], v[5], v[6]), sum(w, _mm256_set1_epi64x((long long)k))));

	v[7] = v[6];
	v[6] = v[5];
	v[5] = v[4];
	v[4] = sum(v[3], t1);
	v[3] = v[2];
	v[2] = v[1];
	v[1] = v[0];
	v[0] = sum(t1, sum(big0, majority));
}

TARGET("avx2") static void compress(__m256i state[static 8], __m256i w[static WORDS])
{
	__m256i v[8];

	for (size_t i = 0; i < 8; i++)
		v[i] = state[i];
	for (size_t r = 0; r < ROUNDS; r += WORDS)
		for (size_t i = 0; i < WORDS; i++) {
			if (r > 0)
				w[i] = expand(w[i], w[(i + 1) % WORDS], w[(i + 9) % WORDS], w[(i + 14) % WORDS]);
			one_round(v, w[i], round_constants[r + i]);
		}
	for (size_t i = 0; i < 8; i++)
		state[i] = sum(state[i], v[i]);
}

static uint64_t word_at(const uint8_t *p)
{
	uint64_t x;

	copy_small(&x, p, sizeof x);
	return __builtin_bswap64(x);
}

TARGET("avx2") static void load(__m256i w[static WORDS], const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < WORDS; i++, data += sizeof(uint64_t))
		w[i] = _mm256_set_epi64x((long long)word_at(data + 3 * size), (long long)word_at(data + 2 * size),
		                         (long long)word_at(data + size), (long long)word_at(data));
}

/* Section 5.1.2, behind whole blocks. */
TARGET("avx2") static void pad(__m256i w[static WORDS], size_t size)
{
	for (size_t i = 0; i < WORDS; i++)
		w[i] = _mm256_setzero_si256();
	w[0] = _mm256_set1_epi64x((long long)(UINT64_C(1) << 63));
	w[WORDS - 1] = _mm256_set1_epi64x((long long)size * 8);
}

TARGET("avx2") void sha384x4(const uint8_t *data, size_t size, uint8_t out[static 4][SHA384X4_SIZE])
{
	__m256i state[8], w[WORDS];
	uint64_t lanes[4];

	CHECK(size % BLOCK == 0 && size <= SIZE_MAX / 8);
	for (size_t i = 0; i < 8; i++)
		state[i] = _mm256_set1_epi64x((long long)first_state[i]);
	for (size_t at = 0; at < size; at += BLOCK) {
		load(w, data + at, size);
		compress(state, w);
	}
	pad(w, size);
	compress(state, w);
	for (size_t i = 0; i < SHA384X4_SIZE / sizeof(uint64_t); i++) {
		_mm256_storeu_si256((__m256i *)(void *)lanes, state[i]);
		for (size_t m = 0; m < 4; m++) {
			const uint64_t word = __builtin_bswap64(lanes[m]);

			copy_small(out[m] + i * sizeof word, &word, sizeof word);
		}
	}
}
