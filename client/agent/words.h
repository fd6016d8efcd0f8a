/* SPDX-License-Identifier: Apache-2.0 */
/* Words that somebody else chose, made fit for a terminal: control characters become '?', the length is bounded. */
#ifndef BROCH_AGENT_WORDS_H
#define BROCH_AGENT_WORDS_H

#include "lib/base/slice.h"

static inline void words_clean(struct slice text, char *out, size_t capacity)
{
	size_t n = 0;

	for (size_t i = 0; i < text.size && n + 1 < capacity; i++)
		out[n++] = text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : (char)text.data[i];
	out[n] = 0;
}

#endif
