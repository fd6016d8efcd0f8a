/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Keep that takes one session and obeys it byte by byte: for tests and measurements of a keeper from outside.
 *   p answers p                       v answers the size of evidence over 64 zeros (8 bytes)
 *   c rings TIME CALLS times, answers the cycles that took (8 bytes)
 *   r answers with BULK bytes         w takes BULK bytes, answers w
 *   g grows the heap by 1 MiB steps until refused, answers how many (8 bytes)
 *   l loops for ever    n faults    x exits    t waits until another session attaches, then answers t
 */
#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "keep/run/keep.h"

enum { BUFFER = 64 * 1024, CALLS = 10000 };
#define BULK (UINT64_C(256) << 20)

static uint32_t channel;
static uint8_t buffer[BUFFER];

static void done(enum keepcall_exit code)
{
	call_exit(code, 0, 0);
}

static void wait_for(uint32_t on, enum keepcall_poll_events events)
{
	struct keepcall_poll p = {.channel = on, .wanted = (uint16_t)events};
	size_t ready;

	if (call_wait(&p, 1, KEEPCALL_FOREVER, &ready) != OK)
		done(KEEPCALL_EXIT_FATAL);
}

static size_t receive(size_t most)
{
	size_t got = 0;
	enum err err;

	while ((err = call_receive(channel, buffer, most, &got)) == ERR_AGAIN)
		wait_for(channel, KEEPCALL_READABLE);
	if (err != OK)
		done(KEEPCALL_EXIT_DONE);
	return got;
}

static void answer(const void *data, size_t size)
{
	struct slice left = slice_of(data, size);

	while (left.size > 0) {
		size_t sent = 0;
		enum err err = call_send(channel, left, &sent);

		if (err == ERR_AGAIN)
			wait_for(channel, KEEPCALL_WRITABLE);
		else if (err != OK)
			done(KEEPCALL_EXIT_DONE);
		left = slice_of(left.data + sent, left.size - sent);
	}
}

static void evidence(void)
{
	static uint8_t zeros[64], out[KEEPCALL_EVIDENCE_MAX];
	size_t size = 0;
	uint64_t told;

	if (call_evidence(zeros, out, sizeof out, &size) != OK)
		size = 0;
	told = size;
	answer(&told, sizeof told);
}

static void measure_calls(void)
{
	uint64_t before = cpu_tsc(), took, ignored;

	for (unsigned i = 0; i < CALLS; i++)
		if (call_time(&ignored) != OK)
			done(KEEPCALL_EXIT_FATAL);
	took = cpu_tsc() - before;
	answer(&took, sizeof took);
}

static void grow_until_refused(void)
{
	const uint64_t step = UINT64_C(1) << 20;
	uint64_t steps = 0;

	while (call_grow(BOOT_HEAP_VA + steps * step, step) == OK)
		steps++;
	answer(&steps, sizeof steps);
}

static void obey(uint8_t order)
{
	static uint8_t *volatile nowhere; /* NULL, but the compiler does not know */

	switch (order) {
	case 'p': answer("p", 1); break;
	case 'v': evidence(); break;
	case 'c': measure_calls(); break;
	case 'r':
		for (uint64_t left = BULK; left > 0; left -= sizeof buffer)
			answer(buffer, sizeof buffer);
		break;
	case 'w':
		for (uint64_t left = BULK; left > 0;)
			left -= receive(left < sizeof buffer ? (size_t)left : sizeof buffer);
		answer("w", 1);
		break;
	case 'g': grow_until_refused(); break;
	case 'l':
		for (;;)
			__asm__ volatile("pause");
	case 'n': *nowhere = 1; break;
	case 't':
		while (call_attention() == 0)
			__asm__ volatile("pause");
		answer("t", 1);
		break;
	default: done(KEEPCALL_EXIT_DONE);
	}
}

void keep_main(const struct boot_info *boot)
{
	(void)boot;
	while (call_accept(KEEPCALL_SESSIONS, &channel) == ERR_AGAIN)
		wait_for(KEEPCALL_SESSIONS, KEEPCALL_READABLE);
	for (;;) {
		receive(1);
		obey(buffer[0]);
	}
}
