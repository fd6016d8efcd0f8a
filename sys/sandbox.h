/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up rights, for ever, in four steps that a program takes in this order as early as it can. Each names in the
 * note what the kernel refused; a program that cannot give up a right must not go on.
 */
#ifndef BROCH_SYS_SANDBOX_H
#define BROCH_SYS_SANDBOX_H

#include "lib/base/err.h"

#include <seccomp.h>
#include <sys/resource.h>

/* As root: becomes `user` (a name or a number) with its group and no others. Otherwise it must be us already. */
MUST_USE enum err sandbox_become(const char *user, struct note *n);

/* No capability, none to gain (no_new_privs), no core dump, no debugger of the same user. */
MUST_USE enum err sandbox_renounce(struct note *n);

struct sandbox_limit {
	__rlimit_resource_t resource;
	rlim_t value;
};
/* Soft and hard limit; a hard limit that is tighter already stays. */
MUST_USE enum err sandbox_limit(const struct sandbox_limit *limits, size_t count, struct note *n);

struct sandbox_rule {
	int call;                /* __NR_... */
	unsigned argument_count; /* 0: whatever the arguments; else all of the comparisons must hold */
	struct scmp_arg_cmp argument[2];
};
/*
 * From here on only these system calls; a call may have several rules. Any other ends the process by SIGSYS, after
 * `tell` of sandbox_on_violation, if that was called before. Forks inherit it.
 */
MUST_USE enum err sandbox_calls(const struct sandbox_rule *rules, size_t count, struct note *n);

/* `tell` gets the number of the forbidden call, in a signal handler (async-signal-safe code only). */
MUST_USE enum err sandbox_on_violation(void (*tell)(int call), struct note *n);

#endif
