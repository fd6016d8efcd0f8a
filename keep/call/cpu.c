/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/cpu.h"

#include "lib/base/ct.h"

#include <string.h>

/* Intel SDM vol. 2: RDTSC. */
uint64_t cpu_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* Intel SDM vol. 2: RDRAND and RDSEED set the carry flag when they delivered. */
static bool rdrand(uint64_t *out)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
	return ok;
}

static bool rdseed(uint64_t *out)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok));
	return ok;
}

/* Intel SDM vol. 2: CPUID. */
static void cpuid(uint32_t leaf, uint32_t regs[static 4])
{
	__asm__ volatile("cpuid" : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3]) : "a"(leaf), "c"(0));
}

struct sources {
	bool seed, rand;
};

/* CPUID traps in a VM and takes microseconds: it is asked once. */
static const struct sources *sources(void)
{
	static struct sources known;
	uint32_t zero[4], one[4], seven[4] = {0};

	if (known.seed || known.rand)
		return &known;
	cpuid(0, zero);
	cpuid(1, one);
	if (zero[0] >= 7)
		cpuid(7, seven);
	known = (struct sources){.seed = seven[1] >> 18 & 1, .rand = one[2] >> 30 & 1};
	return &known;
}

/* The manual asks for ten attempts at RDRAND; RDSEED may be drained by other cores, hence more, then RDRAND. */
static enum err word(const struct sources *s, uint64_t *out)
{
	enum { SEED_TRIES = 100, RAND_TRIES = 10 };

	for (int i = 0; s->seed && i < SEED_TRIES; i++) {
		if (rdseed(out))
			return OK;
		__asm__ volatile("pause");
	}
	for (int i = 0; s->rand && i < RAND_TRIES; i++)
		if (rdrand(out))
			return OK;
	return ERR_NO_RANDOM;
}

enum err cpu_random(void *out, size_t size)
{
	const struct sources *s = sources();
	uint8_t *at = out;
	enum err err = OK;
	uint64_t w = 0, last = 0;

	while (size > 0) {
		size_t n = size < sizeof w ? size : sizeof w;

		err = word(s, &w);
		if (err == OK && (w == last || w == 0 || w == UINT64_MAX))
			err = ERR_NO_RANDOM; /* stuck, as some CPUs were after sleep */
		if (err != OK)
			break;
		memcpy(at, &w, n);
		at += n;
		size -= n;
		last = w;
	}
	wipe(&w, sizeof w);
	wipe(&last, sizeof last);
	return err;
}
