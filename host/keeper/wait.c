/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAIT: the one place where a keeper sleeps. It wakes for the wanted channels, for the agent, for a session that the
 * Keep has not been told of, for the Keep's death, and for the time-out, whichever is first.
 */
#include "host/keeper/keeper.h"

#include <errno.h>
#include <string.h>
#include <time.h>

uint64_t keeper_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static short poll_events(unsigned wanted)
{
	return (short)((wanted & KEEPCALL_READABLE ? POLLIN : 0) | (wanted & KEEPCALL_WRITABLE ? POLLOUT : 0));
}

static uint16_t keep_events(unsigned polled)
{
	return (uint16_t)((polled & POLLIN ? KEEPCALL_READABLE : 0) | (polled & POLLOUT ? KEEPCALL_WRITABLE : 0) |
			  (polled & (POLLHUP | POLLERR) ? KEEPCALL_HANGUP : 0));
}

/* The listener of sessions has the descriptor -1, which poll passes over; so have sockets that are not there yet. */
static void arm(struct keeper *k, size_t count)
{
	for (size_t i = 0; i < count; i++)
		k->polled[i] = (struct pollfd){.fd = channels_find(&k->channels, k->wanted[i].channel)->fd,
		                               .events = poll_events(k->wanted[i].wanted)};
	k->opened = false;
}

/* Copies and checks what the Keep wants. */
static bool take_wanted(struct keeper *k, size_t count)
{
	const unsigned known = KEEPCALL_READABLE | KEEPCALL_WRITABLE | KEEPCALL_HANGUP;

	memcpy(k->wanted, k->shared + KEEPCALL_OUT_OFFSET, count * sizeof k->wanted[0]);
	for (size_t i = 0; i < count; i++) {
		const struct keepcall_poll *w = &k->wanted[i];
		const struct channel *ch = channels_find(&k->channels, w->channel);

		if (ch == NULL || (w->wanted & ~known) != 0)
			return false;
	}
	arm(k, count);
	k->polled[count] = (struct pollfd){.fd = k->control, .events = POLLIN};
	k->polled[count + 1] = (struct pollfd){.fd = k->backend->death == NULL ? -1 : k->backend->death(k->vmm), .events = POLLIN};
	return true;
}

static uint16_t ready_events(struct keeper *k, const struct keepcall_poll *w, const struct pollfd *p)
{
	const struct channel *ch = channels_find(&k->channels, w->channel);

	if (ch->kind == CHANNEL_STREAM && ch->fd < 0) /* the host has no such socket */
		return (uint16_t)(w->wanted | KEEPCALL_HANGUP);
	if (ch->kind == CHANNEL_LISTENER && w->channel != KEEPCALL_SESSIONS) /* writable: it is there */
		return (uint16_t)(keep_events((unsigned)p->revents) | (w->wanted & KEEPCALL_WRITABLE));
	if (w->channel != KEEPCALL_SESSIONS)
		return keep_events((unsigned)p->revents);
	return k->channels.pending_count > 0 ? (uint16_t)(w->wanted & KEEPCALL_READABLE) : 0;
}

static size_t take_ready(struct keeper *k, size_t count)
{
	size_t ready = 0;

	for (size_t i = 0; i < count; i++) {
		k->wanted[i].ready = ready_events(k, &k->wanted[i], &k->polled[i]);
		ready += k->wanted[i].ready != 0;
	}
	return ready;
}

/* Does a session wait, that the Keep either asked for now or has not been woken for yet? */
static bool session_news(struct keeper *k, size_t count)
{
	if (k->noticed != k->channels.arrivals)
		return true;
	for (size_t i = 0; i < count; i++)
		if (k->wanted[i].channel == KEEPCALL_SESSIONS && k->channels.pending_count > 0 &&
		    (k->wanted[i].wanted & KEEPCALL_READABLE) != 0)
			return true;
	return false;
}

static uint64_t deadline_of(uint64_t timeout_ns, uint64_t now)
{
	uint64_t deadline;

	return add_overflows(now, timeout_ns, &deadline) ? UINT64_MAX : deadline;
}

/* One sleep, at most until the deadline. False: it is past, or nobody is left to wait for. */
static bool sleep_once(struct keeper *k, size_t count, uint64_t deadline)
{
	uint64_t now = keeper_now(), until = deadline;
	struct timespec t;

	if (k->linger_until != 0 && k->linger_until < until)
		until = k->linger_until;
	until = until > now ? until - now : 0;
	t = (struct timespec){.tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000)};
	if (ppoll(k->polled, count + 2, &t, NULL) < 0)
		for (size_t i = 0; i < count + 2; i++)
			k->polled[i].revents = 0; /* EINTR, or no memory for a moment */
	keeper_tick(k);
	if (k->polled[count].revents != 0)
		keeper_listen(k);
	return deadline > now && k->polled[count + 1].revents == 0;
}

struct answer keeper_wait(struct keeper *k, const struct request *r)
{
	uint64_t deadline;
	size_t ready = 0, count = (size_t)r->arg[0];
	bool more = true;

	if (r->arg[0] > KEEPCALL_POLL_MAX || !take_wanted(k, count))
		return (struct answer){.status = KEEPCALL_INVALID};
	deadline = deadline_of(r->arg[1], keeper_now());
	while (!k->over && ready == 0 && more) {
		more = sleep_once(k, count, session_news(k, count) ? 0 : deadline) && !session_news(k, count);
		ready = take_ready(k, count);
		if (k->opened)
			arm(k, count);
	}
	k->noticed = k->channels.arrivals;
	memcpy(k->shared + KEEPCALL_IN_OFFSET, k->wanted, count * sizeof k->wanted[0]);
	return (struct answer){.status = KEEPCALL_OK, .ret = {ready}};
}
