/* SPDX-License-Identifier: Apache-2.0 */
/* port.h for tests of one translation unit: a clock that ticks, countable randomness, streams in memory. */
#ifndef BROCH_TEST_WASI_FAKE_PORT_H
#define BROCH_TEST_WASI_FAKE_PORT_H

#include "keep/wasi/port.h"

#include <string.h>

static struct {
	uint64_t now;            /* ns; one more with every look */
	uint8_t written[3][8192];
	size_t written_size[3];
	const char *input;       /* what is left of stdin */
	bool blocked;            /* port_readable says no until the clock is past unblock_at */
	uint64_t unblock_at;
	unsigned waits;
	enum err fail;           /* port_write, port_read and port_wait answer this */
} fake;

enum err port_write(enum port_stream s, const void *data, size_t size)
{
	size_t room = sizeof fake.written[s] - fake.written_size[s];

	if (size > room)
		size = room;
	memcpy(fake.written[s] + fake.written_size[s], data, size);
	fake.written_size[s] += size;
	return fake.fail;
}

enum err port_read(void *buffer, size_t capacity, size_t *got)
{
	size_t n = fake.input == NULL ? 0 : strlen(fake.input);

	*got = n < capacity ? n : capacity;
	if (*got > 0)
		memcpy(buffer, fake.input, *got);
	fake.input = fake.input == NULL ? NULL : fake.input + *got;
	return fake.fail;
}

bool port_readable(void)
{
	return !fake.blocked || fake.now >= fake.unblock_at;
}

enum err port_wait(bool want_stdin, uint64_t until)
{
	fake.waits++;
	if (want_stdin && fake.unblock_at < until)
		until = fake.unblock_at;
	if (until == UINT64_MAX)
		return ERR_STOPPED; /* it would be for ever */
	if (until > fake.now)
		fake.now = until;
	return fake.fail;
}

uint64_t port_monotonic_ns(void)
{
	return ++fake.now;
}

uint64_t port_wall_ns(void)
{
	return UINT64_C(1700000000000000000) + ++fake.now;
}

uint64_t port_cpu_ns(void)
{
	return ++fake.now;
}

enum err port_random(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)(0x5a + i);
	return fake.fail;
}

#endif
