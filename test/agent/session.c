/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of GET /v1/keeps/ID/session for the tests. Prints the status; after 101 it does one of
 *   echo N     sends N bytes while it reads, and wants the same bytes back
 *   early N    the same, but the first bytes travel in one write with the request, before the 101
 *   hold       prints "held" and waits for the end of the connection
 *   idle N     sends N bytes and reads nothing until all are sent, or nothing moves for a second; then reads all of
 * them exit       sends "exit\n" and waits for the end half N     sends N bytes, closes its sending side, wants them
 * all back
 *
 *   session unix:PATH|tls:HOST:PORT TOKEN|- KEEP MODE [N]
 */
#include "sys/openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct link {
	int fd;
	SSL *ssl;
};

static _Noreturn void stop(const char *why)
{
	fprintf(stderr, "session: %s\n", why);
	exit(1);
}

/* >0: bytes, 0: end, -1: would block */
static ssize_t link_read(struct link *l, void *to, size_t size)
{
	ssize_t n;

	if (l->ssl != NULL) {
		n = SSL_read(l->ssl, to, (int)size);
		if (n > 0)
			return n;
		n = SSL_get_error(l->ssl, (int)n);
		return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE ? -1 : 0;
	}
	n = read(l->fd, to, size);
	return n < 0 && errno == EAGAIN ? -1 : n < 0 ? 0 : n;
}

static ssize_t link_write(struct link *l, const void *from, size_t size)
{
	ssize_t n;

	if (size == 0)
		return -1;
	if (l->ssl != NULL) {
		n = SSL_write(l->ssl, from, (int)size);
		if (n > 0)
			return n;
		n = SSL_get_error(l->ssl, (int)n);
		if (n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE)
			return -1;
		stop("the connection broke while sending");
	}
	n = write(l->fd, from, size);
	if (n < 0 && errno != EAGAIN)
		stop("the connection broke while sending");
	return n;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof at.sun_path)
		stop("path too long");
	memcpy(at.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		stop("cannot connect");
	return fd;
}

static int connect_tcp(char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *at;
	char *colon = strrchr(address, ':');
	int fd;

	*colon = 0;
	if (getaddrinfo(address, colon + 1, &hints, &at) != 0)
		stop("cannot resolve");
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, at->ai_addr, at->ai_addrlen) != 0)
		stop("cannot connect");
	freeaddrinfo(at);
	return fd;
}

static struct link link_open(char *url)
{
	struct link l = {0};
	SSL_CTX *ctx;

	if (strncmp(url, "unix:", 5) == 0) {
		l.fd = connect_unix(url + 5);
	} else {
		l.fd = connect_tcp(url + 4);
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		l.ssl = SSL_new(ctx);
		SSL_set_fd(l.ssl, l.fd);
		if (SSL_connect(l.ssl) != 1)
			stop("no TLS");
	}
	fcntl(l.fd, F_SETFL, O_NONBLOCK);
	return l;
}

static void wait_for(struct link *l, short events, int ms)
{
	struct pollfd p = {l->fd, events, 0};

	if (l->ssl != NULL && SSL_pending(l->ssl) > 0)
		return;
	if (poll(&p, 1, ms) == 0 && ms > 1000)
		stop("nothing moves");
}

static unsigned char pattern(size_t at)
{
	return (unsigned char)((at * 2654435761u) >> 13);
}

static void check(const unsigned char *data, size_t size, size_t at)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != pattern(at + i))
			stop("a byte came back wrong");
}

struct flow {
	size_t total, sent, back;
};

static bool send_some(struct link *l, struct flow *f)
{
	unsigned char data[16384];
	size_t n = f->total - f->sent < sizeof data ? f->total - f->sent : sizeof data;
	ssize_t put;

	for (size_t i = 0; i < n; i++)
		data[i] = pattern(f->sent + i);
	put = link_write(l, data, n);
	if (put > 0)
		f->sent += (size_t)put;
	return put > 0;
}

static bool read_some(struct link *l, struct flow *f)
{
	unsigned char data[16384];
	ssize_t got = link_read(l, data, sizeof data);

	if (got == 0)
		stop("the connection ended too early");
	if (got < 0)
		return false;
	check(data, (size_t)got, f->back);
	f->back += (size_t)got;
	return true;
}

static void echo(struct link *l, struct flow *f, bool half)
{
	while (f->back < f->total) {
		bool moved = f->sent < f->total && send_some(l, f);

		if (half && f->sent == f->total) {
			shutdown(l->fd, SHUT_WR);
			half = false;
		}
		moved = read_some(l, f) || moved;
		if (!moved)
			wait_for(l, (short)(POLLIN | (f->sent < f->total ? POLLOUT : 0)), 10000);
	}
}

static void idle(struct link *l, struct flow *f)
{
	struct pollfd p = {l->fd, POLLOUT, 0};

	while (f->sent < f->total && (send_some(l, f) || poll(&p, 1, 1000) > 0))
		;
	printf("sent %zu\n", f->sent);
	fflush(stdout);
	f->total = f->sent;
	echo(l, f, false);
}

/* Reads up to the empty line, a byte at a time: what follows belongs to the session. */
static unsigned read_status(struct link *l)
{
	char head[4096];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof head - 1 && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)) {
		got = link_read(l, head + n, 1);
		if (got == 0)
			stop("no answer");
		if (got < 0)
			wait_for(l, POLLIN, 10000);
		else
			n++;
	}
	head[n] = 0;
	return n > 12 ? (unsigned)atoi(head + 9) : 0;
}

static void wait_end(struct link *l)
{
	char data[4096];
	ssize_t got;

	while ((got = link_read(l, data, sizeof data)) != 0)
		if (got < 0) {
			struct pollfd p = {l->fd, POLLIN, 0};

			poll(&p, 1, -1);
		}
}

static void request(struct link *l, const char *token, const char *keep, struct flow *f, bool early)
{
	char text[8192];
	int len = snprintf(text, sizeof text - 4096,
	                   "GET /v1/keeps/%s/session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: "
	                   "broch-session\r\n%s%s%s\r\n",
	                   keep, token[0] == '-' ? "" : "Authorization: Bearer ", token[0] == '-' ? "" : token,
	                   token[0] == '-' ? "" : "\r\n");
	size_t size = (size_t)len;

	while (early && f->sent < f->total && f->sent < 4000)
		text[size++] = (char)pattern(f->sent++);
	if (link_write(l, text, size) != (ssize_t)size)
		stop("cannot send the request");
}

int main(int argc, char **argv)
{
	struct flow f = {0};
	struct link l;
	unsigned status;

	if (argc < 5)
		stop("usage: session URL TOKEN KEEP MODE [N]");
	signal(SIGPIPE, SIG_IGN);
	f.total = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	l = link_open(argv[1]);
	request(&l, argv[2], argv[3], &f, strcmp(argv[4], "early") == 0);
	status = read_status(&l);
	printf("%u\n", status);
	fflush(stdout);
	if (status != 101)
		return 0;
	if (strcmp(argv[4], "hold") == 0) {
		puts("held");
		fflush(stdout);
		wait_end(&l);
	} else if (strcmp(argv[4], "exit") == 0) {
		if (link_write(&l, "exit\n", 5) != 5)
			stop("cannot send");
		wait_end(&l);
	} else if (strcmp(argv[4], "idle") == 0) {
		idle(&l, &f);
	} else {
		echo(&l, &f, strcmp(argv[4], "half") == 0);
	}
	puts("ok");
	return 0;
}
