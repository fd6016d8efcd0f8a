/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LEB128 integers (section 5.2.2). ERR_FORMAT when there are more bytes than the type needs or bits beyond it; the
 * reader is then somewhere in the number. Inline, because half of a module's bytes pass through here; that is also why
 * these look into the reader.
 */
#ifndef BROCH_WASM_LEB_H
#define BROCH_WASM_LEB_H

#include "lib/base/rw.h"

MUST_USE static inline enum err leb_byte(struct reader *r, uint8_t *out)
{
	if (unlikely(r->at == r->end))
		return ERR_TRUNCATED;
	*out = *r->at++;
	return OK;
}

MUST_USE static inline enum err leb_u32(struct reader *r, uint32_t *out)
{
	uint32_t v = 0;
	uint8_t b;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		TRY(leb_byte(r, &b));
		if (shift == 28 && b > 0x0f)
			return ERR_FORMAT;
		v |= (uint32_t)(b & 0x7f) << shift;
		if (b < 0x80)
			break;
	}
	*out = v;
	return OK;
}

/* bits is 32, 33 or 64: the last byte must repeat the sign in every bit the type does not have. */
MUST_USE static inline enum err leb_signed(struct reader *r, unsigned bits, int64_t *out)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b;

	do {
		TRY(leb_byte(r, &b));
		v |= (uint64_t)(b & 0x7f) << shift;
		if (shift + 7 >= bits) {
			uint8_t spare = (uint8_t)(0x7f & (0xff << (bits - shift - 1)));

			if (b >= 0x80 || ((b & spare) != 0 && (b & spare) != spare))
				return ERR_FORMAT;
		}
		shift += 7;
	} while (b >= 0x80);
	if (shift < 64 && (b & 0x40) != 0)
		v |= UINT64_MAX << shift;
	*out = (int64_t)v;
	return OK;
}

#endif
