/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU gives directly, with nobody in between: time and random numbers. */
#ifndef BROCH_KEEP_CPU_H
#define BROCH_KEEP_CPU_H

#include "lib/base/err.h"

uint64_t cpu_tsc(void);
/* RDSEED when present, else RDRAND, with the retries the manuals ask for; ERR_NO_RANDOM after that, never weak bytes. */
MUST_USE enum err cpu_random(void *out, size_t size);

#endif
