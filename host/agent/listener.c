/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/listener.h"
#include "host/agent/agent.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/unixsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 256, HOST_MAX = 256 };

/* ---- accept ---- */

/* Who is on the other end of a Unix socket: only our own user and root come in. They may do everything. */
static struct client unix_client(int fd)
{
	struct client c = {0};
	struct ucred cred;
	socklen_t size = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
		return c;
	snprintf(c.name, sizeof c.name, "uid:%u", (unsigned)cred.uid);
	c.known = c.operator= cred.uid == geteuid() || cred.uid == 0;
	return c;
}

static void address_key(const struct sockaddr *sa, uint8_t out[static 16])
{
	memset(out, 0, 16);
	if (sa->sa_family == AF_INET) {
		memset(out + 10, 0xff, 2);
		memcpy(out + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		/* one who has one IPv6 address usually has the whole /64 */
		memcpy(out, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
	}
}

static void accept_tcp(struct agent *a, int fd, const struct sockaddr *sa)
{
	struct client nobody = {0};
	struct peer *peer;
	uint8_t key[16];
	int one = 1;

	address_key(sa, key);
	peer = peer_enter(&a->peers, key, clock_steady_ns() / 1000000);
	if (peer == NULL) {
		a->metrics.connections_refused++;
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	conn_new(a, fd, true, peer, &nobody);
}

static void pause_all(struct agent *a)
{
	a->listeners.paused = true;
	for (size_t i = 0; i < a->listeners.count; i++)
		evconnlistener_disable(a->listeners.at[i].ev);
}

static void accept_unix(struct agent *a, int fd)
{
	const struct client c = unix_client(fd);

	conn_new(a, fd, false, NULL, &c);
}

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int size, void *ctx)
{
	struct listener *l = ctx;
	struct agent *a = l->agent;

	(void)ev;
	(void)size;
	if (l->tcp)
		accept_tcp(a, fd, sa);
	else
		accept_unix(a, fd);
	if (a->conns.count >= a->options.max_connections)
		pause_all(a);
}

static void on_pause_over(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	listeners_resume(ctx);
}

/* Mostly: no descriptor left. Trying again at once would burn the CPU. */
static void on_accept_error(struct evconnlistener *ev, void *ctx)
{
	struct listener *l = ctx;
	struct timeval soon = {.tv_usec = 100000};

	(void)ev;
	LOG(&l->agent->options.log, LOG_AT_ERROR, "cannot accept", log_s("why", strerror(errno)));
	l->agent->metrics.connections_refused++;
	pause_all(l->agent);
	event_base_once(l->agent->base, -1, EV_TIMEOUT, on_pause_over, l->agent, &soon);
}

void listeners_resume(struct agent *a)
{
	if (!a->listeners.paused || a->closing || a->conns.count >= a->options.max_connections)
		return;
	a->listeners.paused = false;
	for (size_t i = 0; i < a->listeners.count; i++)
		evconnlistener_enable(a->listeners.at[i].ev);
}

/* ---- open ---- */

static enum err check_guarded(const struct agent *a, const char *address, struct note *n)
{
	if (a->options.tls_cert == NULL)
		return refuse(n, ERR_REFUSED,
		              "%s: without TLS everybody on the way could take over the Keeps: add --tls-cert and "
		              "--tls-key, or listen on unix:PATH",
		              address);
	if (a->options.token_file == NULL && a->options.client_ca == NULL)
		return refuse(n, ERR_REFUSED,
		              "%s: everybody could start Keeps here: add --token-file or --client-ca, or listen on "
		              "unix:PATH",
		              address);
	return OK;
}

/* HOST:PORT, [HOST]:PORT */
static enum err split_tcp(const char *address, char host[static HOST_MAX], const char **port, struct note *n)
{
	const char *colon = strrchr(address, ':'), *begin = address;
	size_t len = colon == NULL ? 0 : (size_t)(colon - address);

	if (len > 2 && begin[0] == '[' && begin[len - 1] == ']') {
		begin++;
		len -= 2;
	}
	if (len == 0 || len >= HOST_MAX || colon[1] == 0 || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return refuse(n, ERR_FORMAT, "tcp:%s: write tcp:HOST:PORT, with [] around an IPv6 address", address);
	memcpy(host, begin, len);
	host[len] = 0;
	*port = colon + 1;
	return OK;
}

static int bind_tcp(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		fd_close(&fd);
	return fd;
}

static enum err open_tcp(const char *address, int *out, struct note *n)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *list = NULL;
	char host[HOST_MAX];
	const char *port = NULL;
	int failed;

	TRY(split_tcp(address, host, &port, n));
	failed = getaddrinfo(host, port, &hints, &list);
	if (failed != 0)
		return refuse(n, ERR_NOT_FOUND, "tcp:%s: %s", address, gai_strerror(failed));
	*out = -1;
	for (const struct addrinfo *at = list; at != NULL && *out < 0; at = at->ai_next)
		*out = bind_tcp(at);
	failed = errno;
	freeaddrinfo(list);
	return *out >= 0 ? OK : refuse(n, err_of_errno(failed), "tcp:%s: cannot listen: %s", address, strerror(failed));
}

static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* Of the Unix kind: who made both ends says who may come in. */
static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;

	return option_of(fd, SO_DOMAIN) == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_STREAM &&
	       getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

static enum err open_inherited(const char *number, struct listener *l, int *out, struct note *n)
{
	const int fd = atoi(number);

	if (number[0] == 0 || strspn(number, "0123456789") != strlen(number) || strlen(number) > 6)
		return refuse(n, ERR_FORMAT, "fd:%s: write fd:N", number);
	l->connected = is_connected(fd);
	if (!l->connected && option_of(fd, SO_ACCEPTCONN) != 1)
		return refuse(n, ERR_INVALID, "fd:%s: not a listening socket", number);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return refuse(n, err_of_errno(errno), "fd:%s: %s", number, strerror(errno));
	l->tcp = option_of(fd, SO_DOMAIN) != AF_UNIX;
	*out = fd;
	return OK;
}

static const char *after(const char *address, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(address, scheme, len) == 0 ? address + len : NULL;
}

enum err listener_check(const struct agent *a, const char *address, struct note *n)
{
	char host[HOST_MAX];
	const char *rest, *port;

	if ((rest = after(address, "tcp:")) != NULL) {
		TRY(split_tcp(rest, host, &port, n));
		return check_guarded(a, address, n);
	}
	if (after(address, "unix:") != NULL || after(address, "fd:") != NULL)
		return OK;
	return refuse(n, ERR_FORMAT, "--listen %s: write unix:PATH, tcp:HOST:PORT or fd:N", address);
}

static enum err open_any(struct agent *a, const char *address, struct listener *l, int *fd, struct note *n)
{
	const char *rest;
	struct stat st;

	TRY(listener_check(a, address, n));
	if ((rest = after(address, "unix:")) != NULL) {
		TRY(unixsock_listen(rest, fd, n));
		if (stat(rest, &st) == 0) {
			l->path = rest;
			l->device = st.st_dev;
			l->inode = st.st_ino;
		}
		return OK;
	}
	if ((rest = after(address, "fd:")) != NULL) {
		TRY(open_inherited(rest, l, fd, n));
		return l->tcp ? check_guarded(a, address, n) : OK;
	}
	l->tcp = true;
	return open_tcp(after(address, "tcp:"), fd, n);
}

/* The port the kernel chose for port 0; 0 for others. */
static unsigned port_of(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t size = sizeof at;

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return 0;
	if (at.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)&at)->sin_port);
	return at.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)(const void *)&at)->sin6_port) : 0;
}

enum err listener_open(struct agent *a, const char *address, struct note *n)
{
	struct listener *l = &a->listeners.at[a->listeners.count];
	int fd = -1;

	CHECK(a->listeners.count < LISTEN_MAX);
	*l = (struct listener){.agent = a};
	TRY(open_any(a, address, l, &fd, n));
	if (l->connected) {
		accept_unix(a, fd);
		return OK;
	}
	l->ev = evconnlistener_new(a->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->ev == NULL) {
		fd_close(&fd);
		return refuse(n, ERR_NOMEM, "%s: out of memory", address);
	}
	evconnlistener_set_error_cb(l->ev, on_accept_error);
	a->listeners.count++;
	LOG(&a->options.log, LOG_AT_INFO, "listening", log_s("address", address), log_n("port", port_of(fd)));
	return OK;
}

void listeners_close(struct agent *a)
{
	struct stat st;

	for (size_t i = 0; i < a->listeners.count; i++) {
		const struct listener *l = &a->listeners.at[i];

		/* the file first: whoever finds it must find somebody listening */
		if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
			unlink(l->path);
		evconnlistener_free(l->ev);
	}
	a->listeners.count = 0;
}
