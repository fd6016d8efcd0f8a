/* SPDX-License-Identifier: Apache-2.0 */
/* brochd, the host agent: see doc/man/brochd.8 and doc/host-api.md. */
#include "host/agent/agent.h"
#include "host/agent/tls.h"
#include "host/tee/tee.h"
#include "sys/file.h"
#include "sys/notify.h"
#include "sys/paths.h"
#include "sys/soft_root.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_FAILURE_ = 1, EXIT_USAGE = 2, CLOSE_S = 3 };

struct daemon {
	struct agent agent;
	char state[PATHS_MAX], records[PATHS_MAX + 8], keeper[PATHS_MAX], socket[PATHS_MAX + 8];
	int state_lock;
	struct event *signals[3], *parent;
};

/* ---- ending ---- */

static void on_empty(struct keeps *all)
{
	struct agent *a = all->ctx;
	struct timeval flush = {.tv_usec = 200000};

	/* the last answers get a moment to leave */
	event_base_loopexit(a->base, a->conns.count > 0 ? &flush : NULL);
}

static void shut_down(struct agent *a, const char *why)
{
	struct timeval most = {.tv_sec = CLOSE_S};

	if (a->closing)
		return;
	a->closing = true;
	notify_send("STOPPING=1");
	LOG(&a->options.log, LOG_AT_INFO, "ending", log_s("why", why), log_n("keeps", a->keeps.live));
	listeners_close(a);
	event_base_loopexit(a->base, &most); /* come what may */
	keeps_close(&a->keeps);
}

static void on_term(evutil_socket_t number, short what, void *ctx)
{
	(void)what;
	shut_down(ctx, number == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_parent(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	char drop[64];
	ssize_t got = read((int)fd, drop, sizeof drop);

	(void)what;
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	event_del(d->parent); /* it stays readable: we would turn around it until the last Keep is gone */
	shut_down(&d->agent, "the parent is gone");
}

/* ---- credentials ---- */

static enum err load_credentials(const struct options *o, struct tokens **tokens, struct ssl_ctx_st **tls,
                                 struct note *n)
{
	enum err err = OK;

	*tokens = NULL;
	*tls = NULL;
	if (o->token_file != NULL)
		err = tokens_load(o->token_file, tokens, n);
	if (err == OK && o->tls_cert != NULL)
		err = tls_load(o->tls_cert, o->tls_key, o->client_ca, tls, n);
	if (err != OK) {
		tokens_free(*tokens);
		*tokens = NULL;
	}
	return err;
}

/* New tokens and certificates, or the old ones and a line in the log. Open connections keep what they have. */
static void on_hup(evutil_socket_t number, short what, void *ctx)
{
	struct agent *a = ctx;
	struct tokens *tokens;
	struct ssl_ctx_st *tls;
	struct note n = {0};

	(void)number;
	(void)what;
	if (load_credentials(&a->options, &tokens, &tls, &n) != OK) {
		LOG(&a->options.log, LOG_AT_ERROR, "reload failed, the old credentials stay", log_s("why", n.text));
		return;
	}
	tokens_free(a->tokens);
	tls_free(a->tls);
	a->tokens = tokens;
	a->tls = tls;
	log_line(&a->options.log, LOG_AT_INFO, "credentials reloaded", NULL, 0);
}

/* ---- beginning ---- */

static enum err prepare_paths(struct daemon *d, struct note *n)
{
	struct options *o = &d->agent.options;

	if (o->state == NULL) {
		TRY(paths_state(d->state, n));
		o->state = d->state;
	}
	if (strlen(o->state) >= PATHS_MAX)
		return refuse(n, ERR_LIMIT, "--state: the path is too long");
	snprintf(d->records, sizeof d->records, "%s/keeps", o->state);
	if (o->keeper == NULL) {
		TRY(paths_shipped("brochd-keep", d->keeper, n));
		o->keeper = d->keeper;
	}
	if (access(o->keeper, X_OK) != 0)
		return refuse(n, err_of_errno(errno), "%s: not a program we may run: %s", o->keeper, strerror(errno));
	if (o->listen_count == 0) {
		memcpy(d->socket, "unix:", 6);
		TRY(paths_agent_socket(d->socket + 5, n));
		o->listen[o->listen_count++] = d->socket;
	}
	return OK;
}

/* One agent for each state folder. A private agent writes no records, so it needs no lock. */
static enum err open_state(struct daemon *d, struct note *n)
{
	const char *dir = d->agent.options.state;

	TRY(paths_make(dir, 0700, n));
	if (d->agent.options.private_agent)
		return OK;
	d->state_lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->state_lock < 0)
		return refuse(n, err_of_errno(errno), "%s: %s", dir, strerror(errno));
	if (syscall(SYS_flock, d->state_lock, LOCK_EX | LOCK_NB) != 0)
		return refuse(n, ERR_EXISTS,
		              "%s: another brochd uses this folder: stop it, or give another one (--state DIR)", dir);
	return OK;
}

/* Each Keep takes two descriptors, each connection one or three. */
static void raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static enum err open_agent(struct daemon *d, struct note *n)
{
	struct agent *a = &d->agent;
	const struct options *o = &a->options;

	for (size_t i = 0; i < o->listen_count; i++)
		TRY(listener_check(a, o->listen[i], n));
	TRY(load_credentials(o, &a->tokens, &a->tls, n));
	platform_probe(&a->platform, o->image_dir);
	if (o->check)
		return OK;
	TRY(open_state(d, n));
	a->base = event_base_new();
	if (a->base == NULL)
		return refuse(n, ERR_NOMEM, "cannot make an event loop");
	a->keeps = (struct keeps){
	        .config = {.keeper = o->keeper,
	                   .state_dir = o->state,
	                   .records = o->private_agent ? NULL : d->records,
	                   .max_keeps = o->max_keeps,
	                   .max_keeps_per_client = o->max_keeps_per_client,
	                   .max_memory = o->max_memory,
	                   .keep_memory_max = o->keep_memory_max,
	                   .start_s = (unsigned)o->start_s,
	                   .sockets = o->sockets,
	                   .claim_s = (unsigned)o->claim_s},
	        .base = a->base,
	        .log = &o->log,
	        .metrics = &a->metrics,
	        .on_empty = on_empty,
	        .ctx = a,
	};
	return keeps_open(&a->keeps, n);
}

static enum err watch(struct daemon *d, struct note *n)
{
	static const struct {
		int number;
		event_callback_fn take;
	} signals[] = {{SIGTERM, on_term}, {SIGINT, on_term}, {SIGHUP, on_hup}};
	struct agent *a = &d->agent;

	for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
		d->signals[i] = evsignal_new(a->base, signals[i].number, signals[i].take, a);
		if (d->signals[i] == NULL || event_add(d->signals[i], NULL) != 0)
			return refuse(n, ERR_NOMEM, "cannot watch signals");
	}
	if (!a->options.private_agent)
		return OK;
	if (fcntl((int)a->options.parent_fd, F_SETFD, FD_CLOEXEC) != 0)
		return refuse(n, ERR_INVALID, "--parent-fd %u: not an open descriptor", (unsigned)a->options.parent_fd);
	d->parent = event_new(a->base, (int)a->options.parent_fd, EV_READ | EV_PERSIST, on_parent, d);
	if (d->parent == NULL || event_add(d->parent, NULL) != 0)
		return refuse(n, ERR_INVALID, "--parent-fd %u: cannot be watched, give a pipe or socket",
		              (unsigned)a->options.parent_fd);
	return OK;
}

