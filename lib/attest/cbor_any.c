/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cbor_any.h"

enum { OPEN = 31, BREAK = 0xff };

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
	default: return info < 24 ? OK : ERR_FORMAT; /* reserved, a break, or an indefinite length */
	}
}

enum err cbor_any(struct reader *r, struct cbor_any *out)
{
	uint8_t head;

	*out = (struct cbor_any){.kind = ANY_SIMPLE};
	TRY(rd_u8(r, &head));
	out->kind = (enum cbor_any_kind)(head >> 5);
	out->open = (head & 31) == OPEN && (out->kind == ANY_ARRAY || out->kind == ANY_MAP);
	if (out->open)
		return OK;
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

/* Is this the end of a container of no stated length? Reads over it then. */
static bool broken(struct reader *r)
{
	struct reader ahead = *r;
	uint8_t byte;

	if (rd_u8(&ahead, &byte) != OK || byte != BREAK)
		return false;
	*r = ahead;
	return true;
}

bool cbor_any_more(struct reader *r, struct cbor_any *of)
{
	if (of->open)
		return !broken(r);
	return of->value > 0 && of->value-- > 0;
}

enum err cbor_any_enter(struct reader *r, enum cbor_any_kind kind, uint64_t count, struct cbor_any *out)
{
	TRY(cbor_any(r, out));
	return out->kind == kind && (out->open || out->value == count) ? OK : ERR_FORMAT;
}

enum err cbor_any_leave(struct reader *r, const struct cbor_any *of)
{
	return !of->open || broken(r) ? OK : ERR_FORMAT;
}

/* Over what is left of one container, at one depth. */
struct level {
	struct cbor_any of;
	bool value_due; /* a map's label has been read, its value not */
};

static struct level level_of(const struct cbor_any *a)
{
	struct level l = {.of = *a};

	if (a->kind == ANY_TAG)
		l.of.value = 1;
	return l;
}

static bool holds_items(const struct cbor_any *a)
{
	return a->kind == ANY_TAG || ((a->kind == ANY_ARRAY || a->kind == ANY_MAP) && (a->open || a->value > 0));
}

/* A break in the place of a map's value is no item, and cbor_any says so. */
static bool level_more(struct reader *r, struct level *l)
{
	const bool due = l->value_due;

	l->value_due = l->of.kind == ANY_MAP && !due;
	return due || cbor_any_more(r, &l->of);
}

enum err cbor_any_skip(struct reader *r)
{
	struct level levels[ANY_DEPTH_MAX] = {{.of = {.kind = ANY_ARRAY, .value = 1}}};
	unsigned depth = 0;

	for (;;) {
		struct cbor_any a;

		while (!level_more(r, &levels[depth]))
			if (depth-- == 0)
				return OK;
		TRY(cbor_any(r, &a));
		if (!holds_items(&a))
			continue;
		if (++depth == ANY_DEPTH_MAX)
			return ERR_LIMIT;
		levels[depth] = level_of(&a);
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
