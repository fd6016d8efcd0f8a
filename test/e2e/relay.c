/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile relay between a client and a host agent, for tests: relay LISTEN TARGET MODE DIRECTION N
 *
 * Both addresses are Unix socket paths. It passes everything through, understands the HTTP upgrade to a session, and does
 * to record N (from 0) of one direction (c2k, k2c) what MODE says: none, flip, drop, repeat, reorder (N and N+1),
 * truncate (cuts the record and the connection), swap (puts record N of the first connection into the second one),
 * resize (changes the size field), hold (from it on nothing passes in either direction, but the end of one side becomes
 * the other's; the file LISTEN.held appears). With holdhttp N counts HTTP messages before the upgrade instead.
 * For each session it prints one line of what it saw when it ends:
 *     session c2k RECORDS BYTES k2c RECORDS BYTES
 * Serves connections one at a time as they come, each in its own process; ends on SIGTERM.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, RECORD_MAX = 2 + 65535 };

struct plan {
	const char *mode, *spool, *held; /* spool: where the record to swap in is kept; held: tells that hold began */
	bool from_client;
	unsigned long n;
};

struct flow { /* one direction */
	int from, to;
	bool manipulate, open, upgraded;
	uint8_t buffer[BUFFER];
	size_t have;
	unsigned long messages, records, bytes;
	uint8_t held[RECORD_MAX]; /* reorder: waits for its successor */
	size_t held_size;
};

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(a.sun_path, path);
	return a;
}

static bool put(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void save(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		die(path);
}

static size_t load(const char *path, uint8_t *p, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return 0;
	n = fread(p, 1, max, f);
	fclose(f);
	return n;
}

/* Until one of the two goes. */
static bool hold(const struct flow *f, const struct plan *plan)
{
	struct pollfd p[2] = {{f->from, POLLRDHUP, 0}, {f->to, POLLRDHUP, 0}};

	save(plan->held, (const uint8_t *)"", 0);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	return false;
}

/* Sends record number f->records, manipulated if it is the one. False ends the connection. */
static bool pass_record(struct flow *f, const struct plan *plan, uint8_t *r, size_t size)
{
	bool it = f->manipulate && f->records == plan->n;
	static uint8_t other[RECORD_MAX];
	size_t n;

	f->records++;
	if (f->held_size > 0) {
		n = f->held_size;
		f->held_size = 0;
		return put(f->to, r, size) && put(f->to, f->held, n);
	}
	if (!it || strcmp(plan->mode, "none") == 0 || strcmp(plan->mode, "holdhttp") == 0)
		return put(f->to, r, size);
	if (strcmp(plan->mode, "hold") == 0)
		return hold(f, plan);
	if (strcmp(plan->mode, "drop") == 0)
		return true;
	if (strcmp(plan->mode, "repeat") == 0)
		return put(f->to, r, size) && put(f->to, r, size);
	if (strcmp(plan->mode, "truncate") == 0) {
		put(f->to, r, size / 2);
		return false;
	}
	if (strcmp(plan->mode, "reorder") == 0) {
		memcpy(f->held, r, size);
		f->held_size = size;
		return true;
	}
	if (strcmp(plan->mode, "swap") == 0) {
		n = load(plan->spool, other, sizeof other);
		save(plan->spool, r, size);
		return n > 0 ? put(f->to, other, n) : put(f->to, r, size);
	}
	if (strcmp(plan->mode, "resize") == 0)
		r[1] ^= 1;
	else
		r[size - 1] ^= 0x20; /* flip */
	return put(f->to, r, size);
}

/* Moves what is complete. Before the upgrade that is everything; the blank line of the head ends that part. */
static bool pump(struct flow *f, const struct plan *plan)
{
	size_t at = 0;

	if (!f->upgraded) {
		const uint8_t *end = memmem(f->buffer, f->have, "\r\n\r\n", 4);
		bool request = end != NULL && memmem(f->buffer, f->have, "/session HTTP/1.1", 17) != NULL;
		bool answer = end != NULL && f->have > 12 && memcmp(f->buffer, "HTTP/1.1 101", 12) == 0;

		if (f->manipulate && strcmp(plan->mode, "holdhttp") == 0 && f->messages++ == plan->n)
			return hold(f, plan);

		if (!request && !answer) {
			bool ok = put(f->to, f->buffer, f->have);

			f->have = 0;
			return ok;
		}
		at = (size_t)(end - f->buffer) + 4;
		if (!put(f->to, f->buffer, at))
			return false;
		f->upgraded = true;
	}
	while (f->have - at >= 2) {
		size_t size = 2 + (size_t)(f->buffer[at] << 8 | f->buffer[at + 1]);

		if (f->have - at < size)
			break;
		f->bytes += size;
		if (!pass_record(f, plan, f->buffer + at, size))
			return false;
		at += size;
	}
	memmove(f->buffer, f->buffer + at, f->have - at);
	f->have -= at;
	return true;
}

static bool take(struct flow *f, const struct plan *plan)
{
	ssize_t got = recv(f->from, f->buffer + f->have, sizeof f->buffer - f->have, 0);

	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0) {
		if (f->held_size > 0)
			put(f->to, f->held, f->held_size);
		shutdown(f->to, SHUT_WR);
		f->open = false;
		return true;
	}
	f->have += (size_t)got;
	return pump(f, plan);
}

static void serve(int client, const char *target, const struct plan *plan)
{
	static struct flow up, down;
	struct sockaddr_un a = address(target);
	int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (host < 0 || connect(host, (struct sockaddr *)&a, sizeof a) != 0)
		die(target);
	up.from = down.to = client;
	down.from = up.to = host;
	up.open = down.open = true;
	up.manipulate = plan->from_client;
	down.manipulate = !plan->from_client;
	while (up.open || down.open) {
		struct pollfd p[2] = {{up.open ? client : -1, POLLIN, 0}, {down.open ? host : -1, POLLIN, 0}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents != 0 && !take(&up, plan))
			break;
		if (p[1].revents != 0 && !take(&down, plan))
			break;
	}
	if (up.upgraded) {
		printf("session c2k %lu %lu k2c %lu %lu\n", up.records, up.bytes, down.records, down.bytes);
		fflush(stdout);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_un a;
	struct plan plan;
	char spool[sizeof a.sun_path + 8], held[sizeof a.sun_path + 8];
	int listener;

	if (argc != 6) {
		fprintf(stderr, "usage: relay LISTEN TARGET MODE c2k|k2c N\n");
		return 2;
	}
	snprintf(spool, sizeof spool, "%s.spool", argv[1]);
	snprintf(held, sizeof held, "%s.held", argv[1]);
	plan = (struct plan){argv[3], spool, held, strcmp(argv[4], "c2k") == 0, strtoul(argv[5], NULL, 10)};
	a = address(argv[1]);
	umask(077);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0)
		die(argv[1]);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		pid_t pid;

		if (client < 0)
			continue;
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			serve(client, argv[2], &plan);
		close(client);
	}
}
