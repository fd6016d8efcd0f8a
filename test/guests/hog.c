/* SPDX-License-Identifier: Apache-2.0 */
/* Takes memory until it gets no more, touches all of it, and says how much it was: the limit must hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	size_t mib = 0;

	for (;;) {
		char *p = malloc(1 << 20);

		if (p == NULL)
			break;
		memset(p, 0x5a, 1 << 20);
		mib++;
	}
	printf("%zu MiB\n", mib);
	return 0;
}
