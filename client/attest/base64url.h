/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2): how JSON carries numbers, points and nonces. */
#ifndef BROCH_CLIENT_BASE64URL_H
#define BROCH_CLIENT_BASE64URL_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* text in base64url. The caller frees it; NULL: no memory. */
char *base64url_encode(struct slice s);

/*
 * The bytes of text, at most room of them, into out. Bytes have one text: ERR_FORMAT is a letter that is none, a length
 * that no bytes have, or a last letter with more bits than it needs. ERR_RANGE: more than room bytes.
 */
MUST_USE enum err base64url_decode(const char *text, uint8_t *out, size_t room, size_t *size);

#endif
