/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/spawn.h"
#include "host/keeper/control.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const environment[] = {(char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin", NULL};

struct plan {
	char *const *argv;
	int control, null, words;
	pid_t parent;
};

static bool place(int from, int to)
{
	if (from == to)
		return fcntl(to, F_SETFD, 0) == 0;
	return dup2(from, to) == to;
}

/* In the child, whose control socket is in place: becomes the program, or returns errno. */
static int become(const struct plan *p)
{
	static const int defaults[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2};
	sigset_t none;

	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return errno;
	if (getppid() != p->parent) /* died before the line above */
		return ESRCH;
	if (!place(p->null, 0) || !place(p->null, 1) || !place(p->words, 2))
		return errno;
	if (syscall(SYS_close_range, CONTROL_FD + 1, ~0u, 0) != 0)
		return errno;
	for (size_t i = 0; i < ARRAY_COUNT(defaults); i++)
		signal(defaults[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(p->argv[0], p->argv, environment);
	return errno;
}

/* What the program would have said, had it come to run. */
static void confess(const char *program, int failed)
{
	struct control c = {.type = CONTROL_FAILED};

	snprintf(c.text, sizeof c.text, "%s: %s", program, strerror(failed));
	(void)!write(CONTROL_FD, &c, sizeof c);
}

/* Signals wait until the child is another program: our handlers are not for it. */
static pid_t launch(const struct plan *p)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		/* first, and only then may anything be written to it; the others are above it, see lift */
		if (place(p->control, CONTROL_FD))
			confess(p->argv[0], become(p));
		_exit(127);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

uint64_t process_start(pid_t pid)
{
	char path[32], text[1024];
	unsigned long long start = 0;
	const char *at;
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof text - 1);
	fd_close(&fd);
	text[len < 0 ? 0 : len] = 0;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at != NULL)
		start = strtoull(at + 1, NULL, 10);
	return start;
}

static void kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Out of the way of what the child places at 0 to CONTROL_FD. */
static bool lift(int *fd)
{
	int up;

	if (*fd < 0 || *fd > CONTROL_FD)
		return *fd >= 0;
	up = fcntl(*fd, F_DUPFD_CLOEXEC, CONTROL_FD + 1);
	fd_close(fd);
	*fd = up;
	return up >= 0;
}

struct ends { /* ours first */
	int control[2], words[2], null;
};

static void ends_close(struct ends *e)
{
	fd_close(&e->null);
	for (size_t i = 0; i < 2; i++) {
		fd_close(&e->control[i]);
		fd_close(&e->words[i]);
	}
}

static enum err ends_open(struct ends *e, struct note *n)
{
	*e = (struct ends){{-1, -1}, {-1, -1}, -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, e->control) != 0 || pipe2(e->words, O_CLOEXEC) != 0)
		return refuse(n, err_of_errno(errno), "cannot make a socket or pipe: %s", strerror(errno));
	e->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!lift(&e->null) || !lift(&e->words[1]) || fcntl(e->control[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(e->words[0], F_SETFL, O_NONBLOCK) != 0)
		return refuse(n, err_of_errno(errno), "/dev/null: %s", strerror(errno));
	return OK;
}

static enum err start(char *const argv[], const struct ends *e, struct child *c, struct note *n)
{
	enum err err;

	c->pid = launch(&(struct plan){argv, e->control[1], e->null, e->words[1], getpid()});
	if (c->pid < 0)
		return refuse(n, err_of_errno(errno), "cannot start a process: %s", strerror(errno));
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0) {
		err = refuse(n, err_of_errno(errno), "cannot watch process %d: %s", (int)c->pid, strerror(errno));
		kill_and_reap(c->pid);
		return err;
	}
	c->pid_start = process_start(c->pid);
	return OK;
}

enum err spawn_child(char *const argv[], struct child *out, struct note *n)
{
	struct child c = {0};
	struct ends e;
	enum err err = ends_open(&e, n);

	if (err == OK)
		err = start(argv, &e, &c, n);
	if (err == OK) {
		c.control = e.control[0];
		c.words = e.words[0];
		e.control[0] = e.words[0] = -1;
		*out = c;
	}
	ends_close(&e);
	return err;
}
