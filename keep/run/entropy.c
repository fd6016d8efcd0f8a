/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two doors through which BearSSL would reach for an operating system are closed here: its source of randomness becomes
 * the CPU, and its clock is none, since lib/tls always says what time it is. They stand beside a function that
 * everybody calls who opens a connection, so that the linker takes this file before it looks into the library.
 */
#include "keep/run/entropy.h"

#include "keep/call/cpu.h"
#include "lib/base/ct.h"

enum err entropy_for_tls(uint8_t out[static TLS_ENTROPY_SIZE])
{
	return cpu_random(out, TLS_ENTROPY_SIZE);
}

static int seed(const br_prng_class **prng)
{
	uint8_t bytes[TLS_ENTROPY_SIZE];
	const bool good = cpu_random(bytes, sizeof bytes) == OK;

	if (good)
		(*prng)->update(prng, bytes, sizeof bytes);
	wipe(bytes, sizeof bytes);
	return good;
}

br_prng_seeder br_prng_seeder_system(const char **name)
{
	if (name != NULL)
		*name = "CPU";
	return seed;
}

#ifdef BROCH_KEEP
/* Declared by no header that a Keep has. */
long time(long *out);
long time(long *out)
{
	(void)out;
	check_failed("the library asks for the time", __FILE__, __LINE__);
}
#endif
