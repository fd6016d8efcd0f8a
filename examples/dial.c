/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets at run time, without any library: a path below /net is one (doc/network.md).
 *
 *   dial /net/tls/HOST/443 [TEXT]     sends TEXT, then prints what comes until the end
 *   dial /net/listen/tcp/PORT         prints "listening", then sends one connection back what it sends
 *
 * What it may reach stands in the configuration: [network] egress = ["HOST:443"], ingress = [PORT].
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "dial: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0)
			die("write");
		bytes += n;
		size -= (size_t)n;
	}
}

static void copy(int from, int to)
{
	static char bytes[16384];
	ssize_t n;

	while ((n = read(from, bytes, sizeof bytes)) > 0)
		put_all(to, bytes, (size_t)n);
	if (n < 0)
		die("read");
}

int main(int argc, char **argv)
{
	int fd, peer;

	if (argc < 2) {
		fprintf(stderr, "usage: dial /net/tcp|tls/HOST/PORT [TEXT]\n       dial /net/listen/tcp|tls/PORT\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		die(argv[1]);
	if (strncmp(argv[1], "/net/listen/", 12) != 0) {
		if (argc > 2)
			put_all(fd, argv[2], strlen(argv[2]));
		copy(fd, 1);
		return 0;
	}
	puts("listening");
	fflush(stdout);
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		die("accept");
	copy(peer, peer);
	close(peer);
	return 0;
}
