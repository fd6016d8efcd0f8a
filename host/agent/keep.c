/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/keep.h"
#include "host/agent/keep_impl.h"
#include "host/agent/record.h"
#include "host/agent/spawn.h"
#include "abi/keepcall.h"
#include "sys/clock.h"
#include "sys/fdpass.h"
#include "sys/file.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PACKETS_A_TURN = 16, /* a chatty keeper must not starve the others */
	LINES_MAX = 20,      /* of a keeper's standard error that go to the log */
	LAST_WORD_MS = 1000, /* from its last word, or from closing the control socket, to the end of the process */
};

const char *const keep_state_names[KEEP_STATE_COUNT] = {
#define S(name, label) label,
        KEEP_STATES(S)
#undef S
};

static void drain(struct keep *k, size_t most);

bool keep_ended(const struct keep *k)
{
	return k->state == KEEP_EXITED || k->state == KEEP_FAILED;
}

/* ---- time ---- */

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct keep *k = ctx;

	(void)fd;
	(void)what;
	k->on_time(k);
}

/* One deadline at a time: each state has its own. ms 0: none. */
static void arm(struct keep *k, uint64_t ms, void (*on_time)(struct keep *k))
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	k->on_time = on_time;
	evtimer_del(k->timer);
	if (ms > 0)
		evtimer_add(k->timer, &tv);
}

static void kill_keeper(struct keep *k)
{
	k->killed = true;
	if (k->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, k->pidfd, SIGKILL, NULL, 0);
}

/* Sets why it ends; what was said first holds. */
PRINTF_LIKE(3, 4) static void blame(struct keep *k, enum end_reason reason, const char *fmt, ...)
{
	va_list args;

	if (k->reason != END_NONE)
		return;
	k->reason = reason;
	if (reason == END_DIED || reason == END_FAILED)
		k->all->kvm_known = 0; /* perhaps it is no longer true */
	va_start(args, fmt);
	vsnprintf(k->end, sizeof k->end, fmt, args);
	va_end(args);
	text_clean(k->end);
}

static void on_start_late(struct keep *k)
{
	blame(k, END_FAILED, "the Keep did not start within %u s", k->all->config.start_s);
	kill_keeper(k);
}

static void on_unclaimed(struct keep *k)
{
	blame(k, END_UNCLAIMED, "no client came within %u s", k->all->config.claim_s);
	keep_stop(k);
}

static void on_patience_over(struct keep *k)
{
	kill_keeper(k);
}

static void on_lingered(struct keep *k)
{
	keep_forget(k);
}

static void violation(struct keep *k, const char *what)
{
	blame(k, END_BROKEN, "the keeper broke the protocol (%s) and was killed", what);
	kill_keeper(k);
}

/* ---- events ---- */

void keep_say(struct keep *k, const char *event, const char *fmt, ...)
{
	struct keep_event *e = &k->events[k->event_count++ % KEEP_EVENTS_MAX];
	struct keep_follower *f, *next;
	va_list args;

	*e = (struct keep_event){.time_ms = clock_wall_ms(), .event = event};
	va_start(args, fmt);
	vsnprintf(e->detail, sizeof e->detail, fmt, args);
	va_end(args);
	text_clean(e->detail);
	LOG(k->all->log, LOG_AT_INFO, "keep", log_s("id", k->id), log_s("what", event), log_s("client", k->client),
	    log_s("detail", e->detail), log_n("pid", (uint64_t)k->pid));
	for (f = TAILQ_FIRST(&k->followers); f != NULL; f = next) {
		next = TAILQ_NEXT(f, link);
		f->tell(f, e);
	}
}

static void end_followers(struct keep *k)
{
	struct keep_follower *f;

	while ((f = TAILQ_FIRST(&k->followers)) != NULL) {
		keep_unfollow(f);
		f->tell(f, NULL);
	}
}

static void wake(struct keep *k, bool all)
{
	struct keep_waiter *w, *next;

	for (w = TAILQ_FIRST(&k->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!all && !w->start)
			continue;
		keep_unwait(w);
		w->done(w, k);
	}
}

void keep_wait(struct keep *k, struct keep_waiter *w)
{
	w->keep = k;
	TAILQ_INSERT_TAIL(&k->waiters, w, link);
}

