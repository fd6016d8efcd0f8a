/* SPDX-License-Identifier: Apache-2.0 */
/* What clang 19 calls for setjmp and longjmp; the names and the layout of `thrown` are its. */
#include "setjmp.h"

enum { TAG_LONGJMP = 1 };

void __wasm_setjmp(void *env, unsigned label, void *invocation);
void __wasm_setjmp(void *env, unsigned label, void *invocation)
{
	jmp_buf *b = env;

	(*b)->invocation = invocation;
	(*b)->label = label;
}

unsigned __wasm_setjmp_test(void *env, void *invocation);
unsigned __wasm_setjmp_test(void *env, void *invocation)
{
	jmp_buf *b = env;

	return (*b)->invocation == invocation ? (*b)->label : 0;
}

_Noreturn void __wasm_longjmp(void *env, int value);
_Noreturn void __wasm_longjmp(void *env, int value)
{
	jmp_buf *b = env;

	(*b)->thrown.env = env;
	(*b)->thrown.value = value == 0 ? 1 : value;
	__builtin_wasm_throw(TAG_LONGJMP, &(*b)->thrown);
}
