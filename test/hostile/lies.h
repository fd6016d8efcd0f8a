/* SPDX-License-Identifier: Apache-2.0 */
/* A host that changes some of its answers: status, sequence number, counts, channel numbers, poll entries, bytes, hints. */
#ifndef BROCH_TEST_LIES_H
#define BROCH_TEST_LIES_H

#include "abi/keepcall.h"

/* The dice of a variant; what follows is the same for the same seed. */
void dice_seed(uint64_t seed);
uint64_t roll(uint64_t n); /* 0..n-1 */

/* How many answers there are to one lie, on average; 0: no lies. The count starts again. */
void lies_begin(uint64_t one_in);
unsigned lies_told(void);
/* For struct fake_options. */
void lies_tell(void *ctx, volatile struct keepcall_page *p, uint8_t *in);

#endif
