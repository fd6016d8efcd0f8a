/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server: sends every connection back what it sends, until it has nothing more to say. One poll for all of them. It
 * listens on what the configuration calls "echo" (examples/echo.toml), and ends after as many connections as it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 200, CHUNK = 16384 };

static struct client {
	char bytes[CHUNK];
	size_t at, size; /* what is to be sent back */
} clients[CLIENTS_MAX];
static struct pollfd fds[1 + CLIENTS_MAX];
static nfds_t count = 1;

/* The number of the descriptor with this name: its place in FD_NAMES. */
static int find(const char *want)
{
	const char *names = getenv("FD_NAMES");
	size_t size = strlen(want);

	for (int fd = 0; names != NULL; fd++) {
		const char *colon = strchr(names, ':');

		if (strncmp(names, want, size) == 0 && (names[size] == ':' || names[size] == 0))
			return fd;
		names = colon == NULL ? NULL : colon + 1;
	}
	return -1;
}

static void let_in(void)
{
	int fd = accept(fds[0].fd, NULL, NULL);

	if (fd < 0)
		return;
	if (count == 1 + CLIENTS_MAX || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		close(fd);
		return;
	}
	clients[count - 1] = (struct client){.size = 0};
	fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* 0: this one is done. */
static int serve(struct client *c, struct pollfd *p)
{
	ssize_t n;

	if (c->size == 0) {
		n = read(p->fd, c->bytes, sizeof c->bytes);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return 0;
		c->at = 0;
		c->size = n < 0 ? 0 : (size_t)n;
	}
	while (c->size > 0) {
		n = write(p->fd, c->bytes + c->at, c->size);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return 0;
		c->at += (size_t)n;
		c->size -= (size_t)n;
	}
	p->events = c->size > 0 ? POLLOUT : POLLIN;
	return 1;
}

static void drop(nfds_t i)
{
	shutdown(fds[i].fd, SHUT_WR);
	close(fds[i].fd);
	count--;
	fds[i] = fds[count];
	clients[i - 1] = clients[count - 1];
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? strtol(argv[1], NULL, 10) : -1;

	fds[0] = (struct pollfd){.fd = find("echo"), .events = POLLIN};
	if (fds[0].fd < 0) {
		fprintf(stderr, "echo: no socket is called \"echo\": run me with --config examples/echo.toml\n");
		return 2;
	}
	puts("ready");
	fflush(stdout);
	while (left != 0) {
		if (poll(fds, count, -1) < 0) {
			perror("echo: poll");
			return 1;
		}
		for (nfds_t i = count; i-- > 1;)
			if (fds[i].revents != 0 && !serve(&clients[i - 1], &fds[i])) {
				drop(i);
				left -= left > 0;
			}
		if (fds[0].revents != 0)
			let_in();
	}
	puts("done");
	return 0;
}
