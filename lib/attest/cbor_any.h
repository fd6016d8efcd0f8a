/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR as others write it (RFC 8949): map keys in any order, heads longer than needed, tags, negative numbers. Our own
 * messages are of lib/cbor/cbor.h, which takes one encoding only; evidence of other makers is read with this.
 * Indefinite lengths are refused. A failed call may leave the reader anywhere: give up then.
 */
#ifndef BROCH_ATTEST_CBOR_ANY_H
#define BROCH_ATTEST_CBOR_ANY_H

#include "lib/base/rw.h"

enum cbor_any_kind { ANY_UINT, ANY_NEGATIVE, ANY_BYTES, ANY_TEXT, ANY_ARRAY, ANY_MAP, ANY_TAG, ANY_SIMPLE };
enum { ANY_DEPTH_MAX = 16, ANY_NULL = 22 };

struct cbor_any {
	enum cbor_any_kind kind;
	uint64_t value;      /* the number (-1 - value when negative), length, count, tag or simple value */
	struct slice string; /* bytes and text: what it holds; points into the input */
};

/* One head, with its string; the items of arrays, maps and tags follow. Counts are never more than bytes are left. */
MUST_USE enum err cbor_any(struct reader *r, struct cbor_any *out);
/* The same, and ERR_INVALID when it is of another kind. */
MUST_USE enum err cbor_any_of(struct reader *r, enum cbor_any_kind kind, struct cbor_any *out);
/* Over one whole item; ERR_LIMIT when it is nested deeper than ANY_DEPTH_MAX. */
MUST_USE enum err cbor_any_skip(struct reader *r);

#endif
