/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time on the command line. */
#ifndef BROCH_CLI_TIMES_H
#define BROCH_CLI_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_USAGE "--at %s: write 2026-01-31, 2026-01-31T12:00:00Z or @SECONDS"

/* 2026-01-31, 2026-01-31T12:00:00Z (both UTC) or @SECONDS since 1970; false: nothing of these. */
bool time_of(const char *text, int64_t *at);

#endif
