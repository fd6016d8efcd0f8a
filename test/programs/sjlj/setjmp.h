/* SPDX-License-Identifier: Apache-2.0 */
/* wasi-libc has no <setjmp.h>. clang's -wasm-enable-sjlj turns calls of these two into calls of setjmp.c's functions. */
#ifndef BROCH_TEST_SETJMP_H
#define BROCH_TEST_SETJMP_H

typedef struct {
	void *invocation; /* of the function that called setjmp */
	unsigned label;   /* which setjmp in it */
	struct {
		void *env;
		int value;
	} thrown;
} jmp_buf[1];

int setjmp(jmp_buf env) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf env, int value);

#endif
