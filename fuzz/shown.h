/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is shown can be printed, whatever the input said. */
#ifndef BROCH_FUZZ_SHOWN_H
#define BROCH_FUZZ_SHOWN_H

#include "lib/base/err.h"

#include <string.h>

/* Not counted for the fuzzer: the texts are many, and how long they are says nothing new. */
__attribute__((no_sanitize("coverage"))) static inline void shown(const char *text, size_t room)
{
	const size_t size = strnlen(text, room);
	bool good = size < room;

	for (size_t i = 0; i < size; i++)
		good &= text[i] >= 0x20 && text[i] <= 0x7e;
	CHECK(good);
}

#endif
