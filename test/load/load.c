/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many clients of an HTTPS server at once, bounded in all they do: one thread, epoll, OpenSSL.
 *
 *   load PORT CA.PEM CONNECTIONS (REQUESTS | SECONDSs) PATH [POST-BYTES]
 *
 * Opens that many connections to localhost, a few at a time, and only when all are there asks on all of them at once:
 * each client sends the next request when its answer is whole, so many times or so long. The server's certificate must
 * lead to CA.PEM and name localhost. Any other status than 200, any end too early, any wait of a minute is an error;
 * the first one is said and the exit status 1. Prints what was done and how long it took, name and value a line.
 */
#include "sys/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	OPENING_MAX = 64,
	PIECE = 65536,
	HEAD_MAX = 1024,
	EVENTS = 256,
	PATIENCE_MS = 60000,
	SAMPLES_MAX = 1 << 20,
	STEPS_MAX = 16
};

static struct client {
	SSL *ssl;
	int fd;
	enum { CONNECTS, IDLE, SENDS, HEARS, DONE } state;
	unsigned requests; /* answered */
	size_t at;         /* of the request that was sent */
	size_t body;       /* of the body that was sent */
	char head[HEAD_MAX + 1];
	size_t head_size;
	unsigned long long left; /* of the answer's body */
	uint32_t waits;          /* for which events */
	double asked;
} * clients;

static char request[512], filler[PIECE], waste[PIECE];
static size_t request_size, post;
static unsigned port, count, opening, opened, done;
static unsigned long long requests, each, received;
static double seconds, until;
static int poller;
static float *samples;
static size_t sample_count;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const struct client *c, const char *what)
{
	fprintf(stderr, "load: client %d after %u answers: %s", c == NULL ? -1 : (int)(c - clients),
	        c == NULL ? 0 : c->requests, what);
	if (errno != 0)
		fprintf(stderr, " (%s)", strerror(errno));
	fputc('\n', stderr);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void wait_for(struct client *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	if (c->waits != events && epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e) != 0)
		fail(c, "epoll_ctl");
	c->waits = events;
}

static void begin(SSL_CTX *context, struct client *c)
{
	struct sockaddr_in a = {
	        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
	const int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
	    (connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS) ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) != 0)
		fail(c, "no connection");
	c->waits = EPOLLOUT;
	c->ssl = SSL_new(context);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set1_host(c->ssl, "localhost") != 1 ||
	    SSL_set_tlsext_host_name(c->ssl, "localhost") != 1)
		fail(c, "OpenSSL");
	SSL_set_connect_state(c->ssl);
	opening++;
}

/* What OpenSSL said. False: it waits. */
static bool moved(struct client *c, int result, const char *what)
{
	int why;

	if (result > 0)
		return true;
	why = SSL_get_error(c->ssl, result);
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		fail(c, what);
	wait_for(c, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
	return false;
}

static void ask(struct client *c)
{
	c->state = SENDS;
	c->at = c->body = c->head_size = 0;
	c->asked = now();
}

static bool send_request(struct client *c)
{
	bool head = c->at < request_size;
	size_t size = head ? request_size - c->at : post - c->body < PIECE ? post - c->body : PIECE, n = 0;

	if (!moved(c, SSL_write_ex(c->ssl, head ? request + c->at : filler, size, &n), "the server takes no request"))
		return false;
	*(head ? &c->at : &c->body) += n;
	if (c->at == request_size && c->body == post)
		c->state = HEARS;
	return true;
}

static void answered(struct client *c)
{
	if (sample_count < SAMPLES_MAX)
		samples[sample_count++] = (float)(now() - c->asked);
	c->requests++;
	requests++;
	if (each > 0 ? c->requests < each : now() < until) {
		ask(c);
		return;
	}
	c->state = DONE;
	done++;
	wait_for(c, 0);
}

static void head_came(struct client *c)
{
	char *end, *length;
	size_t rest;

	c->head[c->head_size] = 0;
	end = strstr(c->head, "\r\n\r\n");
	if (end == NULL) {
		if (c->head_size == HEAD_MAX)
			fail(c, "the head of the answer is too long");
		return;
	}
	length = strstr(c->head, "Content-Length: ");
	if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || length == NULL)
		fail(c, c->head);
	rest = c->head_size - (size_t)(end + 4 - c->head);
	c->left = strtoull(length + 16, NULL, 10);
	if (rest > c->left)
		fail(c, "more than the answer");
	c->left -= rest;
	received += rest;
	c->head_size = HEAD_MAX + 1; /* it is over */
	if (c->left == 0)
		answered(c);
}

