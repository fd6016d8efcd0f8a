/* SPDX-License-Identifier: Apache-2.0 */
/* A program that imports from words.c. Takes orders as arguments, one after the other. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM_WORDS(name) __attribute__((import_module("words"), import_name(name)))

FROM_WORDS("count") int words_count(void);
FROM_WORDS("mix") uint32_t words_mix(uint32_t x);
FROM_WORDS("work") uint32_t words_work(uint32_t rounds);
FROM_WORDS("say") uintptr_t words_say(void);
FROM_WORDS("fail") int words_fail(int how);

enum { ROUNDS = 3000000 };

static char decoys[1 << 16];

static uint32_t mix(uint32_t x)
{
	x ^= x << 13, x ^= x >> 17;
	return x ^ x << 5;
}

static uint32_t work(uint32_t rounds, uint32_t (*step)(uint32_t))
{
	uint32_t x = 1;

	while (rounds-- > 0)
		x = step(x);
	return x;
}

static void order(const char *what)
{
	if (strcmp(what, "count") == 0)
		printf("count %d\n", words_count());
	else if (strcmp(what, "say") == 0)
		printf("say %d\n", words_say() < sizeof decoys);
	else if (strcmp(what, "calls") == 0) /* each a call from one module into the other */
		printf("calls %d\n", work(ROUNDS, words_mix) == work(ROUNDS, mix));
	else if (strcmp(what, "work") == 0)
		printf("work %d\n", words_work(20 * ROUNDS) == work(20 * ROUNDS, mix));
	else
		printf("fail %d\n", words_fail(atoi(what)));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	memset(decoys, 'x', sizeof decoys);
	for (int i = 1; i < argc; i++)
		order(argv[i]);
	return 0;
}
