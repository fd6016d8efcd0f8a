/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cbor/cbor.h"

enum major { UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6, SIMPLE = 7 };
enum { FALSE = 20, TRUE = 21, NIL = 22 };

/* ---- reading ---- */

struct head {
	enum major major;
	uint64_t value;
};

/* The argument of a head (RFC 8949 section 3): only the shortest of the five forms is deterministic. */
static enum err argument(struct reader *r, uint8_t info, uint64_t *out)
{
	static const uint64_t least[] = {24, UINT64_C(1) << 8, UINT64_C(1) << 16, UINT64_C(1) << 32};
	uint8_t b = 0;
	uint64_t v = 0;

	if (info < 24) {
		*out = info;
		return OK;
	}
	if (info > 27)
		return ERR_FORMAT; /* reserved, or an indefinite length */
	for (unsigned i = 0; i < 1U << (info - 24); i++) {
		TRY(rd_u8(r, &b));
		v = v << 8 | b;
	}
	if (v < least[info - 24])
		return ERR_FORMAT;
	*out = v;
	return OK;
}

static enum err read_head(struct reader *r, struct head *out)
{
	struct reader ahead = *r;
	uint8_t first;

	TRY(rd_u8(&ahead, &first));
	out->major = first >> 5;
	if (out->major == TAG)
		return ERR_UNSUPPORTED;
	/* Simple values have no argument but the byte itself; the longer forms are other values and floats. */
	if (out->major == SIMPLE && (first & 31) < 28 && ((first & 31) < FALSE || (first & 31) > NIL))
		return ERR_UNSUPPORTED;
	TRY(argument(&ahead, first & 31, &out->value));
	*r = ahead;
	return OK;
}

static enum err expect(struct reader *r, enum major major, uint64_t *value)
{
	struct reader ahead = *r;
	struct head h;

	TRY(read_head(&ahead, &h));
	if (h.major != major)
		return ERR_INVALID;
	*value = h.value;
	*r = ahead;
	return OK;
}

enum err cbor_uint(struct reader *r, uint64_t *out)
{
	return expect(r, UINT, out);
}

static enum err string(struct reader *r, enum major major, struct slice *out)
{
	struct reader ahead = *r;
	struct slice s;
	uint64_t size;

	TRY(expect(&ahead, major, &size));
	if (size > rd_left(&ahead))
		return ERR_TRUNCATED;
	TRY(rd_bytes(&ahead, (size_t)size, &s));
	if (major == TEXT && !utf8_valid(s))
		return ERR_FORMAT;
	*out = s;
	*r = ahead;
	return OK;
}

enum err cbor_bytes(struct reader *r, struct slice *out)
{
	return string(r, BYTES, out);
}

enum err cbor_text(struct reader *r, struct slice *out)
{
	return string(r, TEXT, out);
}

enum err cbor_bool(struct reader *r, bool *out)
{
	struct reader ahead = *r;
	uint64_t v;

	TRY(expect(&ahead, SIMPLE, &v));
	if (v != FALSE && v != TRUE)
		return ERR_INVALID;
	*out = v == TRUE;
	*r = ahead;
	return OK;
}

/* `each` is the least number of bytes an element takes. */
static enum err count_of(struct reader *r, enum major major, size_t each, size_t *count)
{
	struct reader ahead = *r;
	uint64_t n;

	TRY(expect(&ahead, major, &n));
	if (n > rd_left(&ahead) / each)
		return ERR_TRUNCATED;
	*count = (size_t)n;
	*r = ahead;
	return OK;
}

enum err cbor_array(struct reader *r, size_t *count)
{
	return count_of(r, ARRAY, 1, count);
}

enum err cbor_map(struct reader *r, struct cbor_map *out)
{
	out->last = slice_of(NULL, 0);
	return count_of(r, MAP, 2, &out->left);
}

/* Section 4.2.1: keys ascend in the bytewise order of their encodings; a head is never a prefix of a longer item. */
static bool ascends(struct slice a, struct slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	return order < 0 || (order == 0 && a.size < b.size);
}

/* `from` is the reader before the key, `to` after it. */
static enum err take_key(struct reader *r, struct cbor_map *m, struct reader to)
{
	struct slice encoded;
	struct reader from = *r;

	TRY(rd_bytes(&from, rd_offset(&to) - rd_offset(&from), &encoded));
	if (!ascends(m->last, encoded))
		return ERR_FORMAT;
	m->last = encoded;
	m->left--;
	*r = to;
	return OK;
}

