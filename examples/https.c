/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS server: HTTP/1.1 with kept connections, many clients, one poll for all of them. There is no word of TLS in it:
 * with prot = "tls" in the configuration (examples/https.toml) it ends in the Keep, before this program's first byte.
 *
 *   GET /            a page
 *   GET /bytes/N     N bytes
 *   POST /length     how many bytes the body had
 *
 * A client moves through three states: its request's head comes, its body comes, the answer goes. Whoever can do nothing
 * now waits in the poll and holds nobody. All memory is there from the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 2000,
	HEAD_MAX = 4096,     /* of a request */
	ANSWER_MAX = 512,    /* head, and body when it is short */
	PIECE = 65536,       /* bytes of a long body at a time */
	STEPS_MAX = 16,      /* reads and writes for one client before the others have their turn */
	PATIENCE_S = 60,     /* with a client that says and takes nothing */
};

enum state { HEAD, BODY, ANSWER }; /* what is read, read, sent */

static struct client {
	enum state state;
	bool last;                   /* the connection ends with this answer */
	char in[HEAD_MAX + 1];       /* what came and is not yet used */
	size_t in_size;
	unsigned long long body;     /* bytes of the request's body: all of it, */
	unsigned long long missing;  /* and those still to come */
	char answer[ANSWER_MAX];
	size_t at, size;             /* what of it is to be sent */
	unsigned long long filling;  /* bytes to be sent behind it */
	time_t heard;                /* when something moved */
} clients[CLIENTS_MAX];
static struct pollfd fds[1 + CLIENTS_MAX]; /* the listener, and beside each client its descriptor */
static nfds_t count = 1;
static char filler[PIECE], waste[PIECE];

/* ---- answers ---- */

static void answer(struct client *c, const char *status, const char *type, const char *body, unsigned long long filling)
{
	const unsigned long long size = strlen(body) + filling;
	int n = snprintf(c->answer, sizeof c->answer,
	                 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\nConnection: %s\r\n\r\n%s", status,
	                 type, size, c->last ? "close" : "keep-alive", body);

	c->at = 0;
	c->size = (size_t)n < sizeof c->answer ? (size_t)n : sizeof c->answer - 1;
	c->filling = filling;
	c->state = ANSWER;
}

/* What cannot be understood ends the connection: nobody knows where the next request begins. */
static void refuse(struct client *c, const char *status)
{
	c->last = true;
	c->missing = 0;
	answer(c, status, "text/plain", status, 0);
}

static void answer_length(struct client *c)
{
	char text[32];

	snprintf(text, sizeof text, "%llu\n", c->body);
	answer(c, "200 OK", "text/plain", text, 0);
}

/* ---- requests ---- */

static bool number(const char *text, unsigned long long *out)
{
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 15)
		return false;
	*out = strtoull(text, &end, 10);
	return *end == 0;
}

/* The head of an answer to HEAD is that to GET; its body stays away. */
static void without_body(struct client *c)
{
	char *end = strstr(c->answer, "\r\n\r\n");

	c->size = end == NULL ? c->size : (size_t)(end - c->answer) + 4;
	c->filling = 0;
}

static void route(struct client *c, const char *method, const char *target)
{
	const bool head = strcmp(method, "HEAD") == 0, get = head || strcmp(method, "GET") == 0;
	unsigned long long size;

	if (strcmp(method, "POST") == 0 && strcmp(target, "/length") == 0)
		return; /* when the body is here */
	if (get && strcmp(target, "/") == 0)
		answer(c, "200 OK", "text/html", "<!doctype html><title>Keep</title><p>hello from a Keep</p>\n", 0);
	else if (get && strncmp(target, "/bytes/", 7) == 0 && number(target + 7, &size))
		answer(c, "200 OK", "application/octet-stream", "", size);
	else if (strcmp(target, "/") == 0 || strcmp(target, "/length") == 0 || strncmp(target, "/bytes/", 7) == 0)
		answer(c, "405 Method Not Allowed", "text/plain", "405 Method Not Allowed", 0);
	else
		answer(c, "404 Not Found", "text/plain", "404 Not Found", 0);
	if (head)
		without_body(c);
}

