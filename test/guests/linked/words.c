/* SPDX-License-Identifier: Apache-2.0 */
/* A library for uses.c: it has state, a memory and standard streams of its own, and ways to fail. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

static int calls, begun;
static char text[64] = "words of the library";

__attribute__((constructor)) static void begin(void)
{
	begun++;
}

/* How often it was begun, and asked this. */
EXPORT("count") int words_count(void)
{
	return 1000 * begun + ++calls;
}

EXPORT("mix") uint32_t words_mix(uint32_t x)
{
	x ^= x << 13, x ^= x >> 17;
	return x ^ x << 5;
}

/* Long enough to be compiled meanwhile. */
EXPORT("work") uint32_t words_work(uint32_t rounds)
{
	volatile uint32_t x = 1;

	while (rounds-- > 0)
		x = words_mix(x);
	return x;
}

/* Where the text stands is of no use to the caller: its memory is another one. */
EXPORT("say") uintptr_t words_say(void)
{
	puts(text);
	fflush(stdout);
	return (uintptr_t)text;
}

EXPORT("fail") int words_fail(int how)
{
	volatile int *wild = (int *)(uintptr_t)0xfffffff0;
	volatile int zero = how - 2;

	if (how == 0)
		exit(5);
	return how == 1 ? *wild : 100 / zero;
}
