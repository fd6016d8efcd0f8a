/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/base64url.h"

#include <stdlib.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64url_encode(struct slice s)
{
	char *text = malloc(s.size / 3 * 4 + 5), *at = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < s.size; i += 3) {
		const size_t left = s.size - i;
		const uint32_t three = (uint32_t)s.data[i] << 16 | (uint32_t)(left > 1 ? s.data[i + 1] : 0) << 8 |
		                       (left > 2 ? s.data[i + 2] : 0);

		for (unsigned k = 0; k < (left > 2 ? 4u : left + 1); k++)
			*at++ = letters[three >> (18 - 6 * k) & 63];
	}
	*at = 0;
	return text;
}

enum err base64url_decode(const char *text, uint8_t *out, size_t room, size_t *size)
{
	unsigned bits = 0, held = 0; /* held: how many low bits of bits no byte has yet */

	*size = 0;
	for (; *text != 0; text++) {
		const char *at = strchr(letters, *text);

		if (at == NULL)
			return ERR_FORMAT;
		bits = (bits << 6 | (unsigned)(at - letters)) & 0xfff;
		held += 6;
		if (held < 8)
			continue;
		if (*size == room)
			return ERR_RANGE;
		held -= 8;
		out[(*size)++] = (uint8_t)(bits >> held);
	}
	/* Six bits left over are a letter too many; fewer are the rest of the last letter. */
	return held < 6 && (bits & ((1u << held) - 1)) == 0 ? OK : ERR_FORMAT;
}
