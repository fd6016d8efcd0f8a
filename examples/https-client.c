/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS client: asks a server for each path of its arguments, over one connection, and prints what comes. Which server,
 * and who vouches for it, is said in the configuration (examples/https-client.toml): the connection is there, its peer
 * proved, before this program starts. A server that is none never sees a byte of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HEAD_MAX = 8192 };

static char in[HEAD_MAX + 1]; /* what came and is not yet used */
static size_t size;

static int find(const char *want)
{
	const char *names = getenv("FD_NAMES");
	size_t length = strlen(want);

	for (int fd = 0; names != NULL; fd++) {
		const char *colon = strchr(names, ':');

		if (strncmp(names, want, length) == 0 && (names[length] == ':' || names[length] == 0))
			return fd;
		names = colon == NULL ? NULL : colon + 1;
	}
	return -1;
}

static void fail(const char *what)
{
	fprintf(stderr, "https-client: %s\n", what);
	exit(1);
}

static void ask(int fd, const char *path)
{
	char text[1024];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: server\r\n\r\n", path);

	if (n < 0 || (size_t)n >= sizeof text)
		fail("the path is too long");
	for (ssize_t at = 0, sent; at < n; at += sent) {
		sent = write(fd, text + at, (size_t)(n - at));
		if (sent <= 0)
			fail("the connection ended before the request was sent");
	}
}

/* More behind what is in `in`; a server that goes in the middle of an answer is an error. */
static void more(int fd)
{
	ssize_t n = read(fd, in + size, HEAD_MAX - size);

	if (n <= 0)
		fail("the connection ended before the answer did");
	size += (size_t)n;
	in[size] = 0;
}

static void use(size_t used)
{
	size -= used;
	memmove(in, in + used, size + 1);
}

/* Reads the head. How long is the body? */
static unsigned long long answer_head(int fd, int *status)
{
	unsigned long long length = 0;
	char *end, *line;

	while ((end = strstr(in, "\r\n\r\n")) == NULL) {
		if (size == HEAD_MAX || strlen(in) < size)
			fail("the head of the answer is too long, or none");
		more(fd);
	}
	if (sscanf(in, "HTTP/1.1 %d", status) != 1)
		fail("this is no HTTP/1.1");
	for (line = strstr(in, "\r\n"); line < end; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
			length = strtoull(line + 17, NULL, 10);
	use((size_t)(end - in) + 4);
	return length;
}

static void answer_body(int fd, unsigned long long length)
{
	while (length > 0) {
		size_t n = size < length ? size : (size_t)length;

		if (n == 0) {
			more(fd);
			continue;
		}
		fwrite(in, 1, n, stdout);
		use(n);
		length -= n;
	}
}

int main(int argc, char **argv)
{
	int fd = find("server"), status = 0, worst = 0;

	if (fd < 0)
		fail("no connection is called \"server\": run me with --config examples/https-client.toml");
	for (int i = 1; i < argc; i++) {
		unsigned long long length;

		ask(fd, argv[i]);
		length = answer_head(fd, &status);
		answer_body(fd, length);
		if (status != 200) {
			fprintf(stderr, "https-client: %s: status %d\n", argv[i], status);
			worst = 1;
		}
	}
	return worst;
}
