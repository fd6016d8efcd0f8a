/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for brochd-keep in the tests of the host agent: speaks host/keeper/control.h and echoes what a session
 * sends. How it behaves is written in the file `behaviour` in the state folder: (none) good   fail   die   crash   slow
 * (never loads)   stubborn (ignores STOP)   silent (one USAGE, then none) garbage (a packet of a wrong size)   unasked
 * (DETACHED without a session)   mute (closes the control socket, lives on) chatty (USAGE without end) A session that
 * sends a line "exit" makes the Keep exit.
 */
#include "host/keeper/control.h"
#include "sys/fdpass.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake {
	char behaviour[32];
	int session;
};

static void say(enum control_type type, uint32_t code, uint64_t a, const char *text)
{
	struct control c = {.type = type, .code = code, .a = a, .b = 7};

	snprintf(c.text, sizeof c.text, "%s", text);
	if (fdpass_send(CONTROL_FD, &c, sizeof c, -1) != OK)
		exit(3);
}

static int is(const struct fake *f, const char *behaviour)
{
	return strcmp(f->behaviour, behaviour) == 0;
}

static void take_command(struct fake *f)
{
	struct control c;
	int fd = -1;

	if (fdpass_receive(CONTROL_FD, &c, sizeof c, &fd) != OK)
		exit(0);
	if (c.type == CONTROL_STOP && !is(f, "stubborn")) {
		say(CONTROL_EXITED, 0, 0, "");
		exit(0);
	}
	if (c.type == CONTROL_ATTACH) {
		f->session = fd;
		say(CONTROL_ATTACHED, 0, 0, "");
	}
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0) { /* the connection may be non-blocking */
			struct pollfd p = {fd, POLLOUT, 0};

			if (poll(&p, 1, 5000) <= 0 || (p.revents & (POLLERR | POLLHUP)) != 0)
				return;
			continue;
		}
		data += n;
		size -= (size_t)n;
	}
}

static void echo(struct fake *f)
{
	static char data[65536];
	ssize_t n = read(f->session, data, sizeof data);

	if (n <= 0) {
		close(f->session);
		f->session = -1;
		say(CONTROL_DETACHED, 0, 0, "");
		return;
	}
	write_all(f->session, data, (size_t)n);
	if (n == 5 && memcmp(data, "exit\n", 5) == 0) {
		say(CONTROL_EXITED, 0, 0, "");
		exit(0);
	}
}

static void begin(const struct fake *f)
{
	if (is(f, "fail"))
		say(CONTROL_FAILED, 0, 0, "the image is no image");
	if (is(f, "die"))
		say(CONTROL_DIED, 0, 0, "triple fault at 0x1234");
	if (is(f, "fail") || is(f, "die"))
		exit(1);
	if (is(f, "crash"))
		fputs("some words\nbug: \033[1m something does not hold\n", stderr);
	if (is(f, "crash"))
		abort();
	if (is(f, "garbage") && write(CONTROL_FD, "xyz", 3) != 3)
		exit(3);
	if (is(f, "slow") || is(f, "garbage"))
		for (;;)
			pause();
	say(CONTROL_LOADED, 0, 123000, "");
	say(CONTROL_USAGE, 0, 4096, "");
	if (is(f, "unasked"))
		say(CONTROL_DETACHED, 0, 0, "");
	if (is(f, "mute")) {
		close(CONTROL_FD);
		for (;;)
			pause();
	}
	while (is(f, "chatty"))
		say(CONTROL_USAGE, 0, 4096, "");
}

int main(int argc, char **argv)
{
	struct fake f = {.session = -1};
	char path[4096] = "";
	FILE *in;

	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], "--state") == 0)
			snprintf(path, sizeof path, "%s/behaviour", argv[i + 1]);
	in = fopen(path, "r");
	if (in != NULL) {
		if (fscanf(in, "%31s", f.behaviour) != 1)
			f.behaviour[0] = 0;
		fclose(in);
	}
	begin(&f);
	for (;;) {
		struct pollfd p[] = {{CONTROL_FD, POLLIN, 0}, {f.session, POLLIN, 0}};

		if (poll(p, 2, 500) == 0 && !is(&f, "silent"))
			say(CONTROL_USAGE, 0, 4096, "");
		if (p[0].revents != 0)
			take_command(&f);
		if (p[1].revents != 0 && f.session >= 0)
			echo(&f);
	}
}
