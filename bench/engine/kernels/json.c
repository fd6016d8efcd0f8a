/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

/* Writes a text of nested values, then reads it again: numbers, strings with escapes, objects, arrays. */
static char text[1 << 16];
static uint32_t at, numbers, strings, depth_max;

static void put(const char *s)
{
	while (*s != 0)
		text[at++] = *s++;
}

static void put_number(uint32_t v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		text[at++] = digits[--n];
}

static void generate(uint32_t depth, uint32_t *seed)
{
	put("{\"id\": ");
	put_number(next_random(seed) % 100000);
	put(", \"name\": \"a \\\"quoted\\\" name\\n\", \"list\": [true, false, null, -12.5e3");
	for (uint32_t i = 0; i < 3 && depth > 0; i++) {
		put(", ");
		generate(depth - 1, seed);
	}
	put("]}");
}

static void skip_space(void)
{
	while (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')
		at++;
}

static uint32_t parse_string(void)
{
	uint32_t hash = 5381;

	for (at++; text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
		hash = hash * 33 + (uint8_t)text[at];
	}
	at++;
	strings++;
	return hash;
}

static uint32_t parse_number(void)
{
	uint32_t v = 0;

	for (;; at++) {
		char c = text[at];

		if (c >= '0' && c <= '9')
			v = v * 10 + (uint32_t)(c - '0');
		else if (c != '-' && c != '+' && c != '.' && c != 'e')
			break;
	}
	numbers++;
	return v;
}

static uint32_t parse(uint32_t depth)
{
	uint32_t hash = 1;

	depth_max = depth > depth_max ? depth : depth_max;
	skip_space();
	switch (text[at]) {
	case '{':
	case '[':
		at++;
		for (skip_space(); text[at] != '}' && text[at] != ']'; skip_space()) {
			hash = hash * 31 + parse(depth + 1);
			skip_space();
			if (text[at] == ',' || text[at] == ':')
				at++;
		}
		at++;
		return hash;
	case '"': return parse_string();
	case 't':
	case 'n': at += 4; return 2;
	case 'f': at += 5; return 3;
	default: return parse_number();
	}
}

uint32_t kernel(uint32_t n)
{
	uint32_t seed = 7, hash = 0;

	generate(5, &seed);
	text[at] = 0;
	while (n-- > 0) {
		at = 0;
		hash = hash * 17 + parse(0);
	}
	return hash + numbers + strings + depth_max;
}
