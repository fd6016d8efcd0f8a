/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion without end: a trap, not a crash. */
#include <stdio.h>

static int deeper(volatile int *p)
{
	volatile int here = *p + 1;

	return deeper(&here) + here;
}

int main(void)
{
	volatile int zero = 0;

	printf("%d\n", deeper(&zero));
	return 0;
}
