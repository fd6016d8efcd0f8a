/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where compiler extensions are named; everything else in Broch is plain C17. */
#ifndef BROCH_BASE_ATTR_H
#define BROCH_BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define TARGET(isa) __attribute__((target(isa)))
/*
 * Calls code that was made at run time: a sanitizer would look for a type in front of it, where there may be no memory.
 * UNCOUNTED: a fuzzer does not look at which ways are taken here.
 */
#ifdef __clang__
#define CALLS_MADE_CODE __attribute__((no_sanitize("function")))
#define UNCOUNTED       __attribute__((no_sanitize("coverage")))
#else
#define CALLS_MADE_CODE
#define UNCOUNTED
#endif
#define SECTION(name) __attribute__((section(name)))
#define UNUSED __attribute__((unused))
#define USED __attribute__((used))
#define FALLTHROUGH __attribute__((fallthrough))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Each is true when the exact result does not fit; *out then holds the wrapped value, which no caller may use. */
#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define sub_overflows(a, b, out) __builtin_sub_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)

/* A copy of a small constant size: loads and stores also in the Keep, where memcpy is an ordinary function. */
#define copy_small(to, from, size) __builtin_memcpy(to, from, size)

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
