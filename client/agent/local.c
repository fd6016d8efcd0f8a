/* SPDX-License-Identifier: Apache-2.0 */
/* The agent inherits one end of a socket pair: the only connection there will ever be, with no name anywhere. */
#include "client/agent/local.h"

#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_MS = 3000 };

extern char **environ;

enum err sibling(const char *name, char *out, size_t capacity, struct note *n)
{
	static const char *const places[] = {"", "../sbin/", "../lib/broch/", "../libexec/broch/"};
	char self[512];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (len <= 0)
		return refuse(n, ERR_IO, "reading /proc/self/exe: %s", strerror(errno));
	self[len] = 0;
	slash = strrchr(self, '/');
	if (slash == NULL)
		return refuse(n, ERR_IO, "/proc/self/exe is not a path");
	slash[1] = 0;
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		int size = snprintf(out, capacity, "%s%s%s", self, places[i], name);

		if (size > 0 && (size_t)size < capacity && access(out, R_OK) == 0)
			return OK;
	}
	return refuse(n, ERR_NOT_FOUND, "%s is not in %s nor in ../sbin, ../lib/broch beside it; build or install all of Broch",
		      name, self);
}

struct launch {
	int socket, parent, log; /* log -1: our standard error */
	const char *program, *state;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
};

/* A descriptor duplicated onto itself stays open across exec. */
static int arrange_files(struct launch *a)
{
	int failed = posix_spawn_file_actions_addopen(&a->files, 0, "/dev/null", O_RDONLY, 0);

	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&a->files, a->log >= 0 ? a->log : 2, 1);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&a->files, a->log >= 0 ? a->log : 2, 2);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&a->files, a->socket, a->socket);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&a->files, a->parent, a->parent);
	return failed;
}

/* A session of its own, so that the terminal's Ctrl-C reaches us alone; signals as a fresh program expects them. */
static int arrange_signals(struct launch *a)
{
	sigset_t all, none;
	int failed;

	sigfillset(&all);
	sigemptyset(&none);
	failed = posix_spawnattr_setsigdefault(&a->attributes, &all);
	if (failed == 0)
		failed = posix_spawnattr_setsigmask(&a->attributes, &none);
	if (failed == 0)
		failed = posix_spawnattr_setflags(&a->attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
									  POSIX_SPAWN_SETSIGMASK);
	return failed;
}

static enum err spawn(struct launch *a, pid_t *pid, struct note *n)
{
	char listen_at[32], parent[16];
	char *argv[] = {(char *)(uintptr_t)a->program, "--private", "--listen", listen_at, "--parent-fd", parent, "--state",
			(char *)(uintptr_t)a->state, NULL};
	int failed;

	snprintf(listen_at, sizeof listen_at, "fd:%d", a->socket);
	snprintf(parent, sizeof parent, "%d", a->parent);
	if (posix_spawn_file_actions_init(&a->files) != 0)
		return ERR_NOMEM;
	if (posix_spawnattr_init(&a->attributes) != 0) {
		posix_spawn_file_actions_destroy(&a->files);
		return ERR_NOMEM;
	}
	failed = arrange_files(a);
	if (failed == 0)
		failed = arrange_signals(a);
	if (failed == 0)
		failed = posix_spawn(pid, a->program, &a->files, &a->attributes, argv, environ);
	posix_spawn_file_actions_destroy(&a->files);
	posix_spawnattr_destroy(&a->attributes);
	return failed == 0 ? OK : refuse(n, err_of_errno(failed), "starting %s: %s", a->program, strerror(failed));
}

enum err local_start(const char *state, bool verbose, int wake_fd, int timeout_ms, struct place **out, struct local *l,
		     struct note *n)
{
	char program[600];
	struct launch a = {.log = -1, .program = program, .state = state};
	int ends[2], pipe_fds[2];
	enum err err;

	*l = (struct local){.parent_fd = -1, .log_fd = -1};
	TRY(sibling("brochd", program, sizeof program, n));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return refuse(n, err_of_errno(errno), "making a socket for a private host agent: %s", strerror(errno));
	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return refuse(n, ERR_IO, "making a pipe: %s", strerror(errno));
	}
	a.socket = ends[1];
	a.parent = pipe_fds[0];
	l->parent_fd = pipe_fds[1];
	if (!verbose)
		a.log = l->log_fd = memfd_create("brochd-log", MFD_CLOEXEC);
	err = spawn(&a, &l->pid, n);
	fd_close(&a.socket);
	fd_close(&a.parent);
	if (err == OK)
		return place_of_fd(ends[0], "unix:(private)", wake_fd, timeout_ms, out, n);
	fd_close(&ends[0]);
	fd_close(&l->parent_fd);
	fd_close(&l->log_fd);
	return err;
}

void local_words(const struct local *l, char *out, size_t capacity)
{
	char tail[512];
	off_t end = l->log_fd >= 0 ? lseek(l->log_fd, 0, SEEK_END) : 0;
	off_t from = end > (off_t)sizeof tail ? end - (off_t)sizeof tail : 0;
	ssize_t got = end > 0 ? pread(l->log_fd, tail, sizeof tail, from) : 0;
	size_t size = got > 0 ? (size_t)got : 0, start;

	while (size > 0 && tail[size - 1] == '\n')
		size--;
	for (start = size; start > 0 && tail[start - 1] != '\n'; start--)
		;
	slice_shown(slice_of(tail + start, size - start), out, capacity);
}

void local_stop(struct local *l)
{
	struct pollfd p = {.events = POLLIN};

	if (l->pid <= 0)
		return;
	fd_close(&l->parent_fd);
	p.fd = pidfd_open(l->pid, 0);
	if (p.fd < 0 || poll(&p, 1, STOP_MS) != 1)
		kill(l->pid, SIGKILL);
	fd_close(&p.fd);
	(void)waitpid(l->pid, NULL, 0);
	fd_close(&l->log_fd);
	l->pid = 0;
}
