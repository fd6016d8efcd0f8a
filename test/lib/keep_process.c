/* SPDX-License-Identifier: Apache-2.0 */
#include "test/lib/keep_process.h"

#include "sys/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void exec_keeper(int control, const struct keep_options *o)
{
	char memory[32];

	snprintf(memory, sizeof memory, "%llu", o->memory_max);
	/* dup2 to itself would leave close-on-exec set. */
	if (control == CONTROL_FD ? fcntl(control, F_SETFD, 0) != 0 : dup2(control, CONTROL_FD) < 0)
		_exit(127);
	execl(o->keeper, "brochd-keep", "--id", "test", "--image", o->image, "--backend", o->backend, "--tee", o->tee,
	      "--state", o->state, "--memory-max", memory, (char *)NULL);
	_exit(127);
}

static bool wait_loaded(struct keep_process *k, struct control *loaded, struct control *why)
{
	struct control c;

	while (recv(k->control, &c, sizeof c, 0) == (ssize_t)sizeof c) {
		*why = c;
		if (c.type == CONTROL_FAILED || c.type == CONTROL_DIED)
			return false;
		if (c.type == CONTROL_LOADED) {
			if (loaded != NULL)
				*loaded = c;
			return true;
		}
	}
	snprintf(why->text, sizeof why->text, "%s ended without a word", "brochd-keep");
	return false;
}

static bool attach(struct keep_process *k)
{
	struct control c = {.type = CONTROL_ATTACH};
	int pair[2];
	enum err err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	err = fdpass_send(k->control, &c, sizeof c, pair[1]);
	close(pair[1]);
	k->session = pair[0];
	return err == OK;
}

bool keep_start(struct keep_process *k, const struct keep_options *o, struct control *loaded, struct control *why)
{
	int pair[2];

	memset(why, 0, sizeof *why);
	*k = (struct keep_process){.pid = -1, .control = -1, .session = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	k->pid = fork();
	if (k->pid == 0)
		exec_keeper(pair[1], o);
	close(pair[1]);
	k->control = pair[0];
	if (k->pid > 0 && wait_loaded(k, loaded, why) && attach(k))
		return true;
	keep_end(k);
	return false;
}

void keep_last_word(struct keep_process *k, struct control *last)
{
	const struct timeval second = {.tv_sec = 1};
	struct control c;

	memset(last, 0, sizeof *last);
	setsockopt(k->control, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
	while (recv(k->control, &c, sizeof c, 0) == (ssize_t)sizeof c)
		if (c.type == CONTROL_EXITED || c.type == CONTROL_DIED || c.type == CONTROL_FAILED)
			*last = c;
}

void keep_end(struct keep_process *k)
{
	if (k->session >= 0)
		close(k->session);
	if (k->control >= 0)
		close(k->control);
	if (k->pid > 0) {
		kill(k->pid, SIGKILL);
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*k = (struct keep_process){.pid = -1, .control = -1, .session = -1};
}

bool keep_write(struct keep_process *k, const void *p, size_t size)
{
	const char *at = p;

	while (size > 0) {
		ssize_t n = send(k->session, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

bool keep_read(struct keep_process *k, void *p, size_t size)
{
	char *at = p;

	while (size > 0) {
		ssize_t n = recv(k->session, at, size, 0);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}
