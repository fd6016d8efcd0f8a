/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of the kind of LZ4: greedy matches found by a table of hashes, tokens of literals and copies; and back.
 */
#include "bench/engine/kernel.h"

enum { SIZE = 1 << 16, HASH_BITS = 12, MIN_MATCH = 4 };
static uint8_t text[SIZE], packed[SIZE * 2], back[SIZE];
static uint32_t heads[1 << HASH_BITS]; /* the last place of each hash, plus one */

/* Words of a small vocabulary, with a number between them now and then. */
static void generate(void)
{
	static const char *const words[] = {"sealed ",  "of the ", "measured ",   "\n",     "enclave, ",
	                                    "key ",     "and a ",  "record ",     "which ", "nobody ",
	                                    "session ", "to ",     "other than ", "host. "};
	uint32_t state = 11, at = 0;

	while (at < SIZE) {
		uint32_t r = next_random(&state) >> 8;
		const char *w = words[r % (sizeof words / sizeof *words)];

		if (r % 11 == 0)
			text[at++] = (uint8_t)('0' + r / 11 % 10);
		while (*w != 0 && at < SIZE)
			text[at++] = (uint8_t)*w++;
	}
}

static uint32_t word_at(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, 4);
	return w;
}

/* A length beyond 15 goes on in bytes, of which 255 says that one more follows. */
static uint8_t *put_length(uint8_t *out, uint32_t length)
{
	for (; length >= 255; length -= 255)
		*out++ = 255;
	*out++ = (uint8_t)length;
	return out;
}

static uint8_t *put_token(uint8_t *out, const uint8_t *literals, uint32_t count, uint32_t match, uint32_t distance)
{
	uint32_t more = match - MIN_MATCH;

	*out++ = (uint8_t)((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
	if (count >= 15)
		out = put_length(out, count - 15);
	for (uint32_t i = 0; i < count; i++)
		*out++ = literals[i];
	*out++ = (uint8_t)distance;
	*out++ = (uint8_t)(distance >> 8);
	return more >= 15 ? put_length(out, more - 15) : out;
}

static uint32_t compress(void)
{
	uint8_t *out = packed;
	uint32_t start = 0, at = 0;

	memset(heads, 0, sizeof heads);
	while (at + 2 * MIN_MATCH < SIZE) {
		uint32_t w = word_at(text + at), *head = &heads[w * 2654435761u >> (32 - HASH_BITS)], from = *head,
		         length;

		*head = at + 1;
		if (from == 0 || word_at(text + from - 1) != w || at - (from - 1) > 65535) {
			at++;
			continue;
		}
		from--;
		for (length = MIN_MATCH; at + length < SIZE && text[from + length] == text[at + length];)
			length++;
		out = put_token(out, text + start, at - start, length, at - from);
		at += length;
		start = at;
	}
	return (uint32_t)(put_token(out, text + start, SIZE - start, MIN_MATCH, 0) - packed);
}

static uint32_t get_length(const uint8_t **in, uint32_t length)
{
	uint8_t b;

	if (length < 15)
		return length;
	do {
		b = *(*in)++;
		length += b;
	} while (b == 255);
	return length;
}

static uint32_t expand(void)
{
	const uint8_t *in = packed;
	uint32_t at = 0;

	for (;;) {
		uint8_t token = *in++;
		uint32_t count = get_length(&in, token >> 4), distance, length;

		for (uint32_t i = 0; i < count; i++)
			back[at++] = *in++;
		distance = in[0] | (uint32_t)in[1] << 8;
		in += 2;
		if (distance == 0)
			return at;
		length = get_length(&in, token & 15) + MIN_MATCH;
		for (uint32_t i = 0; i < length; i++, at++)
			back[at] = back[at - distance];
	}
}

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	generate();
	while (n-- > 0) {
		sum = sum * 31 + compress();
		sum = sum * 31 + expand();
		if (memcmp(text, back, SIZE) != 0)
			return 0;
		text[n % SIZE] ^= 1;
	}
	return sum;
}
