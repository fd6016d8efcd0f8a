/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

__attribute__((noinline)) static uint32_t fib(uint32_t n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t kernel(uint32_t n)
{
	return fib(n);
}
