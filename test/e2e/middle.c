/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A man in the middle who speaks the protocol: middle LISTEN TARGET
 *
 * Towards the client it plays the Keep with a handshake of its own, towards the Keep it plays the client; it asks the real
 * Keep for evidence with the client's own nonce and hands that evidence, real and freshly signed, to the client. Only the
 * binding of evidence to the handshake can catch this. Prints one line when the client's session ends:
 *     middle evidence BYTES then TYPE...      (the types of what the client sent after the evidence)
 * Requests that are not a session upgrade pass through.
 */
#include "lib/session/messages.h"
#include "lib/session/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>
#include <poll.h>
#include <unistd.h>

static enum err random_bytes(void *out, size_t size)
{
	return getrandom(out, size, 0) == (ssize_t)size ? OK : ERR_NO_RANDOM;
}

static void die(const char *what)
{
	fprintf(stderr, "middle: %s\n", what);
	exit(2);
}

static void put(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			die("peer is gone");
		p += sent;
		n -= (size_t)sent;
	}
}

struct end {
	struct session *s;
	int fd;
	uint8_t in[1 << 17];
	size_t have;
};

static struct end *end_new(int fd, enum session_role role)
{
	struct end *e = calloc(1, sizeof *e);

	if (e == NULL || (e->s = calloc(1, session_size())) == NULL || session_init(e->s, role, random_bytes) != OK)
		die("no session");
	e->fd = fd;
	return e;
}

static void flush(struct end *e)
{
	uint8_t out[SESSION_RECORD_MAX];
	size_t n;

	if (session_handshake_out(e->s, out, sizeof out, &n) == OK && n > 0)
		put(e->fd, out, n);
}

/* The next message, or the end of everything. false: the peer closed. */
static bool next(struct end *e, enum session_type *type, struct slice *body)
{
	for (;;) {
		enum err err;
		size_t used = 0;
		ssize_t got;

		if (e->have > 0) {
			if (session_push(e->s, slice_of(e->in, e->have), &used) != OK)
				die(session_reason(e->s));
			memmove(e->in, e->in + used, e->have - used);
			e->have -= used;
			err = session_pop(e->s, type, body);
			flush(e);
			if (err == OK)
				return true;
			if (err != ERR_AGAIN)
				die(session_reason(e->s));
			if (used > 0)
				continue;
		}
		got = recv(e->fd, e->in + e->have, sizeof e->in - e->have, 0);
		if (got <= 0)
			return false;
		e->have += (size_t)got;
	}
}

static void send_message(struct end *e, enum session_type type, struct slice body)
{
	uint8_t out[SESSION_RECORD_MAX];
	size_t n;

	if (session_seal(e->s, type, body, slice_of(NULL, 0), out, sizeof out, &n) != OK)
		die(session_reason(e->s));
	put(e->fd, out, n);
}

/* Finishes the client role's handshake: reads until established. */
static void shake(struct end *e)
{
	flush(e);
	while (!session_established(e->s)) {
		enum session_type type;
		struct slice body;
		ssize_t got = recv(e->fd, e->in + e->have, sizeof e->in - e->have, 0);
		size_t used;

		if (got <= 0)
			die("no handshake with the Keep");
		e->have += (size_t)got;
		if (session_push(e->s, slice_of(e->in, e->have), &used) != OK)
			die(session_reason(e->s));
		memmove(e->in, e->in + used, e->have - used);
		e->have -= used;
		if (session_pop(e->s, &type, &body) != ERR_AGAIN)
			die("not a handshake");
	}
}

static void play(int client, int host)
{
	struct end *c = end_new(client, SESSION_KEEP), *k = end_new(host, SESSION_CLIENT);
	enum session_type type;
	struct slice body;
	static uint8_t evidence[SESSION_BODY_MAX];
	size_t size;

	shake(k);
	if (!next(c, &type, &body) || type != SESSION_CHALLENGE)
		die("no challenge");
	send_message(k, SESSION_CHALLENGE, body);
	if (!next(k, &type, &body) || type != SESSION_EVIDENCE)
		die("no evidence");
	size = body.size;
	memcpy(evidence, body.data, size);
	send_message(c, SESSION_EVIDENCE, slice_of(evidence, size));
	printf("middle evidence %zu then", size);
	while (next(c, &type, &body))
		printf(" %d", (int)type);
	printf("\n");
	fflush(stdout);
	_exit(0);
}

/* Reads an HTTP head byte by byte, so that nothing behind it is swallowed. */
static size_t head(int fd, char *out, size_t max)
{
	size_t n = 0;

	while (n + 1 < max && recv(fd, out + n, 1, 0) == 1) {
		out[++n] = 0;
		if (n >= 4 && memcmp(out + n - 4, "\r\n\r\n", 4) == 0)
			return n;
	}
	return 0;
}

/* The body that a head announces, from one side to the other. */
static void body(const char *of, int from, int to)
{
	const char *length = strcasestr(of, "\r\ncontent-length:");
	unsigned long left = length != NULL ? strtoul(length + 17, NULL, 10) : 0;

	while (left > 0) {
		uint8_t b[4096];
		ssize_t got = recv(from, b, left < sizeof b ? left : sizeof b, 0);

		if (got <= 0)
			_exit(0);
		put(to, b, (size_t)got);
		left -= (unsigned long)got;
	}
}

static void serve(int client, const char *target)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char request[8192], answer[8192];
	int host = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n, m;

	snprintf(a.sun_path, sizeof a.sun_path, "%s", target);
	if (host < 0 || connect(host, (struct sockaddr *)&a, sizeof a) != 0)
		die(target);
	for (;;) {
		n = head(client, request, sizeof request);
		if (n == 0)
			_exit(0);
		put(host, (uint8_t *)request, n);
		body(request, client, host);
		m = head(host, answer, sizeof answer);
		put(client, (uint8_t *)answer, m);
		if (strncmp(answer, "HTTP/1.1 101", 12) == 0)
			play(client, host);
		body(answer, host, client); /* the connection is kept: the session comes as its next request */
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 3) {
		fprintf(stderr, "usage: middle LISTEN TARGET\n");
		return 2;
	}
	snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[1]);
	umask(077);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0)
		die(argv[1]);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0 && fork() == 0)
			serve(client, argv[2]);
		close(client);
	}
}
