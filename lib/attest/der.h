/* SPDX-License-Identifier: Apache-2.0 */
/* Strict DER (X.690 chapter 10): for what OpenSSL is lenient about, and for the small values inside certificates. */
#ifndef BROCH_ATTEST_DER_H
#define BROCH_ATTEST_DER_H

#include "lib/base/err.h"
#include "lib/base/rw.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_IA5 = 0x16,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0,
	DER_CONSTRUCTED = 0x20,
	DER_DEPTH_MAX = 24,
};

/* The next element: identifier byte and content. ERR_FORMAT for lengths that are indefinite, not minimal or beyond 3
 * bytes, and for tags above 30. */
MUST_USE enum err der_next(struct reader *r, uint8_t *tag, struct slice *content);
/* The next element, which must have this tag; whole includes its head. ERR_FORMAT otherwise. */
MUST_USE enum err der_element(struct reader *r, uint8_t tag, struct slice *whole, struct slice *content);
/* The same, as a reader of its content. */
MUST_USE enum err der_enter(struct reader *r, uint8_t tag, struct reader *inside);
/* Exactly one element of this tag, nothing behind it. */
MUST_USE enum err der_only(struct slice in, uint8_t tag, struct slice *content);
/* Exactly one INTEGER, not negative, minimal, at most max. */
MUST_USE enum err der_uint(struct slice in, uint32_t max, uint32_t *out);
/* Is the whole input one well-formed element, strict at every level (lengths, integers, booleans)? Strings are opaque. */
MUST_USE enum err der_check(struct slice in);

#endif
