/* SPDX-License-Identifier: Apache-2.0 */
/* The process kind against a tiny Keep that obeys one order (test/keeps-process/probe.c). */
#include "host/vmm/vmm.h"
#include "sys/file.h"
#include "test/keeps/code.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MEMORY_MAX = 1024 * 1024, CODE_MEMORY_MAX = 64 << 20, IMAGE_MAX = 1024 * 1024 };

static struct vmm *start_image(const char *image, uint64_t memory_max)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	struct note n = {0};
	struct slice elf;
	struct plan p;
	struct vmm *v = NULL;

	if (file_read(image, IMAGE_MAX, &elf, &n) != OK ||
	    plan_build(&a, elf, (struct plan_params){BOOT_PROCESS, BOOT_TEE_NONE, 1}, &p, &n) != OK ||
	    vmm_process.create(&p, memory_max, &v, &n) != OK)
		fail_msg("%s", n.text);
	free((void *)(uintptr_t)elf.data);
	return v;
}

static struct vmm *start(void)
{
	return start_image("build/keeps-process/probe.elf", MEMORY_MAX);
}

struct end {
	enum vmm_event event; /* VMM_CALL: it rang EXIT */
	uint64_t code, detail;
	struct note note;
};

static void serve(struct vmm *v, struct keepcall_page *page, char order)
{
	enum err (*const how[])(struct vmm *, uint64_t, uint64_t) = {vmm_process.grow, vmm_process.seal, vmm_process.drop};

	page->status = KEEPCALL_OK;
	if (page->op == KEEPCALL_GROW)
		page->status = how[page->arg[2]](v, page->arg[0], page->arg[1]) == OK ? KEEPCALL_OK : KEEPCALL_NOMEM;
	else
		vmm_process.shared(v)[KEEPCALL_IN_OFFSET] = (uint8_t)order;
	page->answered = page->sequence;
}

/* Runs the Keep with this order until it exits or dies. */
static struct end run(struct vmm *v, char order)
{
	struct keepcall_page *page = (struct keepcall_page *)(void *)vmm_process.shared(v);
	struct end e = {0};

	for (;;) {
		assert_int_equal(vmm_process.run(v, &e.event, &e.note), OK);
		if (e.event != VMM_CALL)
			return e;
		if (page->op == KEEPCALL_EXIT) {
			e.code = page->arg[0];
			e.detail = page->arg[1];
			return e;
		}
		serve(v, page, order);
	}
}

static struct end obey(char order)
{
	struct vmm *v = start();
	struct end e = run(v, order);

	vmm_process.destroy(v);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
	return e;
}

static void what_must_work_works(void **state)
{
	(void)state;
	for (const char *order = "dglMua"; *order != 0; order++) {
		struct end e = obey(*order);

		if (e.event != VMM_CALL || e.code != KEEPCALL_EXIT_DONE)
			fail_msg("order %c: event %d code %d detail %d: %s", *order, (int)e.event, (int)e.code, (int)e.detail,
				 e.note.text);
	}
}

static void exceptions_are_reported(void **state)
{
	static const struct {
		char order;
		unsigned vector;
	} cases[] = {{'h', 14}, {'e', 14}, {'n', 14}, {'c', 14}, {'r', 14}, {'b', 14}, {'x', 14}, {'s', 14}, {'z', 0}, {'i', 6}, {'A', 14}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct end e = obey(cases[i].order);

		if (e.event != VMM_CALL || e.code != KEEPCALL_EXIT_FAULT || e.detail != cases[i].vector)
			fail_msg("order %c: event %d code %d vector %d: %s", cases[i].order, (int)e.event, (int)e.code,
				 (int)e.detail, e.note.text);
	}
}

static void forbidden_system_calls_kill(void **state)
{
	(void)state;
	for (const char *order = "okEfmpqCDFHIwWJKNP"; *order != 0; order++) {
		struct end e = obey(*order);

		if (e.event != VMM_DIED || strstr(e.note.text, "seccomp") == NULL)
			fail_msg("order %c: event %d code %d: %s", *order, (int)e.event, (int)e.code, e.note.text);
	}
}

/* A 32-bit call, which has other numbers: the filter kills it; machines that know none raise #GP. */
static void a_32_bit_call_does_nothing(void **state)
{
	struct end e = obey('3');
	const bool killed = e.event == VMM_DIED && strstr(e.note.text, "seccomp") != NULL;
	const bool unknown = e.event == VMM_CALL && e.code == KEEPCALL_EXIT_FAULT && e.detail == 13;

	(void)state;
	if (!killed && !unknown)
		fail_msg("event %d code %d vector %d: %s", (int)e.event, (int)e.code, (int)e.detail, e.note.text);
}

/* test/keeps/code.c, as under KVM. */
static void sealed_code(void **state)
{
	static const struct {
		const char *name;
		enum code_case c;
		enum keepcall_exit code;
		unsigned vector;
	} rows[] = {
#define PASS(name)          {#name, CODE_##name, KEEPCALL_EXIT_DONE, 0},
#define FAULT(name, vector) {#name, CODE_##name, KEEPCALL_EXIT_FAULT, vector},
#define FATAL(name)         {#name, CODE_##name, KEEPCALL_EXIT_FATAL, 0},
#include "test/keeps/code.def"
#undef PASS
#undef FAULT
#undef FATAL
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct vmm *v = start_image("build/keeps-process/code.elf", CODE_MEMORY_MAX);
		struct end e;

		((struct keepcall_page *)(void *)vmm_process.shared(v))->wall_tsc = (uint64_t)rows[i].c;
		e = run(v, 0);
		if (e.event != VMM_CALL || e.code != rows[i].code ||
		    (e.code == KEEPCALL_EXIT_FAULT && e.detail != rows[i].vector))
			fail_msg("%s: event %d code %d detail %d: %s", rows[i].name, (int)e.event, (int)e.code, (int)e.detail,
				 e.note.text);
		vmm_process.destroy(v);
	}
}

