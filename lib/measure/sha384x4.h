/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-384 of four messages of one size at once, in the time of one and a half. Not constant-time in the size. */
#ifndef BROCH_MEASURE_SHA384X4_H
#define BROCH_MEASURE_SHA384X4_H

#include "lib/base/err.h"

enum { SHA384X4_SIZE = 48 };

/* Has this CPU what it takes? Hosted code only. */
bool sha384x4_works(void);
/* The messages lie in a row, each of `size` bytes, which is a multiple of 128. Only where it works. */
void sha384x4(const uint8_t *data, size_t size, uint8_t out[static 4][SHA384X4_SIZE]);

#endif
