/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/ct.h"

#include <string.h>

bool ct_equal(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < size; i++)
		diff = (uint8_t)(diff | (x[i] ^ y[i]));
	return diff == 0;
}

void wipe(void *p, size_t size)
{
	/* The pointer to memset is volatile, so the call cannot be proved dead. */
	static void *(*const volatile fill)(void *, int, size_t) = memset;

	if (size > 0)
		fill(p, 0, size);
}
