/* SPDX-License-Identifier: Apache-2.0 */
/* Takes memory until it gets no more, touches all of it, and says how much it was: the limit must hold. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	size_t mib = 0;

	for (;;) {
		volatile char *p = malloc(1 << 20); /* volatile: or the compiler takes no memory at all, for ever */

		if (p == NULL)
			break;
		for (size_t i = 0; i < 1 << 20; i++)
			p[i] = 0x5a;
		mib++;
	}
	printf("%zu MiB\n", mib);
	return 0;
}
