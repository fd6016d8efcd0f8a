/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes. Whoever made it says how long the bytes live; a slice never owns them. */
#ifndef BROCH_BASE_SLICE_H
#define BROCH_BASE_SLICE_H

#include "lib/base/attr.h"

#include <string.h>

struct slice {
	const uint8_t *data; /* may be NULL when size is 0 */
	size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){data, size};
}

static inline struct slice slice_text(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* Not constant time: for public bytes only; secrets compare with ct_equal. */
static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Not constant time, either. Nothing at all is zero, too. */
static inline bool slice_is_zero(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] != 0)
			return false;
	return true;
}

/* Is every byte from first to last? From ' ' to '~' is printable ASCII. Nothing at all is, too. */
static inline bool slice_within(struct slice s, uint8_t first, uint8_t last)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] < first || s.data[i] > last)
			return false;
	return true;
}

/* For messages: as much of a name as fits, with '?' for what is not printable ASCII. Returns out. */
static inline const char *slice_shown(struct slice s, char *out, size_t capacity)
{
	size_t n = s.size < capacity - 1 ? s.size : capacity - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = s.data[i] >= 0x20 && s.data[i] < 0x7f ? (char)s.data[i] : '?';
	out[n] = 0;
	return out;
}

static inline bool slice_is(struct slice s, const char *text)
{
	return slice_equal(s, slice_text(text));
}

#endif
