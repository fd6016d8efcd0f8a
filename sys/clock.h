/* SPDX-License-Identifier: Apache-2.0 */
/* Wall clock for people, monotonic clock for durations. */
#ifndef BROCH_SYS_CLOCK_H
#define BROCH_SYS_CLOCK_H

#include "lib/base/attr.h"

enum { CLOCK_TEXT_MAX = 32 };

int64_t clock_wall_ms(void);    /* since 1970 */
uint64_t clock_steady_ns(void); /* since some moment; never goes back */
/* RFC 3339 UTC with milliseconds: 2026-01-31T23:59:59.123Z. */
void clock_text(int64_t wall_ms, char out[static CLOCK_TEXT_MAX]);

#endif
