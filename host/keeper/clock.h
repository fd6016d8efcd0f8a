/* SPDX-License-Identifier: Apache-2.0 */
/* The hints of the shared page: how fast the CPU's counter runs, and what time it is. */
#ifndef BROCH_HOST_KEEPER_CLOCK_H
#define BROCH_HOST_KEEPER_CLOCK_H

#include "abi/keepcall.h"

struct clock_sample {
	uint64_t tsc, ns;
};

struct clock_sample clock_sample(void);
/* The longer ago `start`, the better the frequency: 1 ms gives about 1 in 10^4. Waits until it is that long ago. */
void clock_fill(struct clock_sample start, struct keepcall_page *page);

#endif
