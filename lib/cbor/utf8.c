/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cbor/cbor.h"

/* RFC 3629 section 4 as a table: what may begin a sequence, how long it is, and where its second byte must lie. */
static const struct lead {
	uint8_t from, to, size, second_from, second_to;
} leads[] = {
	{0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *find_lead(uint8_t b)
{
	for (size_t i = 0; i < ARRAY_COUNT(leads); i++)
		if (b >= leads[i].from && b <= leads[i].to)
			return &leads[i];
	return NULL;
}

bool utf8_valid(struct slice s)
{
	const struct lead *l;

	for (size_t i = 0; i < s.size; i += l->size) {
		l = find_lead(s.data[i]);
		if (l == NULL || l->size > s.size - i)
			return false;
		if (l->size > 1 && (s.data[i + 1] < l->second_from || s.data[i + 1] > l->second_to))
			return false;
		for (size_t j = 2; j < l->size; j++)
			if ((s.data[i + j] & 0xc0) != 0x80)
				return false;
	}
	return true;
}
