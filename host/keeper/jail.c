/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper that a Keep took over must be of little use to it: another user, no capability, no file, no network, no new
 * process, and only the system calls below. Anonymous memory stays possible (growth, the allocator), executable not.
 */
#include "host/keeper/jail.h"

#include "abi/keepcall.h"
#include "host/keeper/report.h"
#include "sys/sandbox.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By its number: asking the user database would cost more than starting the Keep. */
#define NOBODY "65534"

enum err jail_rights(const char *user, struct note *n)
{
	if (user == NULL && geteuid() == 0)
		user = NOBODY;
	if (user != NULL)
		TRY(sandbox_become(user, n));
	TRY(sandbox_renounce(n));
	/* Last: a change of user clears it. If the agent died before, its socket is closed, which we see too. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return refuse(n, ERR_UNSUPPORTED, "this kernel cannot tie a process to its parent");
	return OK;
}

#define ANY(name) {__NR_##name, 0, {{0}}}
#define WITH(name, number, wanted) {__NR_##name, 1, {{number, SCMP_CMP_EQ, wanted, 0}}}
#define WITHOUT_BITS(name, number, bits) {__NR_##name, 1, {{number, SCMP_CMP_MASKED_EQ, bits, 0}}}

static const struct sandbox_rule common_rules[] = {
	/* Sessions, the agent, the doorbell. recvmsg may bring descriptors: from the agent only, who could do all of it himself. */
	ANY(ppoll), ANY(poll), ANY(epoll_ctl), ANY(epoll_wait), ANY(sendto), ANY(recvfrom), ANY(recvmsg), ANY(getsockopt), ANY(accept4),
	ANY(shutdown), ANY(read), ANY(write), ANY(close),
	/* Time and signals. */
	ANY(clock_gettime), ANY(setitimer), ANY(rt_sigreturn), ANY(rt_sigprocmask), ANY(restart_syscall), ANY(gettid), ANY(getpid),
	/* Memory, never executable. */
	ANY(brk), ANY(munmap), ANY(mremap), ANY(madvise), WITHOUT_BITS(mmap, 2, PROT_EXEC), WITHOUT_BITS(mprotect, 2, PROT_EXEC),
	/* Signing evidence. */
	ANY(getrandom), ANY(futex),
	ANY(exit_group), ANY(exit),
};
static const struct sandbox_rule vm_rules[] = {WITH(ioctl, 1, KVM_RUN), WITH(ioctl, 1, KVM_SET_USER_MEMORY_REGION)};
static const struct sandbox_rule process_rules[] = {ANY(wait4), ANY(pidfd_send_signal)};

enum { RULES_MAX = ARRAY_COUNT(common_rules) + 4 };

static size_t add(struct sandbox_rule *to, size_t have, const struct sandbox_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[have++] = rules[i];
	return have;
}

static enum err filter(enum boot_kind kind, struct note *n)
{
	struct sandbox_rule rules[RULES_MAX];
	size_t count = add(rules, 0, common_rules, ARRAY_COUNT(common_rules));

	/* Signals to ourselves: a kick, an abort. */
	rules[count++] = (struct sandbox_rule)WITH(tgkill, 0, (scmp_datum_t)getpid());
	if (kind == BOOT_VM)
		count = add(rules, count, vm_rules, ARRAY_COUNT(vm_rules));
	else
		count = add(rules, count, process_rules, ARRAY_COUNT(process_rules));
	return sandbox_calls(rules, count, n);
}

static int told_on;

static void tell_violation(int call)
{
	struct note n = {0};

	note_set(&n, "the keeper's sandbox stopped it at system call %d", call);
	control_report(told_on, CONTROL_DIED, 0, 0, 0, n.text);
}

enum err jail_calls(enum boot_kind kind, uint64_t memory_max, int control, struct note *n)
{
	const uint64_t gib = UINT64_C(1) << 30;
	const uint64_t space = memory_max < UINT64_MAX / 4 ? 2 * memory_max + 2 * gib : UINT64_MAX / 2;
	const struct sandbox_limit limits[] = {
		{RLIMIT_AS, space}, {RLIMIT_NOFILE, KEEPCALL_CHANNEL_MAX + 64}, {RLIMIT_NPROC, 0},
		{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0},
	};

	TRY(sandbox_limit(limits, ARRAY_COUNT(limits), n));
	told_on = control;
	TRY(sandbox_on_violation(tell_violation, n));
	return filter(kind, n);
}