void keep_unwait(struct keep_waiter *w)
{
	if (w->keep != NULL)
		TAILQ_REMOVE(&w->keep->waiters, w, link);
	w->keep = NULL;
}

void keep_follow(struct keep *k, struct keep_follower *f)
{
	f->keep = k;
	TAILQ_INSERT_TAIL(&k->followers, f, link);
}

void keep_unfollow(struct keep_follower *f)
{
	if (f->keep != NULL)
		TAILQ_REMOVE(&f->keep->followers, f, link);
	f->keep = NULL;
}

/* ---- what the keeper says ---- */

static void on_loaded(struct keep *k, const struct control *c)
{
	k->state = KEEP_READY;
	k->ready_ns = clock_steady_ns() - k->begun_ns;
	k->keeper_ns = c->b;
	k->create_ns = c->a;
	if (c->code != 0) /* by a keeper of KVM */
		k->all->kvm_known = c->code;
	arm(k, (uint64_t)k->all->config.claim_s * 1000, on_unclaimed);
	metrics_created(k->all->metrics, k->ready_ns);
	keep_say(k, "ready", "created in %" PRIu64 " us, ready after %" PRIu64 " us", c->a / 1000, k->ready_ns / 1000);
	wake(k, false);
}

static void on_attached(struct keep *k, const struct control *c)
{
	(void)c;
	if (k->confirmed) {
		violation(k, "attached twice");
		return;
	}
	k->confirmed = true;
	keep_say(k, "attached", "%s", "");
}

static void on_detached(struct keep *k, const struct control *c)
{
	(void)c;
	k->state = KEEP_DETACHED;
	k->session = k->confirmed = false;
	keep_say(k, "detached", "%s", "");
}

/* It should end by itself now. Who was asked to stop has a shorter time already. */
static void last_word(struct keep *k)
{
	if (!k->stopping)
		arm(k, LAST_WORD_MS, on_patience_over);
}

static void on_exited(struct keep *k, const struct control *c)
{
	static const struct {
		enum end_reason reason;
		const char *text;
	} ends[] = {
	        [KEEPCALL_EXIT_DONE] = {END_EXITED, "the Keep ended"},
	        [KEEPCALL_EXIT_REFUSED] = {END_EXITED, "no workload was delivered: the client refused the evidence, broke the protocol or went away"},
	        [KEEPCALL_EXIT_FATAL] = {END_DIED, "a check inside the Keep failed"},
	        [KEEPCALL_EXIT_FAULT] = {END_DIED, "a CPU exception inside the Keep"},
	        [KEEPCALL_EXIT_HOST] = {END_DIED, "the Keep refused an answer of this host"},
	};

	if (k->stopping)
		blame(k, END_STOPPED, "stopped by request");
	else if (c->code < ARRAY_COUNT(ends))
		blame(k, ends[c->code].reason, "%s%s%s", ends[c->code].text, c->text[0] != 0 ? ": " : "", c->text);
	else
		blame(k, END_DIED, "the Keep ended with the unknown code %u", (unsigned)c->code);
	last_word(k);
}

static void on_died(struct keep *k, const struct control *c)
{
	blame(k, END_DIED, "died: %s", c->text);
	last_word(k);
}

static void on_failed(struct keep *k, const struct control *c)
{
	blame(k, END_FAILED, "could not start: %s", c->text);
	last_word(k);
}

static void on_usage(struct keep *k, const struct control *c)
{
	k->memory = c->a;
	k->exits = c->b;
	k->restarts = c->code;
}

static enum err control_send_all(struct keep *k, const struct control *c, int fd);

static void on_opened(void *ctx, const struct control *request, int fd, struct sockets_fault fault)
{
	const struct control answer = {.type = CONTROL_OPENED, .code = fault.why, .a = request->a, .b = request->b};
	const char *what = request->code == KEEPCALL_LISTEN ? "listening on" : "connecting to";
	struct keep *k = ctx;

	keep_say(k, "socket", "%s %.80s%s%s", what, request->text, fault.words == NULL ? "" : ": ",
	         fault.words == NULL ? "" : fault.words);
	(void)!control_send_all(k, &answer, fd);
}

