/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/restart.h"

#include "keep/call/call.h"
#include "keep/run/port.h"
#include "keep/run/serve.h"
#include "keep/run/workload.h"
#include "keep/wasi/port.h"

#define MILLISECOND UINT64_C(1000000)

static bool failed(const struct msg_exit *end)
{
	return end->end == WORKLOAD_TRAPPED || (end->end == WORKLOAD_EXITED && end->code != 0);
}

static bool wanted(const struct keep *k, const struct msg_exit *end, uint64_t restarts)
{
	const uint64_t when = k->delivery.manifest.restart.when;

	if (k->stop != OK || restarts >= k->delivery.manifest.restart.times)
		return false;
	if (when == RESTART_ALWAYS)
		return failed(end) || end->end == WORKLOAD_EXITED;
	return when == RESTART_ON_FAILURE && failed(end);
}

/* Twice the last one, at most the longest. */
static uint64_t next_pause(const struct keep *k, uint64_t pause)
{
	const uint64_t most = k->delivery.manifest.restart.pause_max_ns;

	return pause > most / 2 ? most : 2 * pause;
}

/* The owner reads it among the program's errors, and in its logs. */
static enum err announce(const struct keep *k, const struct msg_exit *end, uint64_t number, uint64_t pause)
{
	struct note how = {{0}}, line = {{0}};

	if (end->end == WORKLOAD_EXITED)
		note_set(&how, "exited with status %u", (unsigned)end->code);
	else
		note_set(&how, "trapped: %s", k->end_note.text);
	if (strlen(how.text) > NOTE_MAX - 100)
		how.text[NOTE_MAX - 100] = 0; /* what follows has to be there */
	note_set(&line, "[broch: the program %s; restart %llu of %llu in %llu ms]\n", how.text, (unsigned long long)number,
	         (unsigned long long)k->delivery.manifest.restart.times, (unsigned long long)(pause / MILLISECOND));
	return port_write(PORT_STDERR, line.text, strlen(line.text));
}

/* An error: the program has to stop meanwhile. */
static enum err wait_for_next(struct keep *k, const struct msg_exit *end, uint64_t number, uint64_t pause)
{
	TRY(announce(k, end, number, pause));
	TRY(port_wait(false, clock_add(clock_monotonic(&k->clock), pause)));
	return keep_must_stop(k);
}

static void stopped(struct keep *k, struct msg_exit *end)
{
	end->end = k->stop == ERR_LIMIT ? WORKLOAD_LIMIT : WORKLOAD_STOPPED;
	end->code = 0;
	k->end_note = k->stop_note;
	end->message = slice_text(k->end_note.text);
}

void restart_run(struct keep *k, struct msg_exit *end)
{
	const struct memory_mark mark = memory_mark(&k->memory);
	uint64_t pause = k->delivery.manifest.restart.pause_ns;

	workload_run(k, end);
	for (uint64_t number = 1; wanted(k, end, number - 1); number++) {
		if (wait_for_next(k, end, number, pause) != OK) {
			stopped(k, end);
			return;
		}
		memory_return(&k->memory, &mark);
		call_tell_restarts((uint32_t)number);
		workload_run(k, end);
		pause = next_pause(k, pause);
	}
}
