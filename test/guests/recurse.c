/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion without end that uses the engine's own stack only: a trap, not a crash. */
#include <stdio.h>

static unsigned deeper(unsigned n) __attribute__((noinline));

static unsigned deeper(unsigned n)
{
	unsigned below = n == 0 ? 0 : deeper(n + 1);

	__asm__ volatile("" : "+r"(below)); /* not a loop in disguise */
	return below ^ n;
}

int main(int argc, char **argv)
{
	(void)argv;
	printf("%u\n", deeper((unsigned)argc));
	return 0;
}
