/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/units.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
        {"", 1},
        {"B", 1},
        {"kB", UINT64_C(1000)},
        {"MB", UINT64_C(1000000)},
        {"GB", UINT64_C(1000000000)},
        {"TB", UINT64_C(1000000000000)},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
};
static const struct unit durations[] = {
        {"ns", 1},
        {"us", UINT64_C(1000)},
        {"ms", UINT64_C(1000000)},
        {"s", UINT64_C(1000000000)},
        {"m", UINT64_C(60000000000)},
        {"h", UINT64_C(3600000000000)},
        {"d", UINT64_C(86400000000000)},
};

static enum err with_unit(struct slice text, const struct unit *units, size_t count, uint64_t *out)
{
	uint64_t v = 0;
	size_t at = 0;

	for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++)
		if (mul_overflows(v, UINT64_C(10), &v) || add_overflows(v, (uint64_t)(text.data[at] - '0'), &v))
			return ERR_RANGE;
	if (at == 0)
		return ERR_FORMAT;
	while (at < text.size && text.data[at] == ' ')
		at++;
	for (size_t i = 0; i < count; i++)
		if (slice_is(slice_of(text.data + at, text.size - at), units[i].name))
			return mul_overflows(v, units[i].factor, out) ? ERR_RANGE : OK;
	return ERR_FORMAT;
}

enum err units_size(struct slice text, uint64_t *bytes)
{
	return with_unit(text, sizes, ARRAY_COUNT(sizes), bytes);
}

enum err units_duration(struct slice text, uint64_t *ns)
{
	return with_unit(text, durations, ARRAY_COUNT(durations), ns);
}

/* The unit that leaves the smallest whole number; 0 needs none but the first. */
static void show(uint64_t value, const struct unit *units, size_t count, char *out, size_t capacity)
{
	const struct unit *best = &units[0];

	for (size_t i = 1; i < count && value != 0; i++)
		if (value % units[i].factor == 0 && units[i].factor > best->factor)
			best = &units[i];
	snprintf(out, capacity, "%" PRIu64 "%s", value / best->factor, best->name);
}

void units_show_size(uint64_t bytes, char *out, size_t capacity)
{
	show(bytes, sizes, ARRAY_COUNT(sizes), out, capacity);
}

void units_show_duration(uint64_t ns, char *out, size_t capacity)
{
	show(ns, durations, ARRAY_COUNT(durations), out, capacity);
}
