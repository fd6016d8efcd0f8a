/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations as people write them. Nothing is rounded, no unit is guessed. */
#ifndef BROCH_CLIENT_UNITS_H
#define BROCH_CLIENT_UNITS_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* "512", "64KiB", "1GiB" (powers of 1024) or "1kB", "2MB" (powers of 1000). ERR_FORMAT, ERR_RANGE. */
MUST_USE enum err units_size(struct slice text, uint64_t *bytes);
/* "250ms", "10s", "5m", "1h", "30d". The unit must be there. ERR_FORMAT, ERR_RANGE. */
MUST_USE enum err units_duration(struct slice text, uint64_t *ns);
/* The shortest text that reads back as the same number. */
void units_show_size(uint64_t bytes, char *out, size_t capacity);
void units_show_duration(uint64_t ns, char *out, size_t capacity);

#endif
