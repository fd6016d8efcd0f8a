/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cbor_any.h"

static enum err argument(struct reader *r, unsigned info, uint64_t *out)
{
	uint8_t one = 0;
	uint16_t two = 0;
	uint32_t four = 0;

	*out = info;
	switch (info) {
	case 24:
		TRY(rd_u8(r, &one));
		*out = one;
		return OK;
	case 25:
		TRY(rd_u16be(r, &two));
		*out = two;
		return OK;
	case 26:
		TRY(rd_u32be(r, &four));
		*out = four;
		return OK;
	case 27: return rd_u64be(r, out);
	default: return info < 24 ? OK : ERR_FORMAT; /* reserved, or an indefinite length */
	}
}

enum err cbor_any(struct reader *r, struct cbor_any *out)
{
	uint8_t head;

	*out = (struct cbor_any){.kind = ANY_SIMPLE};
	TRY(rd_u8(r, &head));
	out->kind = (enum cbor_any_kind)(head >> 5);
	TRY(argument(r, head & 31, &out->value));
	if (out->kind == ANY_SIMPLE && (head & 31) > 24)
		out->kind = ANY_FLOAT;
	if (out->kind == ANY_SIMPLE && (head & 31) == 24 && out->value < 32)
		return ERR_FORMAT; /* RFC 8949 section 3.3: not well-formed */
	if (out->kind >= ANY_BYTES && out->kind <= ANY_MAP && out->value > rd_left(r))
		return ERR_TRUNCATED;
	if (out->kind == ANY_BYTES || out->kind == ANY_TEXT)
		return rd_bytes(r, (size_t)out->value, &out->string);
	return OK;
}

enum err cbor_any_of(struct reader *r, enum cbor_any_kind kind, struct cbor_any *out)
{
	TRY(cbor_any(r, out));
	return out->kind == kind ? OK : ERR_INVALID;
}

/* How many items belong to this head. */
static uint64_t items_of(const struct cbor_any *a)
{
	switch (a->kind) {
	case ANY_ARRAY: return a->value;
	case ANY_MAP: return 2 * a->value;
	case ANY_TAG: return 1;
	default: return 0;
	}
}

/* left[i]: items still to come at depth i. */
enum err cbor_any_skip(struct reader *r)
{
	uint64_t left[ANY_DEPTH_MAX] = {1};
	unsigned depth = 0;

	for (;;) {
		struct cbor_any a;

		while (left[depth] == 0)
			if (depth-- == 0)
				return OK;
		left[depth]--;
		TRY(cbor_any(r, &a));
		if (items_of(&a) == 0)
			continue;
		if (++depth == ANY_DEPTH_MAX)
			return ERR_LIMIT;
		left[depth] = items_of(&a);
	}
}

static bool same_label(const struct cbor_any *a, const struct cbor_any *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == ANY_TEXT ? slice_equal(a->string, b->string) : a->value == b->value;
}

enum err cbor_any_label(struct reader *r, struct cbor_any_labels *l, struct cbor_any *out)
{
	TRY(cbor_any(r, out));
	if (out->kind != ANY_UINT && out->kind != ANY_NEGATIVE && out->kind != ANY_TEXT)
		return ERR_INVALID;
	for (size_t i = 0; i < l->count; i++)
		if (same_label(&l->seen[i], out))
			return ERR_EXISTS;
	if (l->count == ANY_LABELS_MAX)
		return ERR_LIMIT;
	l->seen[l->count++] = *out;
	return OK;
}