/* One line "Name: value". NULL: all is well. */
static const char *header(struct client *c, char *line, bool *has_length)
{
	char *value = strchr(line, ':'), *end;
	unsigned long long size;

	if (value == NULL || value == line || strcspn(line, " \t") < (size_t)(value - line))
		return "400 Bad Request";
	*value++ = 0;
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = 0;
	if (strcasecmp(line, "Content-Length") == 0) {
		if (!number(value, &size) || (*has_length && size != c->body))
			return "400 Bad Request";
		*has_length = true;
		c->body = size;
	} else if (strcasecmp(line, "Transfer-Encoding") == 0) {
		return "501 Not Implemented";
	} else if (strcasecmp(line, "Connection") == 0) {
		c->last = strcasecmp(value, "close") == 0 || (c->last && strcasecmp(value, "keep-alive") != 0);
	} else if (strcasecmp(line, "Expect") == 0) {
		c->size = (size_t)snprintf(c->answer, sizeof c->answer, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	return NULL;
}

static char *line_end(char *line)
{
	char *end = strstr(line, "\r\n");

	if (end == NULL)
		return NULL;
	*end = 0;
	return end + 2;
}

/* The head is whole and ends with a zero: it is read, and the answer made or the body waited for. */
static void request(struct client *c, char *head)
{
	char *line = head, *next = line_end(line), *method = head, *target, *version;
	bool has_length = false;
	const char *wrong = NULL;

	c->body = c->at = c->size = 0;
	target = strchr(method, ' ');
	version = target == NULL ? NULL : strchr(target + 1, ' ');
	if (version == NULL) {
		refuse(c, "400 Bad Request");
		return;
	}
	*target++ = *version++ = 0;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
		refuse(c, "505 HTTP Version Not Supported");
		return;
	}
	c->last = version[7] == '0';
	for (line = next; wrong == NULL && (next = line_end(line)) != NULL && *line != 0; line = next)
		wrong = header(c, line, &has_length);
	if (wrong != NULL) {
		refuse(c, wrong);
		return;
	}
	c->missing = c->body;
	c->state = BODY;
	route(c, method, target);
	if (c->state == ANSWER && c->missing > 0) /* nobody wants this body, and we do not read it */
		c->last = true;
}

/* ---- moving ---- */

enum moved { MOVED, WAITS, OVER };

/* n bytes went or came, or why none did. */
static enum moved moved(struct client *c, ssize_t n, time_t now)
{
	if (n > 0) {
		c->heard = now;
		return MOVED;
	}
	return n < 0 && errno == EAGAIN ? WAITS : OVER;
}

static void use(struct client *c, size_t size)
{
	c->in_size -= size;
	memmove(c->in, c->in + size, c->in_size);
}

static enum moved take_head(struct client *c, int fd, time_t now)
{
	char head[HEAD_MAX + 1], *end;
	enum moved m;
	ssize_t n;

	c->in[c->in_size] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (end != NULL) {
		size_t size = (size_t)(end - c->in) + 4;

		memcpy(head, c->in, size);
		head[size] = 0;
		use(c, size);
		request(c, head);
		return MOVED;
	}
	if (c->in_size == HEAD_MAX || strlen(c->in) < c->in_size) {
		refuse(c, c->in_size == HEAD_MAX ? "431 Request Header Fields Too Large" : "400 Bad Request");
		return MOVED;
	}
	n = read(fd, c->in + c->in_size, HEAD_MAX - c->in_size);
	m = moved(c, n, now);
	c->in_size += m == MOVED ? (size_t)n : 0;
	return m;
}

static enum moved send_answer(struct client *c, int fd, time_t now)
{
	const bool text = c->at < c->size;
	size_t size = text ? c->size - c->at : c->filling < PIECE ? (size_t)c->filling : PIECE;
	ssize_t n = write(fd, text ? c->answer + c->at : filler, size);
	enum moved m = moved(c, n, now);

	if (m != MOVED)
		return m;
	if (text)
		c->at += (size_t)n;
	else
		c->filling -= (unsigned long long)n;
	return MOVED;
}

static enum moved take_body(struct client *c, int fd, time_t now)
{
	size_t room = c->missing < PIECE ? (size_t)c->missing : PIECE, n = c->in_size < room ? c->in_size : room;
	enum moved m = MOVED;

	if (c->at < c->size && n == 0) /* 100 Continue, unless it goes on already */
		return send_answer(c, fd, now);
	if (n > 0) {
		use(c, n);
	} else if (room > 0) {
		ssize_t got = read(fd, waste, room);

		m = moved(c, got, now);
		n = m == MOVED ? (size_t)got : 0;
	}
	c->missing -= n;
	if (c->missing == 0)
		answer_length(c);
	return m;
}

static enum moved step(struct client *c, int fd, time_t now)
{
	switch (c->state) {
	case HEAD: return take_head(c, fd, now);
	case BODY: return take_body(c, fd, now);
	case ANSWER: break;
	}
	if (c->at < c->size || c->filling > 0)
		return send_answer(c, fd, now);
	if (c->last)
		return OVER;
	c->state = HEAD;
	return MOVED;
}

static bool sending(const struct client *c)
{
	return c->state == ANSWER || (c->state == BODY && c->at < c->size);
}

/* A turn is at most one answer: a client that asks again at once, as fast as it is served, would keep the others waiting. False:
 * this one is done. */
static bool serve(struct client *c, struct pollfd *p, time_t now)
{
	enum moved m = MOVED;
	bool answered = false;

	for (int i = 0; i < STEPS_MAX && m == MOVED && !answered; i++) {
		const bool answers = c->state == ANSWER;

		m = step(c, p->fd, now);
		answered = answers && c->state == HEAD;
	}
	/* Who had his turn and could go on needs no news, which might never come: room to write is nearly always there. */
	p->events = answered && c->in_size == 0 ? POLLIN : m == MOVED || sending(c) ? POLLOUT : POLLIN;
	return m != OVER;
}

/* ---- clients come and go ---- */

static void let_in(time_t now)
{
	int fd = accept(fds[0].fd, NULL, NULL);

	if (fd < 0)
		return;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		close(fd);
		return;
	}
	clients[count - 1] = (struct client){.heard = now};
	fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void drop(nfds_t i)
{
	close(fds[i].fd);
	count--;
	fds[i] = fds[count];
	clients[i - 1] = clients[count - 1];
}

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

int main(void)
{
	fds[0].fd = find("https");
	if (fds[0].fd < 0) {
		fprintf(stderr, "https: no socket is called \"https\": run me with --config examples/https.toml\n");
		return 2;
	}
	memset(filler, 'x', sizeof filler);
	puts("ready");
	fflush(stdout);
	for (;;) {
		time_t now;

		fds[0].events = count <= CLIENTS_MAX ? POLLIN : 0; /* who finds no place waits outside */
		if (poll(fds, count, PATIENCE_S * 1000) < 0) {
			perror("https: poll");
			return 1;
		}
		now = time(NULL);
		for (nfds_t i = count; i-- > 1;)
			if (fds[i].revents != 0 ? !serve(&clients[i - 1], &fds[i], now)
			                        : now - clients[i - 1].heard >= PATIENCE_S)
				drop(i);
		if (fds[0].revents != 0 && count <= CLIENTS_MAX)
			let_in(now);
	}
}
