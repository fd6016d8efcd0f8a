/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process kind (abi/process.h): the plan runs as a program of its own, under its own seccomp filter, with a stream
 * socket as doorbell. It isolates the host from the Keep, and the Keep from the host not at all.
 *
 * The child dies with us in three ways: by the parent-death signal, by the end of its doorbell, and by destroy.
 */
#include "abi/process.h"
#include "host/vmm/code_log.h"
#include "host/vmm/elf_out.h"
#include "host/vmm/spans.h"
#include "host/vmm/vmm.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, KEEP_STACK = 256 * 1024, FD_SPARE = 16 };

struct vmm {
	pid_t pid;     /* 0: reaped */
	int pidfd;     /* names the child even when its number was given to somebody else */
	int doorbell;
	int kick;      /* eventfd */
	bool answered; /* the Keep waits for our byte; at first, for leave to begin */
	uint8_t *shared;
	struct spans granted;
	struct code_log code;
	uint64_t image_size, granted_size, memory_max;
};

static enum err process_probe(struct note *n)
{
	int fd = memfd_create("broch-probe", MFD_CLOEXEC);

	if (fd < 0)
		return refuse(n, ERR_UNSUPPORTED, "this kernel has no memfd_create: use Linux 5.9 or later");
	fd_close(&fd);
	if (prctl(PR_GET_SECCOMP) < 0)
		return refuse(n, ERR_UNSUPPORTED, "this kernel has no seccomp filters: enable CONFIG_SECCOMP_FILTER");
	return OK;
}

/* ---- the child, between fork and exec: only what is safe after fork ---- */

struct start {
	int image, doorbell, shared, report;
	pid_t parent;
	uint64_t data_max;
};

static bool limit(int resource, rlim_t value)
{
	struct rlimit have;

	if (getrlimit((__rlimit_resource_t)resource, &have) != 0)
		return false;
	if (have.rlim_max != RLIM_INFINITY && value > have.rlim_max)
		value = have.rlim_max; /* ours is already tighter */
	return setrlimit((__rlimit_resource_t)resource, &(struct rlimit){value, value}) == 0;
}

static bool set_limits(const struct start *s)
{
	return limit(RLIMIT_DATA, s->data_max) && limit(RLIMIT_STACK, KEEP_STACK) && limit(RLIMIT_CORE, 0) &&
	       limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_MSGQUEUE, 0) &&
	       limit(RLIMIT_SIGPENDING, 16) && limit(RLIMIT_NPROC, 0);
}

/* A Keep needs nobody's rights. */
static bool become_nobody(void)
{
	if (geteuid() != 0)
		return true;
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/* After become_nobody, which would clear it. The parent may have died before it was set. */
static bool die_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool clear_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* The doorbell and the shared area at their numbers, then the image and the report, which close on exec; no others.
 * First all four move out of the way of those numbers. */
static bool arrange_fds(struct start *s)
{
	int *fds[] = {&s->doorbell, &s->shared, &s->image, &s->report};

	for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
		*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, FD_SPARE);
		if (*fds[i] < 0)
			return false;
	}
	if (dup2(s->doorbell, PROCESS_DOORBELL_FD) < 0 || dup2(s->shared, PROCESS_SHARED_FD) < 0)
		return false;
	s->image = dup3(s->image, PROCESS_SHARED_FD + 1, O_CLOEXEC);
	s->report = dup3(s->report, PROCESS_SHARED_FD + 2, O_CLOEXEC);
	return s->image >= 0 && s->report >= 0 && close_range(0, PROCESS_DOORBELL_FD - 1, 0) == 0 &&
	       close_range(PROCESS_SHARED_FD + 3, ~0U, 0) == 0;
}

NORETURN static void child(struct start s)
{
	char *const argv[] = {(char[]){"broch-keep"}, NULL}, *const envp[] = {NULL};
	int code;
	ssize_t ignored;

	if (arrange_fds(&s) && become_nobody() && die_with(s.parent) && clear_signals() &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && set_limits(&s))
		syscall(SYS_execveat, s.image, "", argv, envp, AT_EMPTY_PATH);
	code = errno;
	ignored = write(s.report, &code, sizeof code);
	(void)ignored;
	_exit(PROCESS_EXIT_ALONE);
}

/* ---- the parent ---- */

/* The report is empty when exec closed it. */
static enum err await_exec(int report, struct note *n)
{
	int code;
	ssize_t got;

	do
		got = read(report, &code, sizeof code);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return OK;
	if (got != sizeof code)
		code = EIO;
	return refuse(n, err_of_errno(code), "cannot start the Keep process: %s", strerrordesc_np(code));
}

