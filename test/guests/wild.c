/* SPDX-License-Identifier: Apache-2.0 */
/* Computes for long enough to be compiled, then reads where there is no memory: a trap, and not the Keep's end. */
#include <stdint.h>
#include <stdio.h>

enum { ROUNDS = 20000000 };

int main(void)
{
	volatile int *wild = (int *)(uintptr_t)0xfffffff0;
	volatile unsigned sum = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		sum += i;
	printf("%u\n", sum);
	fflush(stdout);
	return *wild;
}