static bool hear(struct client *c)
{
	bool head = c->head_size <= HEAD_MAX;
	size_t room = head ? HEAD_MAX - c->head_size : c->left < PIECE ? (size_t)c->left : PIECE, n = 0;

	if (!moved(c, SSL_read_ex(c->ssl, head ? c->head + c->head_size : waste, room, &n),
	           "the answer ends too early"))
		return false;
	if (head) {
		c->head_size += n;
		head_came(c);
		return c->state != DONE;
	}
	received += n;
	c->left -= n;
	if (c->left == 0)
		answered(c);
	return c->state != DONE;
}

static bool step(struct client *c)
{
	switch (c->state) {
	case CONNECTS:
		if (!moved(c, SSL_do_handshake(c->ssl), "no handshake"))
			return false;
		c->state = IDLE;
		opening--;
		opened++;
		wait_for(c, 0);
		return false;
	case SENDS: return send_request(c);
	case HEARS: return hear(c);
	default: fail(c, "the server goes, or speaks unasked"); return false;
	}
}

static void turn(void)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(poller, events, EVENTS, PATIENCE_MS);

	errno = n < 0 ? errno : 0;
	if (n <= 0)
		fail(NULL, "nothing happens for a minute");
	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;
		int steps = 0;

		while (steps < STEPS_MAX && step(c))
			steps++;
		if (steps == STEPS_MAX) /* what it could go on with may be in OpenSSL already */
			wait_for(c, EPOLLIN | EPOLLOUT);
	}
}

static int by_size(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static SSL_CTX *prepare(const char *ca)
{
	struct rlimit files;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &files);
	}
	clients = calloc(count, sizeof *clients);
	samples = calloc(SAMPLES_MAX, sizeof *samples);
	poller = epoll_create1(EPOLL_CLOEXEC);
	errno = 0;
	if (context == NULL || clients == NULL || samples == NULL || poller < 0 ||
	    SSL_CTX_load_verify_file(context, ca) != 1)
		fail(NULL, "setting up");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); /* the same for all that are compared */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return context;
}

int main(int argc, char **argv)
{
	SSL_CTX *context;
	double start;

	if (argc < 6 || argc > 7) {
		fprintf(stderr, "usage: load PORT CA.PEM CONNECTIONS (REQUESTS | SECONDSs) PATH [POST-BYTES]\n");
		return 2;
	}
	port = (unsigned)strtoul(argv[1], NULL, 10);
	count = (unsigned)strtoul(argv[3], NULL, 10);
	seconds = strchr(argv[4], 's') != NULL ? strtod(argv[4], NULL) : 0;
	each = seconds > 0 ? 0 : strtoull(argv[4], NULL, 10);
	post = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
	request_size = (size_t)snprintf(request, sizeof request,
	                                "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
	                                post > 0 ? "POST" : "GET", argv[5], post);
	if (request_size >= sizeof request || count == 0 || (each == 0 && seconds <= 0))
		fail(NULL, "these arguments make no sense");
	context = prepare(argv[2]);
	start = now();
	for (unsigned begun = 0; opened < count;) {
		while (begun < count && opening < OPENING_MAX)
			begin(context, &clients[begun++]);
		turn();
	}
	printf("connections %u\nhandshakes-per-second %.1f\n", opened, opened / (now() - start));
	fflush(stdout);
	start = now();
	until = start + seconds;
	for (unsigned i = 0; i < count; i++) {
		ask(&clients[i]);
		while (step(&clients[i]))
			;
	}
	while (done < count)
		turn();
	seconds = now() - start;
	qsort(samples, sample_count, sizeof *samples, by_size);
	printf("requests %llu\nseconds %.2f\nrequests-per-second %.1f\nMB-per-second %.1f\nmedian-ms %.2f\np99-ms "
	       "%.2f\n",
	       requests, seconds, (double)requests / seconds,
	       ((double)received + (double)post * (double)requests) / seconds / 1e6,
	       (double)samples[sample_count / 2] * 1e3, (double)samples[sample_count * 99 / 100] * 1e3);
	for (unsigned i = 0; i < count; i++) {
		SSL_shutdown(clients[i].ssl);
		SSL_free(clients[i].ssl);
		close(clients[i].fd);
	}
	SSL_CTX_free(context);
	return 0;
}
