/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sandbox.h"

#include "sys/file.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum err failed(struct note *n, const char *what)
{
	int code = errno;

	return refuse(n, err_of_errno(code), "cannot %s: %s", what, strerrordesc_np(code));
}

static enum err find_user(const char *user, uid_t *uid, gid_t *gid, struct note *n)
{
	const struct passwd *found;
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(user, &end, 10);
	if (user[0] >= '0' && user[0] <= '9' && *end == 0 && errno == 0 && number < UINT32_MAX) {
		*uid = (uid_t)number;
		*gid = (gid_t)number;
		return OK;
	}
	found = getpwnam(user);
	if (found == NULL)
		return refuse(n, ERR_NOT_FOUND, "there is no user %s on this machine", user);
	*uid = found->pw_uid;
	*gid = found->pw_gid;
	return OK;
}

enum err sandbox_become(const char *user, struct note *n)
{
	uid_t uid = 0;
	gid_t gid = 0;

	TRY(find_user(user, &uid, &gid, n));
	if (geteuid() != 0) {
		if (uid != geteuid() || uid != getuid())
			return refuse(n, ERR_PERMISSION, "only root can become user %s: leave the option out", user);
		return OK;
	}
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return failed(n, "change the user");
	if (uid != 0 && setuid(0) == 0)
		return refuse(n, ERR_PERMISSION, "the user was changed but can be changed back");
	return OK;
}

enum err sandbox_renounce(struct note *n)
{
	int bounds;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return failed(n, "set the process attributes");
	if (capng_get_caps_process() != 0)
		return failed(n, "read the capabilities");
	/* The bounding set needs a capability to shrink; without it no_new_privs says the same. */
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return failed(n, "drop the capabilities");
	return OK;
}

enum err sandbox_limit(const struct sandbox_limit *limits, size_t count, struct note *n)
{
	for (size_t i = 0; i < count; i++) {
		struct rlimit r;

		if (getrlimit(limits[i].resource, &r) != 0)
			return failed(n, "read a resource limit");
		if (limits[i].value < r.rlim_max)
			r.rlim_max = limits[i].value;
		r.rlim_cur = r.rlim_max;
		if (setrlimit(limits[i].resource, &r) != 0)
			return failed(n, "set a resource limit");
	}
	return OK;
}

static int add_rules(scmp_filter_ctx filter, const struct sandbox_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int code = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, rules[i].argument_count,
						  rules[i].argument);

		if (code != 0)
			return code;
	}
	return seccomp_load(filter);
}

enum err sandbox_calls(const struct sandbox_rule *rules, size_t count, struct note *n)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int code;

	if (filter == NULL)
		return refuse(n, ERR_NOMEM, "no memory for the seccomp filter");
	code = add_rules(filter, rules, count);
	seccomp_release(filter);
	if (code != 0)
		return refuse(n, err_of_errno(-code), "cannot install the seccomp filter: %s", strerrordesc_np(-code));
	return OK;
}

static void (*violation_teller)(int call);

static void on_violation(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	violation_teller(info->si_syscall);
	/* A second violation while the first is handled: the kernel kills. uselib is in nobody's rules. */
	syscall(SYS_uselib, NULL);
	_exit(128 + SIGSYS);
}

enum err sandbox_on_violation(void (*tell)(int call), struct note *n)
{
	struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};

	violation_teller = tell;
	if (sigaction(SIGSYS, &action, NULL) != 0)
		return failed(n, "catch SIGSYS");
	return OK;
}