enum err cbor_key_uint(struct reader *r, struct cbor_map *m, uint64_t *key)
{
	struct reader ahead = *r;

	CHECK(m->left > 0);
	TRY(cbor_uint(&ahead, key));
	return take_key(r, m, ahead);
}

enum err cbor_key_text(struct reader *r, struct cbor_map *m, struct slice *key)
{
	struct reader ahead = *r;

	CHECK(m->left > 0);
	TRY(cbor_text(&ahead, key));
	return take_key(r, m, ahead);
}

/* One open container of the item that is skipped: an explicit stack, so that depth costs no machine stack. */
struct level {
	struct cbor_map map; /* left: items still to come in an array, pairs in a map */
	bool is_map;
};

/* Reads one head, and the string behind it; opens a level for a container. */
static enum err skip_one(struct reader *r, struct level *opened, bool *opens)
{
	struct reader peek = *r;
	struct slice s;
	struct head h;

	*opens = false;
	TRY(read_head(&peek, &h));
	switch (h.major) {
	case BYTES: return cbor_bytes(r, &s);
	case TEXT: return cbor_text(r, &s);
	case ARRAY:
		*opens = true;
		*opened = (struct level){.is_map = false};
		return cbor_array(r, &opened->map.left);
	case MAP:
		*opens = true;
		opened->is_map = true;
		return cbor_map(r, &opened->map);
	default: *r = peek; return OK;
	}
}

/* Keys of maps are integers or strings here: a container as a key is legal CBOR that no peer of ours writes. */
static enum err skip_key(struct reader *r, struct cbor_map *m)
{
	struct reader ahead = *r;
	struct level opened;
	bool opens;

	TRY(skip_one(&ahead, &opened, &opens));
	if (opens)
		return ERR_UNSUPPORTED;
	return take_key(r, m, ahead);
}

static enum err skip_item(struct reader *r)
{
	struct level stack[CBOR_DEPTH_MAX];
	struct level opened = {.is_map = false};
	unsigned depth = 0;
	bool opens;

	do {
		if (depth > 0 && stack[depth - 1].is_map)
			TRY(skip_key(r, &stack[depth - 1].map));
		else if (depth > 0)
			stack[depth - 1].map.left--;
		TRY(skip_one(r, &opened, &opens));
		if (opens && depth == CBOR_DEPTH_MAX)
			return ERR_LIMIT;
		if (opens)
			stack[depth++] = opened;
		while (depth > 0 && stack[depth - 1].map.left == 0)
			depth--;
	} while (depth > 0);
	return OK;
}

enum err cbor_skip(struct reader *r)
{
	struct reader ahead = *r;

	TRY(skip_item(&ahead));
	*r = ahead;
	return OK;
}

/* ---- writing ---- */

static enum err put_head(struct writer *w, enum major major, uint64_t v)
{
	struct writer ahead = *w;
	unsigned log = v < 24 ? 0 : v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 3 : 4;
	uint8_t info = log == 0 ? (uint8_t)v : (uint8_t)(23 + log);

	TRY(wr_u8(&ahead, (uint8_t)(major << 5 | info)));
	for (unsigned i = log == 0 ? 0 : 1U << (log - 1); i-- > 0;)
		TRY(wr_u8(&ahead, (uint8_t)(v >> 8 * i)));
	*w = ahead;
	return OK;
}

static enum err put_string(struct writer *w, enum major major, struct slice s)
{
	struct writer ahead = *w;

	TRY(put_head(&ahead, major, s.size));
	TRY(wr_bytes(&ahead, s));
	*w = ahead;
	return OK;
}

enum err cbor_put_uint(struct writer *w, uint64_t v)
{
	return put_head(w, UINT, v);
}

enum err cbor_put_bytes(struct writer *w, struct slice s)
{
	return put_string(w, BYTES, s);
}

enum err cbor_put_text(struct writer *w, struct slice s)
{
	return put_string(w, TEXT, s);
}

enum err cbor_put_bool(struct writer *w, bool v)
{
	return put_head(w, SIMPLE, v ? TRUE : FALSE);
}

enum err cbor_put_array(struct writer *w, size_t count)
{
	return put_head(w, ARRAY, count);
}

enum err cbor_put_map(struct writer *w, size_t pairs)
{
	return put_head(w, MAP, pairs);
}
