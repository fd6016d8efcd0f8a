/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one Keep: run, serve, listen to the agent, end. */
#include "host/keeper/keeper.h"

#include "host/keeper/report.h"
#include "sys/fdpass.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

void keeper_end(struct keeper *k, enum control_type type, uint32_t code, uint64_t a, uint64_t b, const char *text)
{
	if (k->over)
		return;
	k->over = true;
	control_report(k->control, type, code, a, b, text);
}

/* The Keep notices at its next look, or by its WAIT ending. */
static void attach(struct keeper *k, int fd)
{
	struct keepcall_page *page = (struct keepcall_page *)(void *)k->shared;

	if (channels_offer(&k->channels, fd) != OK)
		return; /* closed: its other end sees that */
	k->linger_until = 0;
	__atomic_store_n(&page->attention, KEEPCALL_ATTENTION_SESSION, __ATOMIC_RELEASE);
}

static void obey(struct keeper *k, const struct control *m, int fd)
{
	switch (m->type) {
	case CONTROL_ATTACH: attach(k, fd); return;
	case CONTROL_OPENED: k->opened |= channels_opened(&k->channels, m, fd); return;
	case CONTROL_STOP: keeper_end(k, CONTROL_EXITED, KEEPCALL_EXIT_DONE, 0, 0, "stopped"); break;
	default: keeper_end(k, CONTROL_DIED, 0, 0, 0, "the host agent sent a control packet of an unknown type"); break;
	}
	fd_close(&fd);
}

void keeper_listen(struct keeper *k)
{
	while (!k->over) {
		struct control m;
		int fd;
		enum err err = fdpass_receive(k->control, &m, sizeof m, &fd);

		if (err == ERR_AGAIN)
			return;
		if (err == OK)
			obey(k, &m, fd);
		else if (err == ERR_FORMAT)
			keeper_end(k, CONTROL_DIED, 0, 0, 0, "the host agent sent a malformed control packet");
		else
			k->over = true; /* the agent is gone: there is nobody to tell */
	}
}

/* ---- signals: they only kick, the work is done outside ---- */

static const struct keeper *kicked;
static volatile sig_atomic_t timer_rang;

static void on_signal(int signal)
{
	if (signal == SIGALRM)
		timer_rang = 1;
	if (kicked->vmm != NULL)
		kicked->backend->kick(kicked->vmm);
}

static void set_timer(struct keeper *k)
{
	const struct itimerval second = {.it_value.tv_sec = 1};

	if (!k->timer_set && setitimer(ITIMER_REAL, &second, NULL) == 0)
		k->timer_set = true;
}

static uint64_t memory_of(const struct keeper *k)
{
	return k->backend->memory == NULL ? 0 : k->backend->memory(k->vmm);
}

/* The Keep's own word. */
static uint32_t restarts_of(const struct keeper *k)
{
	const struct keepcall_page *page = (const struct keepcall_page *)(const void *)k->shared;

	return __atomic_load_n(&page->restarts, __ATOMIC_RELAXED);
}

void keeper_tick(struct keeper *k)
{
	if (timer_rang) {
		timer_rang = 0;
		k->timer_set = false;
	}
	if (!k->timer_set && k->usage_told != k->calls) {
		k->usage_told = k->calls;
		control_report(k->control, CONTROL_USAGE, restarts_of(k), memory_of(k), k->calls, NULL);
	}
	if (k->linger_until != 0 && keeper_now() >= k->linger_until)
		keeper_end(k, CONTROL_EXITED, KEEPCALL_EXIT_DONE, 0, 0, "no client came");
}

/* Packets of the agent raise SIGIO. The owner is set late: after the user was changed. */
bool keeper_watch(struct keeper *k)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int flags = fcntl(k->control, F_GETFL);

	kicked = k;
	k->watcher = epoll_create1(EPOLL_CLOEXEC);
	return k->watcher >= 0 && sigaction(SIGIO, &action, NULL) == 0 && sigaction(SIGALRM, &action, NULL) == 0 && flags >= 0 &&
	       fcntl(k->control, F_SETOWN, getpid()) == 0 && fcntl(k->control, F_SETFL, flags | O_ASYNC) == 0;
}

static void step(struct keeper *k)
{
	struct note n = {0};
	enum vmm_event event;

	set_timer(k);
	if (k->backend->run(k->vmm, &event, &n) != OK)
		event = VMM_DIED;
	switch (event) {
	case VMM_CALL: keeper_serve(k); break;
	case VMM_KICKED:
		keeper_tick(k);
		keeper_listen(k);
		break;
	case VMM_DIED: keeper_end(k, CONTROL_DIED, 0, 0, 0, n.text); break;
	}
}

void keeper_run(struct keeper *k)
{
	k->shared = k->backend->shared(k->vmm);
	channels_init(&k->channels, k->watcher);
	k->linger_until = k->linger_ns == 0 ? 0 : keeper_now() + k->linger_ns;
	keeper_listen(k); /* what came before anybody watched */
	while (!k->over)
		step(k);
	channels_close_all(&k->channels);
}
