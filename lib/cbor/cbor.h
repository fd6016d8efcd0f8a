/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic CBOR (RFC 8949 section 4.2.1), the one encoding of wire and configuration, over lib/base/rw.h.
 *
 * There is exactly one encoding of a value, and the reader takes no other: shortest heads, definite lengths, map keys
 * in ascending bytewise order without repetition, text in valid UTF-8. Integers, byte strings, text, arrays, maps,
 * true, false and null exist; tags, floats, undefined and other simple values are refused, as no message needs them.
 *
 * Every reading function takes one head (and its string) and leaves the reader where it was when it fails:
 * ERR_TRUNCATED, ERR_FORMAT (not deterministic, or malformed), ERR_INVALID (well-formed, but of another type than
 * asked for), ERR_UNSUPPORTED. Results point into the input.
 */
#ifndef BROCH_CBOR_H
#define BROCH_CBOR_H

#include "lib/base/rw.h"

enum { CBOR_DEPTH_MAX = 16 };

MUST_USE enum err cbor_uint(struct reader *r, uint64_t *out);
MUST_USE enum err cbor_bytes(struct reader *r, struct slice *out);
MUST_USE enum err cbor_text(struct reader *r, struct slice *out);
MUST_USE enum err cbor_bool(struct reader *r, bool *out);
/* How many items follow; never more than bytes are left, so that a caller may size an array by it. */
MUST_USE enum err cbor_array(struct reader *r, size_t *count);

/* A map being read: pairs left, and the encoded key before, which the next one must follow. Fields are private but left. */
struct cbor_map {
	size_t left;
	struct slice last;
};
MUST_USE enum err cbor_map(struct reader *r, struct cbor_map *out);
/* The next key, which must be of this type; then the caller reads the value. Call only while left > 0. */
MUST_USE enum err cbor_key_uint(struct reader *r, struct cbor_map *m, uint64_t *key);
MUST_USE enum err cbor_key_text(struct reader *r, struct cbor_map *m, struct slice *key);

/* Reads over one whole item of any type and checks it to the last byte; ERR_LIMIT deeper than CBOR_DEPTH_MAX. */
MUST_USE enum err cbor_skip(struct reader *r);

/*
 * The writer. The caller keeps maps sorted (integer keys ascending; text keys shorter first, then bytewise) and text
 * valid; the writer does not look. ERR_SPACE when full.
 */
MUST_USE enum err cbor_put_uint(struct writer *w, uint64_t v);
MUST_USE enum err cbor_put_bytes(struct writer *w, struct slice s);
MUST_USE enum err cbor_put_text(struct writer *w, struct slice s);
MUST_USE enum err cbor_put_bool(struct writer *w, bool v);
MUST_USE enum err cbor_put_array(struct writer *w, size_t count);
MUST_USE enum err cbor_put_map(struct writer *w, size_t pairs);

/* Is this well-formed UTF-8: shortest form, no surrogates, at most U+10FFFF? */
bool utf8_valid(struct slice s);

#endif