/*
 * Tenants need the test root's certificate for their policies before they ask for the first Keep, so a new state folder
 * gets its root now. A private agent's only client waits for nothing of the kind.
 */
static enum err prepare_soft_root(const struct agent *a, struct note *n)
{
	char path[PATHS_MAX];
	struct tee *t;

	if (a->options.private_agent)
		return OK;
	TRY(soft_root_path(a->options.state, path, sizeof path));
	if (access(path, F_OK) != 0)
		LOG(&a->options.log, LOG_AT_INFO, "making a software test root: once, takes seconds",
		    log_s("file", path));
	TRY(tee_soft_snp.open(a->options.state, &t, n));
	tee_soft_snp.close(t);
	return OK;
}

static enum err serve(struct daemon *d, struct note *n)
{
	struct agent *a = &d->agent;

	TRY(watch(d, n));
	for (size_t i = 0; i < a->options.listen_count; i++)
		TRY(listener_open(a, a->options.listen[i], n));
	TRY(prepare_soft_root(a, n)); /* slow; after all that can be wrong, and clients can wait in the queue already */
	notify_send("READY=1");
	event_base_dispatch(a->base);
	LOG(&a->options.log, LOG_AT_INFO, "ended", log_n("keeps_created", a->metrics.created));
	return OK;
}

static void free_all(struct daemon *d)
{
	struct agent *a = &d->agent;
	struct conn *c;

	a->closing = true;
	listeners_close(a);
	if (a->base != NULL) {
		while ((c = TAILQ_FIRST(&a->conns.list)) != NULL)
			conn_free(c);
		relays_free(&a->relays);
		keeps_free(&a->keeps);
		for (size_t i = 0; i < ARRAY_COUNT(d->signals); i++)
			if (d->signals[i] != NULL)
				event_free(d->signals[i]);
		if (d->parent != NULL)
			event_free(d->parent);
		event_base_free(a->base);
	}
	tokens_free(a->tokens);
	tls_free(a->tls);
	fd_close(&d->state_lock);
}

static int check_only(const struct agent *a)
{
	bool any = false;

	for (size_t i = 0; i < PLATFORM_BACKENDS; i++) {
		const struct platform_backend *b = &a->platform.backends[i];

		printf("%-3s %s%s%s\n", b->available ? "yes" : "no", b->name, b->reason[0] != 0 ? ": " : "", b->reason);
		if (!b->available)
			printf("    cure: %s\n", b->cure);
		any = any || b->available;
	}
	return any ? 0 : EXIT_FAILURE_;
}

static int run(struct daemon *d)
{
	struct note n = {0};
	int status = 0;
	enum err err = prepare_paths(d, &n);

	if (err == OK)
		err = open_agent(d, &n);
	if (err == OK && d->agent.options.check)
		status = check_only(&d->agent);
	else if (err == OK)
		err = serve(d, &n);
	if (err != OK) {
		fprintf(stderr, "brochd: %s\n", n.text[0] != 0 ? n.text : err_text(err));
		status = EXIT_FAILURE_;
	}
	free_all(d);
	return status;
}

int main(int argc, char **argv)
{
	static struct daemon d = {.state_lock = -1};
	struct note n = {0};

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	TAILQ_INIT(&d.agent.conns.list);
	TAILQ_INIT(&d.agent.relays.list);
	TAILQ_INIT(&d.agent.keeps.list);
	if (options_parse(argc, argv, &d.agent.options, &n) != OK) {
		fprintf(stderr, "brochd: %s\n", n.text);
		return EXIT_USAGE;
	}
	if (d.agent.options.help) {
		options_help(stdout);
		return 0;
	}
	if (d.agent.options.version) {
		puts("brochd " BROCH_VERSION);
		return 0;
	}
	raise_files();
	return run(&d);
}
