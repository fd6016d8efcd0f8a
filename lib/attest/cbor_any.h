/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR as others write it (RFC 8949): map keys in any order, heads longer than needed, tags, negative numbers. Our own
 * messages are of lib/cbor/cbor.h, which takes one encoding only; evidence of other makers is read with this.
 * Arrays and maps may be of no stated length, up to a break: the maps of AWS Nitro are. Strings in chunks are refused:
 * nobody writes them, and they are nowhere in one piece. A failed call may leave the reader anywhere: give up then.
 */
#ifndef BROCH_ATTEST_CBOR_ANY_H
#define BROCH_ATTEST_CBOR_ANY_H

#include "lib/base/rw.h"

enum cbor_any_kind { ANY_UINT, ANY_NEGATIVE, ANY_BYTES, ANY_TEXT, ANY_ARRAY, ANY_MAP, ANY_TAG, ANY_SIMPLE, ANY_FLOAT };
enum { ANY_DEPTH_MAX = 16, ANY_FALSE = 20, ANY_TRUE = 21, ANY_NULL = 22, ANY_LABELS_MAX = 32 };

struct cbor_any {
	enum cbor_any_kind kind;
	uint64_t
	        value; /* the number (-1 - value when negative), length, count, tag, simple value, or bits of a float */
	struct slice string; /* bytes and text: what it holds; points into the input */
	bool open;           /* array or map: a break ends it, value is 0 */
};

/* One head, with its string; the items of arrays, maps and tags follow. Counts are never more than bytes are left. */
MUST_USE enum err cbor_any(struct reader *r, struct cbor_any *out);
/* The same, and ERR_INVALID when it is of another kind. */
MUST_USE enum err cbor_any_of(struct reader *r, enum cbor_any_kind kind, struct cbor_any *out);
/*
 * Is there one more item of this array, or pair of this map? Called before each; counts down, or reads over the break.
 * Once it has said no, the container is behind the reader.
 */
MUST_USE bool cbor_any_more(struct reader *r, struct cbor_any *of);
/* An array or map of so many items or pairs, which must then be read, and its end, which must then come. ERR_FORMAT. */
MUST_USE enum err cbor_any_enter(struct reader *r, enum cbor_any_kind kind, uint64_t count, struct cbor_any *out);
MUST_USE enum err cbor_any_leave(struct reader *r, const struct cbor_any *of);
/* Over one whole item; ERR_LIMIT when it is nested deeper than ANY_DEPTH_MAX. */
MUST_USE enum err cbor_any_skip(struct reader *r);

/* The labels of one map so far. What stands there twice means one thing to us and another to somebody else. */
struct cbor_any_labels {
	struct cbor_any seen[ANY_LABELS_MAX];
	size_t count; /* 0 at the start */
};
/*
 * The next label of a map: a whole number or text, as COSE and EAT have them, and not one of those before, however it
 * is encoded. ERR_INVALID: of another kind; ERR_EXISTS: a second time; ERR_LIMIT: more than ANY_LABELS_MAX.
 */
MUST_USE enum err cbor_any_label(struct reader *r, struct cbor_any_labels *l, struct cbor_any *out);

/* What lib/cbor/cbor.h does not write, as no message of ours has it, in the same one encoding. ERR_SPACE. */
MUST_USE enum err cbor_any_put_tag(struct writer *w, uint64_t tag); /* the tagged item follows */
MUST_USE enum err cbor_any_put_int(struct writer *w, int64_t v);

#endif
