/* SPDX-License-Identifier: Apache-2.0 */
/* Each test gives up rights in a child, which then tries what it must not, and reports by its end. */
#include "sys/sandbox.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { GOOD = 17, BAD = 18, NOBODY = 65534 };

static int told[2]; /* a pipe: what the child's handler says */

static int run(void (*child)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		child();
		_exit(BAD);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_good(void (*child)(void))
{
	int status = run(child);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GOOD);
}

static const struct sandbox_rule rules[] = {
	{__NR_write, 0, {{0}}},
	{__NR_exit_group, 0, {{0}}},
	{__NR_sigaltstack, 0, {{0}}}, /* AddressSanitizer makes it before _exit */
	{__NR_mmap, 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
	{__NR_getpid, 1, {{0, SCMP_CMP_EQ, 1, 0}}},
	{__NR_getpid, 1, {{0, SCMP_CMP_EQ, 2, 0}}},
};

static void tell(int call)
{
	(void)!write(told[1], &call, sizeof call);
}

static void enter(void)
{
	if (sandbox_renounce(NULL) != OK || sandbox_on_violation(tell, NULL) != OK ||
	    sandbox_calls(rules, ARRAY_COUNT(rules), NULL) != OK)
		_exit(BAD);
}

static void do_allowed(void)
{
	enter();
	if (syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ||
	    syscall(SYS_getpid, 1) <= 0 || syscall(SYS_getpid, 2) <= 0)
		_exit(BAD);
	_exit(GOOD);
}

static void map_executable(void)
{
	enter();
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void call_with_other_argument(void)
{
	enter();
	syscall(SYS_getpid, 3);
}

static void open_socket(void)
{
	enter();
	syscall(SYS_socket, 1, 1, 0);
}

static void allowed_calls_work(void **state)
{
	(void)state;
	expect_good(do_allowed);
}

static void violations_are_told_and_end_by_sigsys(void **state)
{
	static const struct {
		void (*child)(void);
		int call;
	} cases[] = {{map_executable, SYS_mmap}, {call_with_other_argument, SYS_getpid}, {open_socket, SYS_socket}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		int call = -1, status = run(cases[i].child);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		assert_int_equal(read(told[0], &call, sizeof call), sizeof call);
		assert_int_equal(call, cases[i].call);
	}
}

static void renounce_and_look(void)
{
	const bool ok = sandbox_renounce(NULL) == OK && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0;

	/* Root without capabilities cannot override the owner of a file. */
	_exit(ok && (getuid() != 0 || (setuid(1) != 0 && errno == EPERM)) ? GOOD : BAD);
}

static void renouncing_is_complete(void **state)
{
	(void)state;
	expect_good(renounce_and_look);
}

static void become_nobody(void)
{
	if (sandbox_become("65534", NULL) != OK || getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY ||
	    getgroups(0, NULL) != 0)
		_exit(BAD);
	_exit(setuid(0) != 0 && setgid(0) != 0 ? GOOD : BAD);
}

static void another_user_for_ever(void **state)
{
	struct note n = {0};

	(void)state;
	assert_int_equal(sandbox_become("no-such-user-here", &n), ERR_NOT_FOUND);
	assert_non_null(strstr(n.text, "no-such-user-here"));
	assert_int_equal(sandbox_become("99999999999999999999", NULL), ERR_NOT_FOUND);
	if (geteuid() != 0) {
		assert_int_equal(sandbox_become("0", NULL), ERR_PERMISSION);
		skip(); /* only root can become another */
	}
	expect_good(become_nobody);
}

static void limit_files(void)
{
	const struct sandbox_limit some[] = {{RLIMIT_NOFILE, 20}, {RLIMIT_CORE, 0}}, more[] = {{RLIMIT_NOFILE, 30}};
	struct rlimit r;

	if (sandbox_limit(some, ARRAY_COUNT(some), NULL) != OK || sandbox_limit(more, 1, NULL) != OK ||
	    getrlimit(RLIMIT_NOFILE, &r) != 0)
		_exit(BAD);
	_exit(r.rlim_cur == 20 && r.rlim_max == 20 && dup2(1, 20) < 0 && dup2(1, 19) == 19 ? GOOD : BAD);
}

static void limits_only_get_tighter(void **state)
{
	(void)state;
	expect_good(limit_files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed_calls_work),    cmocka_unit_test(violations_are_told_and_end_by_sigsys),
		cmocka_unit_test(renouncing_is_complete), cmocka_unit_test(another_user_for_ever),
		cmocka_unit_test(limits_only_get_tighter),
	};

	if (pipe(told) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