static void an_end_without_exit_is_a_death(void **state)
{
	struct end e = obey('8');

	(void)state;
	assert_int_equal(e.event, VMM_DIED);
	assert_non_null(strstr(e.note.text, "status 9"));
}

static struct vmm *looping;

static void on_alarm(int signal)
{
	(void)signal;
	vmm_process.kick(looping);
}

static void a_kick_comes_through_while_it_loops(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 20000};
	struct end e;

	(void)state;
	looping = start();
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	e = run(looping, 'L');
	assert_int_equal(e.event, VMM_KICKED);
	vmm_process.destroy(looping); /* must end what loops */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_kick_before_run_is_not_lost(void **state)
{
	struct vmm *v = start();
	enum vmm_event event;
	struct note n = {0};

	(void)state;
	vmm_process.kick(v);
	do
		assert_int_equal(vmm_process.run(v, &event, &n), OK);
	while (event == VMM_CALL);
	assert_int_equal(event, VMM_KICKED);
	vmm_process.destroy(v);
}

/* As kill -9 of a keeper: the Keep must not outlive it, even while it loops and never looks at its doorbell. */
static void the_keep_dies_with_its_keeper(void **state)
{
	int status = 0;
	pid_t keeper;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	keeper = fork();
	if (keeper == 0) {
		struct vmm *v = start();

		signal(SIGALRM, SIG_DFL);
		raise(SIGSTOP); /* alive, with a Keep */
		run(v, 'L');
		_exit(1);
	}
	assert_int_equal(waitpid(keeper, &status, WUNTRACED), keeper);
	assert_true(WIFSTOPPED(status));
	kill(keeper, SIGCONT);
	usleep(20000);
	kill(keeper, SIGKILL);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	/* The Keep is our child now; without the parent-death signal this would wait for ever. */
	alarm(10);
	signal(SIGALRM, SIG_DFL);
	assert_true(waitpid(-1, &status, 0) > 0);
	alarm(0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(-1, &status, 0), -1);
}

static void memory_is_counted_once(void **state)
{
	struct vmm *v = start();
	uint64_t before = vmm_process.memory(v);

	(void)state;
	assert_int_equal(vmm_process.grow(v, BOOT_HEAP_VA, 8192), OK);
	assert_int_equal(vmm_process.grow(v, BOOT_HEAP_VA + 4096, 8192), OK);
	assert_int_equal(vmm_process.memory(v) - before, 12288);
	assert_int_equal(vmm_process.grow(v, BOOT_LINEAR_VA, MEMORY_MAX - 12288), OK);
	assert_int_equal(vmm_process.grow(v, BOOT_HEAP_VA + 12288, 4096), ERR_LIMIT);
	assert_int_equal(vmm_process.grow(v, UINT64_MAX - 4095, 8192), ERR_RANGE);
	assert_int_equal(vmm_process.memory(v) - before, MEMORY_MAX);
	vmm_process.destroy(v);
}

static void other_plans_are_refused(void **state)
{
	struct plan vm = {.params.kind = BOOT_VM}, no_boot = {.params.kind = BOOT_PROCESS};
	struct plan_range supervisor = {.va = 4096, .type = PLAN_ZERO, .perm = PLAN_R | PLAN_SUPERVISOR, .count = 1};
	struct plan system = {.params.kind = BOOT_PROCESS, .cpu.rdi = BOOT_INFO_VA, .ranges = &supervisor, .range_count = 1};
	struct note n = {0};
	struct vmm *v;

	(void)state;
	assert_int_equal(vmm_process.create(&vm, MEMORY_MAX, &v, &n), ERR_INVALID);
	assert_int_equal(vmm_process.create(&no_boot, MEMORY_MAX, &v, NULL), ERR_INVALID);
	assert_int_equal(vmm_process.create(&system, MEMORY_MAX, &v, NULL), ERR_UNSUPPORTED);
	assert_int_equal(vmm_process.create(&vm, UINT64_MAX, &v, NULL), ERR_RANGE);
	assert_int_not_equal(n.text[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_work_works),
		cmocka_unit_test(exceptions_are_reported),
		cmocka_unit_test(forbidden_system_calls_kill),
		cmocka_unit_test(a_32_bit_call_does_nothing),
		cmocka_unit_test(sealed_code),
		cmocka_unit_test(an_end_without_exit_is_a_death),
		cmocka_unit_test(a_kick_comes_through_while_it_loops),
		cmocka_unit_test(a_kick_before_run_is_not_lost),
		cmocka_unit_test(memory_is_counted_once),
		cmocka_unit_test(other_plans_are_refused),
		cmocka_unit_test(the_keep_dies_with_its_keeper),
	};
	struct note n = {0};

	if (vmm_process.probe(&n) != OK) {
		printf("%s\n", n.text);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