static void end_child(struct vmm *v)
{
	if (v->pid <= 0)
		return;
	if (v->pidfd < 0 || syscall(SYS_pidfd_send_signal, v->pidfd, SIGKILL, NULL, 0) != 0)
		kill(v->pid, SIGKILL);
	while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
		;
	v->pid = 0;
}

static enum err launch(struct vmm *v, struct start s, struct note *n)
{
	int report[2];
	enum err err;

	if (pipe2(report, O_CLOEXEC) != 0)
		return refuse(n, err_of_errno(errno), "cannot make a pipe: %s", strerrordesc_np(errno));
	s.report = report[1];
	s.parent = getpid();
	v->pid = fork();
	if (v->pid == 0)
		child(s);
	fd_close(&report[1]);
	if (v->pid < 0)
		err = refuse(n, err_of_errno(errno), "cannot fork for the Keep: %s", strerrordesc_np(errno));
	else
		err = await_exec(report[0], n);
	fd_close(&report[0]);
	if (err == OK)
		v->pidfd = (int)syscall(SYS_pidfd_open, v->pid, 0);
	return err;
}

/* Whoever maps it can rely on its size: nobody can shrink it under us. */
static enum err make_shared(struct vmm *v, int *fd, struct note *n)
{
	void *at;

	*fd = memfd_create("broch-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || ftruncate(*fd, KEEPCALL_SHARED_SIZE) != 0 ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return refuse(n, err_of_errno(errno), "cannot make the shared area: %s", strerrordesc_np(errno));
	at = mmap(NULL, KEEPCALL_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (at == MAP_FAILED)
		return refuse(n, ERR_NOMEM, "cannot map the shared area: %s", strerrordesc_np(errno));
	v->shared = at;
	return OK;
}

static enum err make_doorbell(struct vmm *v, int *theirs, struct note *n)
{
	int pair[2];

	v->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->kick < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return refuse(n, err_of_errno(errno), "cannot make the doorbell: %s", strerrordesc_np(errno));
	v->doorbell = pair[0];
	*theirs = pair[1];
	return OK;
}

static uint64_t size_of_plan(const struct plan *p)
{
	uint64_t size = 0;

	for (size_t i = 0; i < p->range_count; i++)
		if (p->ranges[i].type != PLAN_SHARED)
			size += (uint64_t)p->ranges[i].count * PLAN_PAGE_SIZE;
	return size;
}

static enum err prepare(struct vmm *v, struct start *s, const struct plan *p, struct note *n)
{
	if (p->params.kind != BOOT_PROCESS || p->cpu.rdi != BOOT_INFO_VA)
		return refuse(n, ERR_INVALID, "the launch plan is not for a process");
	TRY(elf_out(p, &s->image, n));
	TRY(make_shared(v, &s->shared, n));
	return make_doorbell(v, &s->doorbell, n);
}

static void process_destroy(struct vmm *v)
{
	if (v == NULL)
		return;
	end_child(v);
	fd_close(&v->pidfd);
	fd_close(&v->doorbell);
	fd_close(&v->kick);
	if (v->shared != NULL)
		munmap(v->shared, KEEPCALL_SHARED_SIZE);
	free(v);
}

static enum err process_create(struct plan *p, uint64_t memory_max, struct vmm **out, struct note *n)
{
	struct start s = {.image = -1, .doorbell = -1, .shared = -1};
	struct vmm *v = calloc(1, sizeof *v);
	enum err err;

	if (v == NULL)
		return refuse(n, ERR_NOMEM, "no memory for a Keep");
	v->pidfd = v->doorbell = v->kick = -1;
	v->image_size = size_of_plan(p);
	v->memory_max = memory_max;
	v->answered = true;
	if (add_overflows(memory_max, v->image_size + PROCESS_STACK_SIZE + KEEP_STACK, &s.data_max))
		err = refuse(n, ERR_RANGE, "memory limit of %llu bytes is too large", (unsigned long long)memory_max);
	else
		err = prepare(v, &s, p, n);
	if (err == OK)
		err = launch(v, s, n);
	fd_close(&s.image);
	fd_close(&s.doorbell);
	fd_close(&s.shared);
	if (err != OK) {
		process_destroy(v);
		return err;
	}
	*out = v;
	return OK;
}

static uint8_t *process_shared(struct vmm *v)
{
	return v->shared;
}

static const char *exit_text(int status)
{
	switch (status) {
	case PROCESS_EXIT_BOOT: return "its boot page is not ours";
	case PROCESS_EXIT_MAP: return "it could not map its memory";
	case PROCESS_EXIT_RANDOM: return "this CPU gives no random numbers (RDRAND)";
	case PROCESS_EXIT_KERNEL: return "the kernel refused its signal handlers";
	case PROCESS_EXIT_FILTER: return "the kernel refused its seccomp filter";
	case PROCESS_EXIT_ALONE: return "its doorbell was closed";
	default: return "it ended without EXIT";
	}
}

static void describe_death(int status, struct note *n)
{
	if (WIFEXITED(status))
		note_set(n, "Keep process: %s (status %d)", exit_text(WEXITSTATUS(status)), WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGSYS)
		note_set(n, "Keep process: made a forbidden system call (seccomp)");
	else if (WTERMSIG(status) == SIGKILL)
		note_set(n, "Keep process: killed, by the kernel for lack of memory or by somebody on this host");
	else
		note_set(n, "Keep process: killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
}

/* The doorbell is closed, and only the end of the process closes it: waiting is short. */
static void reap(struct vmm *v, struct note *n)
{
	int status = 0;

	while (waitpid(v->pid, &status, 0) < 0 && errno == EINTR)
		;
	v->pid = 0;
	describe_death(status, n);
}

static enum err answer(struct vmm *v, enum vmm_event *event, struct note *n)
{
	if (!v->answered)
		return OK;
	v->answered = false;
	if (send(v->doorbell, "", 1, MSG_NOSIGNAL) == 1)
		return OK;
	reap(v, n);
	*event = VMM_DIED;
	return OK;
}

/* True once the Keep rang or died. */
static bool take_ring(struct vmm *v, enum vmm_event *event, struct note *n)
{
	char byte;
	ssize_t got = recv(v->doorbell, &byte, 1, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got == 1) {
		v->answered = true;
		*event = VMM_CALL;
		return true;
	}
	reap(v, n);
	*event = VMM_DIED;
	return true;
}

static enum err process_run(struct vmm *v, enum vmm_event *event, struct note *n)
{
	struct pollfd fds[] = {{.fd = v->doorbell, .events = POLLIN}, {.fd = v->kick, .events = POLLIN}};
	uint64_t kicks;

	*event = VMM_DIED;
	if (v->pid == 0)
		return refuse(n, ERR_STATE, "the Keep process has ended already");
	TRY(answer(v, event, n));
	while (v->pid != 0) {
		if (poll(fds, ARRAY_COUNT(fds), -1) < 0 && errno != EINTR)
			return refuse(n, ERR_IO, "cannot wait for the Keep process: %s", strerrordesc_np(errno));
		if (take_ring(v, event, n))
			return OK;
		if (read(v->kick, &kicks, sizeof kicks) == sizeof kicks) {
			*event = VMM_KICKED;
			return OK;
		}
	}
	return OK;
}

/* The pages appear in the Keep (keep/shim/process/door.c) once it reads our answer. */
static enum err process_grow(struct vmm *v, uint64_t address, uint64_t size)
{
	uint64_t end, missing;

	if (add_overflows(address, size, &end))
		return ERR_RANGE;
	if (code_log_holds(address) && !code_log_may_grow(&v->code, address))
		return ERR_RANGE;
	missing = spans_missing(&v->granted, address, end);
	if (missing > v->memory_max - v->granted_size)
		return ERR_LIMIT;
	TRY(spans_add(&v->granted, address, end));
	v->granted_size += missing;
	if (code_log_holds(address))
		code_log_grew(&v->code, end);
	return OK;
}

/* Agreed to and noted here; the Keep's own door changes the pages. */
static enum err process_seal(struct vmm *v, uint64_t address, uint64_t size)
{
	if (!code_log_may_seal(&v->code, address, size))
		return ERR_RANGE;
	v->code.sealed += size;
	return OK;
}

/* So too. */
static enum err process_drop(struct vmm *v, uint64_t address, uint64_t size)
{
	TRY(spans_remove(&v->granted, address, address + size));
	v->granted_size -= size;
	return OK;
}

/* Async-signal-safe. The eventfd is full only when a kick is under way already. */
static void process_kick(struct vmm *v)
{
	static const uint64_t one = 1;
	int saved = errno;
	ssize_t ignored = write(v->kick, &one, sizeof one);

	(void)ignored;
	errno = saved;
}

static uint64_t process_memory(const struct vmm *v)
{
	return v->image_size + v->granted_size;
}

static int process_death(const struct vmm *v)
{
	return v->pidfd;
}

const struct vmm_backend vmm_process = {
	.name = "process",
	.kind = BOOT_PROCESS,
	.unprivileged = true,
	.probe = process_probe,
	.create = process_create,
	.shared = process_shared,
	.run = process_run,
	.grow = process_grow,
	.seal = process_seal,
	.drop = process_drop,
	.memory = process_memory,
	.kick = process_kick,
	.death = process_death,
	.destroy = process_destroy,
};
