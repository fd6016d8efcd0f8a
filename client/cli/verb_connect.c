/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local proxy: what speaks plain TCP to it speaks to an attested Keep. The Keep is judged once; from then on its key
 * is pinned. Each connection has a process of its own, so that none can hold up another, and all die with the first.
 */
#include "client/agent/forward.h"
#include "client/agent/interrupt.h"
#include "client/attest/verdict.h"
#include "client/cli/vouch.h"
#include "lib/base/hex.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, HOST_MAX = 256, LISTEN_TEXT_MAX = HOST_MAX + 8 };

struct proxy {
	struct cli *c;
	struct vouch keep;
	int timeout_ms, listener;
	size_t running;
	char listens[LISTEN_TEXT_MAX];
};

/* ---- the listener ---- */

/* [HOST:]PORT, port 0: any. Names are resolved; without one it is this machine only. */
static enum err split(const char *text, char host[static HOST_MAX], const char **port, struct note *n)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;

	*port = colon != NULL ? colon + 1 : text;
	if (colon != NULL && size > 2 && text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	if (size >= HOST_MAX || (colon != NULL && size == 0) || (*port)[0] == 0 ||
	    strspn(*port, "0123456789") != strlen(*port) || strlen(*port) > 5)
		return refuse(n, ERR_INVALID, "--listen: write PORT or ADDRESS:PORT, such as 127.0.0.1:8080");
	memcpy(host, text, size);
	host[size] = 0;
	return OK;
}

static int listen_on(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, CONNECTIONS_MAX) == 0)
		return fd;
	close(fd);
	return -1;
}

