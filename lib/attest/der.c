/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/der.h"

static enum err der_length(struct reader *r, size_t *out)
{
	uint8_t first, byte;
	size_t size = 0;

	TRY(rd_u8(r, &first));
	if (first < 0x80) {
		*out = first;
		return OK;
	}
	if (first == 0x80 || first > 0x83)
		return ERR_FORMAT;
	for (unsigned i = first & 0x7fu; i > 0; i--) {
		TRY(rd_u8(r, &byte));
		if (size == 0 && byte == 0)
			return ERR_FORMAT;
		size = size << 8 | byte;
	}
	*out = size;
	return size < 0x80 ? ERR_FORMAT : OK;
}

enum err der_next(struct reader *r, uint8_t *tag, struct slice *content)
{
	struct reader ahead = *r;
	size_t size;

	TRY(rd_u8(&ahead, tag));
	if ((*tag & 0x1f) == 0x1f)
		return ERR_FORMAT;
	TRY(der_length(&ahead, &size));
	TRY(rd_bytes(&ahead, size, content));
	*r = ahead;
	return OK;
}

enum err der_element(struct reader *r, uint8_t tag, struct slice *whole, struct slice *content)
{
	struct reader ahead = *r;
	uint8_t found;

	TRY(der_next(&ahead, &found, content));
	if (found != tag)
		return ERR_FORMAT;
	return rd_bytes(r, rd_left(r) - rd_left(&ahead), whole);
}

enum err der_enter(struct reader *r, uint8_t tag, struct reader *inside)
{
	struct slice whole, content;

	TRY(der_element(r, tag, &whole, &content));
	*inside = rd_of(content);
	return OK;
}

enum err der_only(struct slice in, uint8_t tag, struct slice *content)
{
	struct reader r = rd_of(in);
	uint8_t found;

	TRY(der_next(&r, &found, content));
	if (found != tag)
		return ERR_FORMAT;
	return rd_end(&r);
}

static enum err integer_minimal(struct slice v)
{
	if (v.size == 0)
		return ERR_FORMAT;
	if (v.size > 1 && ((v.data[0] == 0 && v.data[1] < 0x80) || (v.data[0] == 0xff && v.data[1] >= 0x80)))
		return ERR_FORMAT;
	return OK;
}

enum err der_uint(struct slice in, uint32_t max, uint32_t *out)
{
	struct slice v;
	uint64_t sum = 0;

	TRY(der_only(in, DER_INTEGER, &v));
	TRY(integer_minimal(v));
	if (v.data[0] >= 0x80 || v.size > 5)
		return ERR_RANGE;
	for (size_t i = 0; i < v.size; i++)
		sum = sum << 8 | v.data[i];
	if (sum > max)
		return ERR_RANGE;
	*out = (uint32_t)sum;
	return OK;
}

static enum err leaf_check(uint8_t tag, struct slice v)
{
	if (tag == DER_INTEGER)
		return integer_minimal(v);
	if (tag == DER_BOOLEAN && (v.size != 1 || (v.data[0] != 0 && v.data[0] != 0xff)))
		return ERR_FORMAT;
	return OK;
}

/* An explicit stack of the readers of the enclosing elements, so that depth costs a named amount of memory. */
enum err der_check(struct slice in)
{
	struct reader level[DER_DEPTH_MAX];
	unsigned depth = 0;
	struct slice v;
	uint8_t tag;

	level[0] = rd_of(in);
	TRY(der_next(&level[0], &tag, &v));
	TRY(rd_end(&level[0]));
	level[0] = rd_of(in);
	for (;;) {
		if (rd_left(&level[depth]) == 0) {
			if (depth == 0)
				return OK;
			depth--;
			continue;
		}
		TRY(der_next(&level[depth], &tag, &v));
		if ((tag & DER_CONSTRUCTED) == 0) {
			TRY(leaf_check(tag, v));
			continue;
		}
		if (++depth == DER_DEPTH_MAX)
			return ERR_LIMIT;
		level[depth] = rd_of(v);
	}
}
