/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Signal handlers have no argument, so this is the one place of the client with state of its own. */
static int event_fd = -1;
static volatile sig_atomic_t count, last;

static void on_signal(int signal)
{
	int saved = errno;
	uint64_t one = 1;

	last = signal;
	count++;
	if (write(event_fd, &one, sizeof one) < 0) {
		/* the counter is full: it is readable already */
	}
	errno = saved;
}

enum err interrupt_begin(struct note *n)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction catch = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN}, old;

	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event_fd < 0)
		return refuse(n, ERR_IO, "making an event descriptor: %s", strerror(errno));
	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
		/* After nohup a hang-up stays ignored. Shells let background jobs ignore SIGINT as well, but who sends it to us
		 * means it. No SA_RESTART: a write that waits must return. */
		if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &catch, NULL);
	}
	return OK;
}

int interrupt_fd(void)
{
	return event_fd;
}

unsigned interrupt_count(void)
{
	return (unsigned)count;
}

int interrupt_signal(void)
{
	return last;
}

void interrupt_seen(void)
{
	uint64_t counter;

	if (read(event_fd, &counter, sizeof counter) < 0) {
		/* nothing was there */
	}
}