static void on_open(struct keep *k, const struct control *c)
{
	if (k->sockets == NULL)
		k->sockets = sockets_new(k->all->base, &k->all->dns, k->all->config.sockets, on_opened, k);
	if (k->sockets == NULL)
		on_opened(k, c, -1, (struct sockets_fault){KEEPCALL_WHY_UNKNOWN, "out of memory"});
	else
		sockets_open(k->sockets, c);
}

/* What is not in the table is refused. */
#define IN(state) (1u << (state))
static const struct {
	enum control_type type;
	unsigned states;
	void (*take)(struct keep *k, const struct control *c);
} words[] = {
        {CONTROL_LOADED, IN(KEEP_STARTING), on_loaded},
        {CONTROL_FAILED, IN(KEEP_STARTING), on_failed},
        {CONTROL_ATTACHED, IN(KEEP_ATTACHED), on_attached},
        {CONTROL_DETACHED, IN(KEEP_ATTACHED), on_detached},
        {CONTROL_EXITED, IN(KEEP_STARTING) | IN(KEEP_READY) | IN(KEEP_ATTACHED) | IN(KEEP_DETACHED), on_exited},
        {CONTROL_DIED, IN(KEEP_STARTING) | IN(KEEP_READY) | IN(KEEP_ATTACHED) | IN(KEEP_DETACHED), on_died},
        {CONTROL_OPEN, IN(KEEP_READY) | IN(KEEP_ATTACHED) | IN(KEEP_DETACHED), on_open},
        {CONTROL_USAGE, IN(KEEP_STARTING) | IN(KEEP_READY) | IN(KEEP_ATTACHED) | IN(KEEP_DETACHED), on_usage},
};

static void take_word(struct keep *k, struct control *c)
{
	c->text[CONTROL_TEXT_MAX - 1] = 0;
	text_clean(c->text);
	if (k->reason != END_NONE && c->type != CONTROL_USAGE)
		return; /* it is ending already; crossing words are no fault */
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (c->type == words[i].type && (words[i].states & IN(k->state)) != 0) {
			words[i].take(k, c);
			return;
		}
	violation(k, "a message that does not belong here");
}

/* Reads what the keeper sent, at most `most` packets. */
static void drain(struct keep *k, size_t most)
{
	struct control c;
	int fd;

	while (k->control >= 0 && most-- > 0) {
		enum err err = fdpass_receive(k->control, &c, sizeof c, &fd);

		if (err == ERR_AGAIN)
			return;
		if (err == OK && fd >= 0) {
			fd_close(&fd);
			err = ERR_FORMAT;
		}
		if (err == OK) {
			take_word(k, &c);
			continue;
		}
		event_del(k->on_control);
		if (err == ERR_CLOSED)
			last_word(k);
		else
			violation(k, "a malformed message");
		return;
	}
}

static void on_control(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drain(ctx, PACKETS_A_TURN);
}

/* ---- what it writes to its standard error: nothing, unless something is wrong ---- */

static void take_line(struct keep *k, const char *line, size_t len)
{
	if (len == 0)
		return;
	snprintf(k->said, sizeof k->said, "%.*s", (int)len, line);
	text_clean(k->said);
	if (k->lines++ < LINES_MAX)
		LOG(k->all->log, LOG_AT_WARN, "keeper says", log_s("id", k->id), log_s("line", k->said));
}

/* A part of a line, at the end of what is there, counts as a line. */
static void take_words(struct keep *k)
{
	char text[2048], *end;
	ssize_t got = k->words < 0 ? 0 : read(k->words, text, sizeof text - 1);

	if (got <= 0) {
		if (k->on_words != NULL && (got == 0 || errno != EAGAIN))
			event_del(k->on_words);
		return;
	}
	text[got] = 0;
	for (char *at = text; at < text + got; at = end + 1) {
		end = strchrnul(at, '\n'); /* a 0 byte ends what we look at */
		take_line(k, at, (size_t)(end - at));
		if (*end == 0)
			return;
	}
}

static void on_words(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	take_words(ctx);
}

/* ---- to the keeper ---- */

static enum err control_send_all(struct keep *k, const struct control *c, int fd)
{
	enum err err = fdpass_send(k->control, c, sizeof *c, fd);

	if (err != OK && err != ERR_CLOSED)
		violation(k, "it takes no commands");
	return err;
}

static enum err control_send(struct keep *k, enum control_type type, int fd)
{
	const struct control c = {.type = type};

