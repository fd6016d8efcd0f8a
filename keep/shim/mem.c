/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library functions a compiler may call by itself, and the checked ones of code compiled with _FORTIFY_SOURCE.
 * Small sizes are done with two overlapping moves; the rest by the string instructions, which modern CPUs make fast.
 */
#include "lib/base/err.h"

#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *to, int c, size_t n, size_t room);

/* Unaligned words: a fixed-size builtin becomes one instruction. */
static ALWAYS_INLINE uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return v;
}

static ALWAYS_INLINE void store8(uint8_t *p, uint64_t v)
{
	__builtin_memcpy(p, &v, sizeof v);
}

static ALWAYS_INLINE uint32_t load4(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return v;
}

static ALWAYS_INLINE void store4(uint8_t *p, uint32_t v)
{
	__builtin_memcpy(p, &v, sizeof v);
}

/* n <= 16; everything is loaded before anything is stored, so overlap does not matter. */
static ALWAYS_INLINE void move_small(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= 8) {
		uint64_t a = load8(s), b = load8(s + n - 8);

		store8(d, a);
		store8(d + n - 8, b);
	} else if (n >= 4) {
		uint32_t a = load4(s), b = load4(s + n - 4);

		store4(d, a);
		store4(d + n - 4, b);
	} else if (n > 0) {
		uint8_t a = s[0], b = s[n / 2], c = s[n - 1];

		d[0] = a;
		d[n / 2] = b;
		d[n - 1] = c;
	}
}

static ALWAYS_INLINE void copy_up(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n <= 16) {
		move_small(d, s, n);
	} else if (n <= 32) {
		uint64_t a = load8(s), b = load8(s + 8), c = load8(s + n - 16), e = load8(s + n - 8);

		store8(d, a);
		store8(d + 8, b);
		store8(d + n - 16, c);
		store8(d + n - 8, e);
	} else {
		/* Intel SDM vol. 2: REP MOVSB. */
		__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	}
}

/* n > 16 and d inside (s, s + n): from the end. The last words go first, so each is read before it is overwritten. */
static void copy_down(uint8_t *d, const uint8_t *s, size_t n)
{
	while (n >= 8) {
		n -= 8;
		store8(d + n, load8(s + n));
		__asm__ volatile("" : : : "memory"); /* or the compiler sees memmove and calls it */
	}
	while (n > 0) {
		n--;
		d[n] = s[n];
		__asm__ volatile("" : : : "memory");
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (n <= 16 || (uintptr_t)d - (uintptr_t)s >= n)
		copy_up(d, s, n);
	else
		copy_down(d, s, n);
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint8_t *d = to;
	const uint64_t word = UINT64_C(0x0101010101010101) * (uint8_t)c;

	if (n > 16) {
		/* Intel SDM vol. 2: REP STOSB. */
		__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	} else if (n >= 8) {
		store8(d, word);
		store8(d + n - 8, word);
	} else if (n >= 4) {
		store4(d, (uint32_t)word);
		store4(d + n - 4, (uint32_t)word);
	} else if (n > 0) {
		d[0] = (uint8_t)c;
		d[n / 2] = (uint8_t)c;
		d[n - 1] = (uint8_t)c;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	size_t i = 0;

	while (n - i >= 8 && load8(x + i) == load8(y + i))
		i += 8;
	for (; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != 0) {
		n++;
		__asm__ volatile("" : : : "memory"); /* or the compiler sees strlen and calls it */
	}
	return n;
}

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	CHECK(n <= room);
	return memcpy(to, from, n);
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	CHECK(n <= room);
	return memmove(to, from, n);
}

void *__memset_chk(void *to, int c, size_t n, size_t room)
{
	CHECK(n <= room);
	return memset(to, c, n);
}
