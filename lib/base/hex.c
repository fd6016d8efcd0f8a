/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hex.h"

void hex_encode(struct slice in, char *out)
{
	for (size_t i = 0; i < in.size; i++) {
		*out++ = "0123456789abcdef"[in.data[i] >> 4];
		*out++ = "0123456789abcdef"[in.data[i] & 15];
	}
	*out = 0;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err hex_decode(struct slice text, uint8_t *out, size_t size)
{
	if (text.size % 2 != 0 || text.size / 2 != size)
		return ERR_FORMAT;
	for (size_t i = 0; i < size; i++) {
		int hi = digit(text.data[2 * i]), lo = digit(text.data[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return ERR_FORMAT;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return OK;
}