	return control_send_all(k, &c, fd);
}

void keep_stop(struct keep *k)
{
	enum err err;

	if (keep_ended(k) || k->stopping)
		return;
	k->stopping = true;
	if (k->reason == END_NONE)
		keep_say(k, "stopping", "%s", "");
	err = control_send(k, CONTROL_STOP, -1);
	if (err == OK || err == ERR_CLOSED) /* closed: it is ending already, and how will be seen */
		arm(k, KEEP_STOP_MS, on_patience_over);
}

void keep_delete(struct keep *k)
{
	k->forget = true;
	if (!keep_ended(k))
		keep_stop(k);
	else if (!k->finishing)
		keep_forget(k);
}

enum err keep_reserve(struct keep *k, struct fault *f)
{
	if (keep_ended(k) || k->stopping || k->reason != END_NONE)
		return fault_set(f, 410, "create a new Keep", "the Keep %s has ended: %s", k->id,
		                 k->end[0] != 0 ? k->end : "stopping");
	if (k->state == KEEP_STARTING)
		return fault_set(f, 409, "try again in a moment", "the Keep %s is still starting", k->id);
	if (k->session)
		return fault_set(f, 409, "wait until the other client is gone",
		                 "another client is attached to the Keep %s", k->id);
	k->session = true;
	return OK;
}

void keep_unreserve(struct keep *k)
{
	k->session = false;
}

enum err keep_attach(struct keep *k, int fd)
{
	if (keep_ended(k) || k->stopping || !k->session)
		return ERR_STATE;
	TRY(control_send(k, CONTROL_ATTACH, fd));
	k->state = KEEP_ATTACHED;
	k->confirmed = false;
	arm(k, 0, on_unclaimed); /* it is claimed */
	return OK;
}

/* ---- the end ---- */

static void classify(struct keep *k, const siginfo_t *how)
{
	bool killed = how->si_code == CLD_KILLED || how->si_code == CLD_DUMPED;

	/* A client may ask to stop what has just been killed under it: the true cause counts. */
	if (k->stopping && (k->killed || !killed))
		blame(k, END_STOPPED, "stopped by request");
	else if (killed && how->si_status == SIGKILL)
		blame(k, END_KILLED,
		      "the keeper process was killed (SIGKILL: by hand, or the machine ran out of memory)");
	else if (killed)
		blame(k, END_KILLED, "the keeper process was killed by signal %d (%s)%s%s", how->si_status,
		      strsignal(how->si_status), k->said[0] != 0 ? ": " : "", k->said);
	else
		blame(k, END_KILLED, "the keeper process ended with status %d and %s%s", how->si_status,
		      k->said[0] != 0 ? "said: " : "without a word", k->said);
}

static void release(struct keep *k)
{
	if (k->on_exit != NULL)
		event_free(k->on_exit);
	if (k->on_control != NULL)
		event_free(k->on_control);
	if (k->on_words != NULL)
		event_free(k->on_words);
	k->on_exit = k->on_control = k->on_words = NULL;
	sockets_free(k->sockets);
	k->sockets = NULL;
	fd_close(&k->pidfd);
	fd_close(&k->control);
	fd_close(&k->words);
}

static void write_record(struct keep *k)
{
	struct note n = {0};

	if (k->all->config.records == NULL || record_write(k->all->config.records, k, &n) == OK)
		return;
	/* the old record stays; it says that the Keep lived, which the next agent will find out not to be so */
	LOG(k->all->log, LOG_AT_WARN, "record not written", log_s("id", k->id), log_s("why", n.text));
}

static void finish(struct keep *k, const siginfo_t *how)
{
	bool closing = k->all->closing;
	struct keeps *all = k->all;

	k->finishing = true;
	drain(k, 4096); /* its last words lie in the socket and the pipe */
	take_words(k);
	classify(k, how);
	release(k);
	arm(k, 0, on_lingered);
	k->state = k->reason == END_EXITED || k->reason == END_STOPPED || k->reason == END_UNCLAIMED ? KEEP_EXITED
	                                                                                             : KEEP_FAILED;
	k->ended_ms = clock_wall_ms();
	k->session = false;
	all->metrics->ended[k->reason]++;
	keep_say(k, keep_state_names[k->state], "%s", k->end);
	keeps_ended_one(all);
	wake(k, true);
	end_followers(k);
	k->finishing = false;
	if (k->forget || k->linger_s == 0 || closing) {
		keep_forget(k);
	} else {
		write_record(k);
		keep_linger(k);
	}
	if (closing && all->live == 0)
		all->on_empty(all);
}

