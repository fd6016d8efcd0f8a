/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vmm/spans.h"

#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t spans_missing(const struct spans *s, uint64_t begin, uint64_t end)
{
	uint64_t missing = end - begin;

	for (size_t i = 0; i < s->count; i++) {
		uint64_t from = most(s->span[i].begin, begin), to = least(s->span[i].end, end);

		if (from < to)
			missing -= to - from;
	}
	return missing;
}

enum err spans_add(struct spans *s, uint64_t begin, uint64_t end)
{
	size_t first = 0, after;

	if (begin == end)
		return OK;
	/* Those that the new one touches, [first, after), melt into it. */
	while (first < s->count && s->span[first].end < begin)
		first++;
	for (after = first; after < s->count && s->span[after].begin <= end; after++) {
		begin = least(begin, s->span[after].begin);
		end = most(end, s->span[after].end);
	}
	if (s->count - (after - first) == SPANS_MAX)
		return ERR_LIMIT;
	memmove(&s->span[first + 1], &s->span[after], (s->count - after) * sizeof s->span[0]);
	s->span[first] = (struct span){begin, end};
	s->count = s->count - (after - first) + 1;
	return OK;
}

enum err spans_remove(struct spans *s, uint64_t begin, uint64_t end)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->span[i].begin != begin || s->span[i].end != end)
			continue;
		s->count--;
		memmove(&s->span[i], &s->span[i + 1], (s->count - i) * sizeof s->span[0]);
		return OK;
	}
	return ERR_RANGE;
}
