/* SPDX-License-Identifier: Apache-2.0 */
/* Does a longjmp get through everything it may meet? Compared with the same program under real exception handling. */
#include "setjmp.h"

#include <stdio.h>

static jmp_buf outer, inner;
static int depth;

static long deep(int n, double d)
{
	if (n == 0)
		longjmp(inner, 7);
	return deep(n - 1, d * 2) + (long)d;
}

static int compare_throws(int a)
{
	if (a == 3)
		longjmp(outer, 3);
	return a;
}

static int through_pointer(int (*f)(int), int a)
{
	int sum = 0;

	for (int i = 0; i < a; i++)
		sum += f(i) * 10; /* through a table, in a loop, with values on the stack */
	return sum;
}

static int nested(void)
{
	volatile int phase = 0;
	int r = setjmp(inner);

	printf("inner %d phase %d\n", r, phase);
	if (r == 0) {
		phase = 1;
		printf("never: %ld\n", deep(20, 1.5));
	}
	phase += 10;
	if (phase < 30)
		longjmp(inner, phase);
	return phase;
}

int main(void)
{
	int r = setjmp(outer);

	printf("outer %d\n", r);
	switch (r) {
	case 0: longjmp(outer, 0); /* 0 arrives as 1 */
	case 1: printf("sum %d\n", through_pointer(compare_throws, 3)); printf("never %d\n", through_pointer(compare_throws, 9)); break;
	case 3: printf("nested %d\n", nested()); longjmp(outer, 4);
	default: break;
	}
	for (depth = 0; depth < 100000; depth++) /* nothing may pile up */
		if (setjmp(inner) == 0)
			deep(3, 0.5);
	printf("done %d\n", depth);
	return 42;
}