static void on_exit_event(evutil_socket_t fd, short what, void *ctx)
{
	struct keep *k = ctx;
	siginfo_t how = {0};

	(void)fd;
	(void)what;
	if (waitid(P_PIDFD, (id_t)k->pidfd, &how, WEXITED | WNOHANG) != 0 || how.si_pid == 0)
		return;
	finish(k, &how);
}

void keep_linger(struct keep *k)
{
	int64_t left = k->ended_ms + (int64_t)k->linger_s * 1000 - clock_wall_ms();

	arm(k, left < 1 ? 1 : (uint64_t)left, on_lingered);
}

void keep_forget(struct keep *k)
{
	struct keeps *all = k->all;

	TAILQ_REMOVE(&all->list, k, link);
	all->ended -= keep_ended(k);
	if (all->config.records != NULL)
		record_remove(all->config.records, k->id);
	end_followers(k);
	release(k);
	event_free(k->timer);
	free(k);
}

/* ---- the beginning ---- */

struct keep *keep_new(struct keeps *all)
{
	struct keep *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->all = all;
	k->pidfd = k->control = k->words = -1;
	TAILQ_INIT(&k->waiters);
	TAILQ_INIT(&k->followers);
	k->timer = evtimer_new(all->base, on_timer, k);
	if (k->timer == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

static enum err start_process(struct keep *k, const char *image, struct note *n)
{
	const struct keeps_config *c = &k->all->config;
	char memory[24], linger[12], known[12];
	const char *argv[] = {c->keeper,  "--id",     k->id,  "--image", image,        "--backend",
	                      k->backend, "--tee",    k->tee, "--state", c->state_dir, "--memory-max",
	                      memory,     "--linger", linger, "--kvm-known", known,    NULL};
	struct child child;

	snprintf(memory, sizeof memory, "%" PRIu64, k->memory_max);
	/* the keeper's own clock for a client that never comes: later than ours, which knows the words for it */
	snprintf(linger, sizeof linger, "%u", c->claim_s == 0 ? 0 : c->claim_s + 5);
	snprintf(known, sizeof known, "%u", k->all->kvm_known);
	TRY(spawn_child((char *const *)(uintptr_t)argv, &child, n));
	k->pid = child.pid;
	k->pid_start = child.pid_start;
	k->pidfd = child.pidfd;
	k->control = child.control;
	k->words = child.words;
	return OK;
}

void keep_revoke(struct keep *k)
{
	siginfo_t how;

	kill_keeper(k);
	if (k->pidfd >= 0)
		while (waitid(P_PIDFD, (id_t)k->pidfd, &how, WEXITED) != 0 && errno == EINTR)
			continue;
	release(k);
}

/* While the first keeper becomes a program, so that it costs no time that somebody waits. */
static void hold_vm(struct keeps *all, const char *backend)
{
	if (all->holding || strcmp(backend, "kvm") != 0)
		return;
	vmm_kvm_hold(&all->hold);
	all->holding = true;
}

enum err keep_launch(struct keep *k, const char *image, struct note *n)
{
	TRY(start_process(k, image, n));
	hold_vm(k->all, k->backend);
	k->on_exit = event_new(k->all->base, k->pidfd, EV_READ | EV_PERSIST, on_exit_event, k);
	k->on_control = event_new(k->all->base, k->control, EV_READ | EV_PERSIST, on_control, k);
	k->on_words = event_new(k->all->base, k->words, EV_READ | EV_PERSIST, on_words, k);
	if (k->on_exit == NULL || k->on_control == NULL || k->on_words == NULL || event_add(k->on_exit, NULL) != 0 ||
	    event_add(k->on_control, NULL) != 0 || event_add(k->on_words, NULL) != 0) {
		keep_revoke(k);
		return refuse(n, ERR_NOMEM, "out of memory");
	}
	arm(k, (uint64_t)k->all->config.start_s * 1000, on_start_late);
	return OK;
}