static void describe(struct proxy *p)
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof at;
	char host[HOST_MAX], port[8];

	if (getsockname(p->listener, (struct sockaddr *)&at, &size) == 0 &&
	    getnameinfo((struct sockaddr *)&at, size, host, sizeof host, port, sizeof port,
	                NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(p->listens, sizeof p->listens, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static enum err open_listener(struct proxy *p, const char *text, struct note *n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
	char host[HOST_MAX];
	const char *port;
	int why;

	TRY(split(text, host, &port, n));
	why = getaddrinfo(host[0] != 0 ? host : "127.0.0.1", port, &hints, &list);
	if (why != 0)
		return refuse(n, ERR_INVALID, "--listen %s: %s", text, gai_strerror(why));
	errno = 0;
	p->listener = listen_on(list);
	freeaddrinfo(list);
	if (p->listener < 0)
		return refuse(n, ERR_IO, "listening on %s: %s; choose another with --listen", text,
		              strerror(errno));
	describe(p);
	return OK;
}

/* ---- one connection, in its own process ---- */

/* Whatever broke, our client sees a reset and no end. */
static void reset_on_close(int fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static int serve_one(const struct proxy *p, int fd)
{
	struct wire *near = NULL, *far = NULL;
	struct note n = {""};
	enum err err = wire_of_fd(fd, -1, &near);

	if (err != OK)
		return cli_fail(p->c, STATUS_FAILED, "a connection: %s", err_text(err));
	err = wire_open_keep(p->keep.host, p->keep.port, p->keep.pin, -1, clock_ms() + p->timeout_ms, &far, &n);
	if (err == OK)
		err = forward(near, far, -1);
	if (err != OK) {
		reset_on_close(wire_fd(near));
		(void)cli_fail(p->c, STATUS_FAILED, "%s", n.text[0] != 0 ? n.text : "a connection broke");
	}
	wire_close(near);
	wire_close(far);
	return err == OK ? STATUS_OK : STATUS_FAILED;
}

static void start_one(struct proxy *p, int fd)
{
	const pid_t parent = getpid(), child = fork();

	if (child == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGHUP, SIG_DFL);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(p->listener);
		_exit(getppid() == parent ? serve_one(p, fd) : STATUS_FAILED);
	}
	close(fd);
	if (child < 0)
		cli_say(p->c, "a connection was turned away: %s", strerror(errno));
	else
		p->running++;
}

/* ---- all of them ---- */

static void reap(struct proxy *p)
{
	while (p->running > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		p->running--;
}

/* Children are reaped at least once a second, or when somebody comes. */
static int serve(struct proxy *p)
{
	for (;;) {
		struct pollfd fds[2] = {{.fd = interrupt_fd(), .events = POLLIN},
		                        {.fd = p->running < CONNECTIONS_MAX ? p->listener : -1, .events = POLLIN}};
		int fd;

		if (poll(fds, 2, p->running > 0 ? 1000 : -1) < 0 && errno != EINTR)
			return cli_fail(p->c, STATUS_FAILED, "waiting for connections: %s", strerror(errno));
		reap(p);
		if (interrupt_count() > 0)
			return STATUS_OK;
		if ((fds[1].revents & POLLIN) == 0)
			continue;
		fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			start_one(p, fd);
	}
}

static int announce(const struct proxy *p, const struct verdict *v)
{
	char hex[65];

	hex_encode(slice_of(p->keep.pin, sizeof p->keep.pin), hex);
	if (v->soft)
		cli_say(p->c, "the Keep is accepted, but its evidence is signed by a software stand-in that protects "
		              "nothing");
	if (p->c->json)
		return cli_json(p->c, json_pack("{s:s, s:s, s:s, s:s, s:b}", "schema", "broch.connect/1", "listen",
		                                p->listens, "key_sha256", hex, "tee", v->tee, "soft", v->soft));
	printf("%s\n", p->listens);
	return cli_flush(p->c, STATUS_OK);
}

static int judge_and_serve(struct proxy *p, const struct policy *policy)
{
	struct verdict v;
	struct note n = {""};
	int status;

	if (vouch_judge(&p->keep, policy, clock_ms() + p->timeout_ms, interrupt_fd(), &v, &n) != OK)
		return cli_fail(p->c, STATUS_FAILED, "%s", n.text);
	if (!v.ok) {
		if (p->c->verbose)
			verdict_print_checks(stderr, &v, p->c->color_err);
		else
			verdict_print(stderr, &v, p->c->color_err);
		return STATUS_REFUSED;
	}
	status = announce(p, &v);
	return status == STATUS_OK ? serve(p) : status;
}

static int connect_run(struct cli *c)
{
	struct proxy p = {.c = c, .listener = -1};
	struct tenant_policy policy = {0};
	struct note n = {""};
	int status;

	if (!vouch_is_address(c->operands[0]))
		return cli_usage(c, "%s: write tls://HOST:PORT", c->operands[0]);
	if (vouch_timeout(c, &p.timeout_ms, &n) != OK || vouch_read(c, c->operands[0], &p.keep, &n) != OK ||
	    policy_load(cli_value(c, "policy"), &policy, &n) != OK)
		return cli_usage(c, "%s", n.text);
	if (interrupt_begin(&n) != OK ||
	    open_listener(&p, cli_has(c, "listen") ? cli_value(c, "listen") : "127.0.0.1:0", &n) != OK)
		status = cli_fail(c, STATUS_FAILED, "%s", n.text);
	else
		status = judge_and_serve(&p, policy.policy);
	if (p.listener >= 0)
		close(p.listener);
	policy_drop(&policy);
	return status;
}

static const struct option connect_options[] = {
        {"policy", 'p', false, "FILE", "what to accept; default: $XDG_CONFIG_HOME/broch/policy.toml"},
        {"listen", 'l', false, "ADDRESS", "[HOST:]PORT to listen on; default: a free port of 127.0.0.1"},
        {0},
};

const struct verb verb_connect = {
        .name = "connect",
        .summary = "let tools without TLS talk to an attested Keep",
        .operands = "tls://HOST:PORT",
        .options = connect_options,
        .more = options_vouch,
        .details = "Judges the Keep as `broch verify tls://HOST:PORT` does, pins its key, prints the address it "
                   "listens on, and "
                   "forwards every connection made there to the Keep, over TLS with that key and no other. Ctrl-C ends "
                   "it. A "
                   "connection that breaks on the Keep's side is reset, so that nothing cut short looks whole.\n\n"
                   "Whoever can reach the address can talk to the Keep through it: leave it on this machine.\n\n"
                   "Refused: status 3. Not reached: 1.",
        .examples =
                "broch connect --policy policy.toml --workload mine.evidence --listen 8080 tls://keep.example:443 &\n"
                "curl http://127.0.0.1:8080/\n",
        .min = 1,
        .max = 1,
        .run = connect_run,
};
