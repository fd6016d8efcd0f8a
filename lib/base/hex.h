/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_BASE_HEX_H
#define BROCH_BASE_HEX_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* Lower-case hex and a terminating 0: out holds 2 * in.size + 1 chars. */
void hex_encode(struct slice in, char *out);
/* Either case, exactly 2 * size digits; ERR_FORMAT otherwise. */
MUST_USE enum err hex_decode(struct slice text, uint8_t *out, size_t size);

#endif
