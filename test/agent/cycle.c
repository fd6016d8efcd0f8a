/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle SOCKET WORD...    creates and deletes a Keep for each word, over one connection
 * cycle SOCKET -n COUNT   the same COUNT times, then COUNT times GET /v1/keeps; prints what each took
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char answer[65536];

static _Noreturn void stop(const char *why)
{
	fprintf(stderr, "cycle: %s: %.200s\n", why, answer);
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Sends a request, reads one whole answer; its body. */
static const char *ask(int fd, const char *method, const char *path, const char *id, int wanted)
{
	char request[256];
	size_t have = 0, size = 0;
	const char *body = NULL, *length;
	int len = snprintf(request, sizeof request, "%s %s%s HTTP/1.1\r\nHost: x\r\n\r\n", method, path, id);

	answer[0] = 0;
	if (write(fd, request, (size_t)len) != len)
		stop("cannot send");
	while (body == NULL || have < size) {
		ssize_t got = read(fd, answer + have, sizeof answer - 1 - have);

		if (got <= 0)
			stop("no answer");
		have += (size_t)got;
		answer[have] = 0;
		body = strstr(answer, "\r\n\r\n");
		length = strstr(answer, "Content-Length: ");
		if (body != NULL && length != NULL)
			size = (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10);
	}
	if (atoi(answer + 9) != wanted)
		stop("wrong status");
	return body + 4;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double cycle(int fd)
{
	double begun = now_us(), took;
	const char *at = strstr(ask(fd, "POST", "/v1/keeps", "", 201), "\"id\":\"");
	char id[13];

	took = now_us() - begun;
	if (at == NULL)
		stop("no id");
	snprintf(id, sizeof id, "%s", at + 6);
	ask(fd, "DELETE", "/v1/keeps/", id, 200);
	return took;
}

static void measure(int fd, int count)
{
	double *took = calloc((size_t)count + 1, sizeof *took), begun = now_us();

	if (took == NULL)
		stop("out of memory");
	for (int i = 0; i < count; i++)
		took[i] = cycle(fd);
	printf("%.0f create and delete cycles/s\n", count / (now_us() - begun) * 1e6);
	qsort(took, (size_t)count, sizeof *took, compare);
	printf("create: median %.0f us, 99 %% below %.0f us\n", took[count / 2], took[count * 99 / 100]);
	begun = now_us();
	for (int i = 0; i < count; i++)
		ask(fd, "GET", "/v1/keeps", "", 200);
	printf("%.0f requests/s on one connection\n", count / (now_us() - begun) * 1e6);
	free(took);
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc < 3)
		stop("usage: cycle SOCKET WORD... | cycle SOCKET -n COUNT");
	snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		stop("cannot connect");
	if (strcmp(argv[2], "-n") == 0 && argc == 4)
		measure(fd, atoi(argv[3]));
	else
		for (int i = 2; i < argc; i++)
			cycle(fd);
	return 0;
}
