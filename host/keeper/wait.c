/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAIT: the one place where a keeper sleeps. It wakes for the wanted channels, for the agent, for a session that the
 * Keep has not been told of, for the Keep's death, and for the time-out, whichever is first.
 */
#include "host/keeper/keeper.h"

#include <poll.h>
#include <string.h>
#include <time.h>

uint64_t keeper_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t watch_events(unsigned wanted)
{
	return (wanted & KEEPCALL_READABLE ? EPOLLIN : 0u) | (wanted & KEEPCALL_WRITABLE ? EPOLLOUT : 0u);
}

static uint16_t keep_events(unsigned seen)
{
	return (uint16_t)((seen & EPOLLIN ? KEEPCALL_READABLE : 0) | (seen & EPOLLOUT ? KEEPCALL_WRITABLE : 0) |
			  (seen & (EPOLLHUP | EPOLLERR) ? KEEPCALL_HANGUP : 0));
}

/*
 * The watcher knows the channels from one WAIT to the next, so that a thousand silent ones cost nothing: it is told what
 * changed. One that is not wanted any more it forgets when something comes of it (look). WATCHED: hang-ups are always
 * looked for.
 */
#define WATCHED EPOLLHUP

static void watch(struct keeper *k, uint32_t number, struct channel *ch, uint32_t events)
{
	struct epoll_event e = {.events = events | WATCHED, .data.u32 = number};

	if (ch->watched != e.events && epoll_ctl(k->watcher, ch->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, ch->fd, &e) == 0)
		ch->watched = e.events;
}

/* The listener of sessions has the descriptor -1, and so have sockets that are not there yet. */
static void arm(struct keeper *k, size_t count)
{
	k->waits++;
	for (size_t i = 0; i < count; i++) {
		const uint32_t number = k->wanted[i].channel;
		struct channel *ch = channels_find(&k->channels, number);
		uint32_t events = watch_events(k->wanted[i].wanted);

		if (ch->fd < 0)
			continue;
		if (ch->wanted_in == k->waits) /* it is there twice */
			events |= ch->watched;
		watch(k, number, ch, events);
		ch->wanted_in = k->waits;
	}
	k->opened = false;
}

/* What the watcher has to say, if anything. */
static void look(struct keeper *k)
{
	const int count = epoll_wait(k->watcher, k->events, ARRAY_COUNT(k->events), 0);

	k->sleeps++;
	for (int i = 0; i < count; i++) {
		struct channel *ch = &k->channels.channel[k->events[i].data.u32];

		if (ch->wanted_in == k->waits) {
			ch->seen = k->events[i].events;
			ch->seen_in = k->sleeps;
			continue;
		}
		(void)epoll_ctl(k->watcher, EPOLL_CTL_DEL, ch->fd, NULL);
		ch->watched = 0;
	}
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
	return true;
}

static uint16_t ready_events(struct keeper *k, const struct keepcall_poll *w)
{
	const struct channel *ch = channels_find(&k->channels, w->channel);
	const unsigned seen = ch->seen_in == k->sleeps ? ch->seen & (watch_events(w->wanted) | EPOLLHUP | EPOLLERR) : 0;

	if (ch->kind == CHANNEL_STREAM && ch->fd < 0) /* the host has no such socket */
		return (uint16_t)(w->wanted | KEEPCALL_HANGUP);
	if (ch->kind == CHANNEL_LISTENER && w->channel != KEEPCALL_SESSIONS) /* writable: it is there */
		return (uint16_t)(keep_events(seen) | (w->wanted & KEEPCALL_WRITABLE));
	if (w->channel != KEEPCALL_SESSIONS)
		return keep_events(seen);
	return k->channels.pending_count > 0 ? (uint16_t)(w->wanted & KEEPCALL_READABLE) : 0;
}

static size_t take_ready(struct keeper *k, size_t count)
{
	size_t ready = 0;

	for (size_t i = 0; i < count; i++) {
		k->wanted[i].ready = ready_events(k, &k->wanted[i]);
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
static bool sleep_once(struct keeper *k, uint64_t deadline)
{
	enum { WATCHER, AGENT, DEATH, FDS };
	struct pollfd fds[FDS] = {
		[WATCHER] = {.fd = k->watcher, .events = POLLIN},
		[AGENT] = {.fd = k->control, .events = POLLIN},
		[DEATH] = {.fd = k->backend->death == NULL ? -1 : k->backend->death(k->vmm), .events = POLLIN},
	};
	uint64_t now = keeper_now(), until = deadline;
	struct timespec t;

	if (k->linger_until != 0 && k->linger_until < until)
		until = k->linger_until;
	until = until > now ? until - now : 0;
	t = (struct timespec){.tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000)};
	if (ppoll(fds, FDS, &t, NULL) < 0)
		for (size_t i = 0; i < FDS; i++)
			fds[i].revents = 0; /* EINTR, or no memory for a moment */
	look(k);
	keeper_tick(k);
	if (fds[AGENT].revents != 0)
		keeper_listen(k);
	return deadline > now && fds[DEATH].revents == 0;
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
		more = sleep_once(k, session_news(k, count) ? 0 : deadline) && !session_news(k, count);
		ready = take_ready(k, count);
		if (k->opened)
			arm(k, count);
	}
	k->noticed = k->channels.arrivals;
	memcpy(k->shared + KEEPCALL_IN_OFFSET, k->wanted, count * sizeof k->wanted[0]);
	return (struct answer){.status = KEEPCALL_OK, .ret = {ready}};
}
