/* SPDX-License-Identifier: Apache-2.0 */
/* The real program, from outside, with a tiny Keep that takes orders (test/keeps/orders.c), under each backend that works here. */
#include "abi/keepcall.h"
#include "host/keeper/control.h"
#include "host/tee/tee.h"
#include "host/vmm/vmm.h"
#include "sys/fdpass.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { GIVE_UP_S = 120, MEMORY_MAX = 16 << 20, LINE = 256, CONTROL_SPARE = 20, COMPUTES_US = 20000, DEATHS = 10 };

static char state_dir[] = "/tmp/broch-keeper-test-XXXXXX";
static const char *backend;
static char known[12] = "0"; /* --kvm-known */

struct child {
	pid_t pid;
	int control;
};
static pid_t started; /* the last one */

NORETURN static void become_keeper(int control, const char *image, const char *tee)
{
	char memory[LINE];

	snprintf(memory, sizeof memory, "%d", MEMORY_MAX);
	if (dup2(fcntl(control, F_DUPFD, CONTROL_SPARE), CONTROL_FD) < 0)
		_exit(99);
	execl("build/bin/brochd-keep", "brochd-keep", "--id", "test", "--image", image, "--backend", backend, "--tee", tee,
	      "--state", state_dir, "--memory-max", memory, "--kvm-known", known, NULL);
	_exit(98);
}

static struct child start(const char *image, const char *tee)
{
	const struct timeval patience = {.tv_sec = GIVE_UP_S};
	struct child c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	c.control = pair[0];
	c.pid = fork();
	if (c.pid == 0)
		become_keeper(pair[1], image, tee);
	assert_true(c.pid > 0);
	started = c.pid;
	close(pair[1]);
	return c;
}

static struct control next(const struct child *c)
{
	struct control m = {0};
	ssize_t got;

	do
		got = recv(c->control, &m, sizeof m, 0);
	while (got == sizeof m && m.type == CONTROL_USAGE);
	if (got != sizeof m)
		m.type = 0; /* the end, or nothing in all that time */
	return m;
}

static int finish(struct child *c)
{
	int status = -1;

	waitpid(c->pid, &status, 0);
	started = 0;
	fd_close(&c->control);
	return status;
}

static void expect(const struct child *c, enum control_type type)
{
	struct control m = next(c);

	if (m.type != (uint32_t)type)
		fail_msg("packet %u, not %u: %s", m.type, (unsigned)type, m.text);
}

static const char *image(void)
{
	return strcmp(backend, "kvm") == 0 ? "build/keeps/orders.elf" : "build/keeps-process/orders.elf";
}

static struct child loaded(void)
{
	struct child c = start(image(), "soft-snp");

	expect(&c, CONTROL_LOADED);
	return c;
}

static int attach(const struct child *c)
{
	const struct control m = {.type = CONTROL_ATTACH};
	const struct timeval patience = {.tv_sec = GIVE_UP_S};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(fdpass_send(c->control, &m, sizeof m, pair[1]), OK);
	close(pair[1]);
	return pair[0];
}

/* Loaded, with one session. */
static struct child attached(int *client)
{
	struct child c = loaded();

	*client = attach(&c);
	expect(&c, CONTROL_ATTACHED);
	return c;
}

static void order(int client, char what)
{
	assert_int_equal(send(client, &what, 1, MSG_NOSIGNAL), 1);
}

static void expect_byte(int client, char what)
{
	char c = 0;

	assert_int_equal(recv(client, &c, 1, 0), 1);
	assert_int_equal(c, what);
}

static uint64_t expect_number(int client)
{
	uint64_t v = 0;

	assert_int_equal(recv(client, &v, sizeof v, MSG_WAITALL), sizeof v);
	return v;
}

/* A reset when the other end had not read all. */
static void expect_hangup(int client)
{
	char c;
	ssize_t got = recv(client, &c, 1, 0);

	assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
	close(client);
}

static void stop(const struct child *c)
{
	const struct control m = {.type = CONTROL_STOP};

	assert_int_equal(fdpass_send(c->control, &m, sizeof m, -1), OK);
}

/* The value of a line "name: value" of /proc/PID/status. */
static void proc_status(pid_t pid, const char *name, char value[static LINE])
{
	char path[LINE], line[LINE];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	value[0] = 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, "%255s", value);
	fclose(f);
}

static pid_t child_of(pid_t pid)
{
	char path[LINE];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

static size_t fd_count(pid_t pid)
{
	char path[LINE];
	size_t count = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

/* ---- tests ---- */

static void a_session_is_served(void **state)
{
	int client;
	struct child c = attached(&client);
	struct control end;

	(void)state;
	order(client, 'p');
	expect_byte(client, 'p');
	order(client, 'v'); /* signing works inside the sandbox */
	assert_in_range(expect_number(client), 1184, KEEPCALL_EVIDENCE_MAX);
	order(client, 'c');
	assert_true(expect_number(client) > 0);
	order(client, 'x');
	end = next(&c);
	assert_int_equal(end.type, CONTROL_EXITED);
	assert_int_equal(end.code, KEEPCALL_EXIT_DONE);
	expect_hangup(client);
	assert_int_equal(finish(&c), 0);
}

static void memory_grows_to_the_limit(void **state)
{
	int client;
	struct child c = attached(&client);

	(void)state;
	order(client, 'g');
	assert_int_equal(expect_number(client), MEMORY_MAX >> 20);
	order(client, 'p');
	expect_byte(client, 'p');
	close(client);
	expect(&c, CONTROL_DETACHED);
	expect(&c, CONTROL_EXITED);
	finish(&c);
}

static void a_loop_can_be_stopped(void **state)
{
	int client;
	struct child c = attached(&client);

	(void)state;
	order(client, 'l');
	stop(&c);
	expect(&c, CONTROL_EXITED);
	expect_hangup(client);
	assert_int_equal(finish(&c), 0);
}

static void a_session_gets_the_attention_of_a_busy_keep(void **state)
{
	int client;
	struct child c = attached(&client);
	int second;

	(void)state;
	order(client, 't');
	second = attach(&c);
	expect_byte(client, 't');
	stop(&c);
	expect(&c, CONTROL_EXITED);
	expect_hangup(second);
	close(client);
	finish(&c);
}

static void a_fault_is_told(void **state)
{
	int client;
	struct child c = attached(&client);
	struct control m;

	(void)state;
	order(client, 'n');
	m = next(&c);
	assert_int_equal(m.type, CONTROL_EXITED);
	assert_int_equal(m.code, KEEPCALL_EXIT_FAULT);
	assert_int_equal(m.a, 14);
	assert_non_null(strstr(m.text, "exception 14"));
	close(client);
	finish(&c);
}

static void nothing_is_left_when_the_keeper_is_killed(void **state)
{
	int client;
	struct child c = attached(&client);
	pid_t keep = child_of(c.pid);

	(void)state;
	order(client, 'l');
	kill(c.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	started = 0;
	if (keep != 0) /* ours now, and dying: the test is a subreaper */
		assert_int_equal(waitpid(keep, NULL, 0), keep);
	expect_hangup(client);
	assert_int_equal(next(&c).type, 0);
	fd_close(&c.control);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
}

static void kill_keep_process(bool computes)
{
	int client;
	struct child c = attached(&client);
	pid_t keep = child_of(c.pid);
	struct control m;

	if (keep == 0) { /* a VM has no process of its own */
		fd_close(&c.control);
		finish(&c);
		close(client);
		skip();
	}
	if (computes) {
		order(client, 't'); /* a loop: answered only when another session comes, which none does */
		usleep(COMPUTES_US);
	} else {
		/* Its answer was sent before it waits; the keeper is in that wait, or enters it with the Keep dead. */
		order(client, 'p');
		expect_byte(client, 'p');
	}
	kill(keep, SIGKILL);
	m = next(&c);
	assert_int_equal(m.type, CONTROL_DIED);
	assert_non_null(strstr(m.text, "killed"));
	expect_hangup(client);
	assert_int_equal(finish(&c), 0);
	assert_int_equal(waitpid(-1, NULL, 0), -1); /* the keeper left no zombie to us */
}

static void the_death_of_a_computing_keep_process_is_told(void **state)
{
	(void)state;
	kill_keep_process(true);
}

static void the_death_of_a_waiting_keep_process_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < DEATHS; i++) /* on both sides of the moment when the keeper falls asleep */
		kill_keep_process(false);
}

static void the_keeper_ends_with_its_agent(void **state)
{
	int client;
	struct child c = attached(&client);
	pid_t keep = child_of(c.pid);

	(void)state;
	order(client, 'l');
	fd_close(&c.control);
	assert_int_equal(finish(&c), 0);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_true(keep == 0 || kill(keep, 0) != 0);
	expect_hangup(client);
}

static void it_gave_up_its_rights(void **state)
{
	int client;
	struct child c = attached(&client);
	pid_t keep = child_of(c.pid);
	char value[LINE];

	(void)state;
	for (pid_t pid = c.pid; pid != 0; pid = pid == c.pid ? keep : 0) {
		proc_status(pid, "Uid", value);
		assert_string_not_equal(value, "0");
		proc_status(pid, "Groups", value);
		if (getuid() == 0)
			assert_string_equal(value, "");
		proc_status(pid, "CapEff", value);
		assert_string_equal(value, "0000000000000000");
		proc_status(pid, "CapPrm", value);
		assert_string_equal(value, "0000000000000000");
		proc_status(pid, "NoNewPrivs", value);
		assert_string_equal(value, "1");
		proc_status(pid, "Seccomp", value);
		assert_string_equal(value, "2");
	}
	/* A process without rights cannot be looked into by who is not root: that is the point of it. */
	if (getuid() == 0) {
		assert_in_range(fd_count(c.pid), 5, 12);
		if (keep != 0)
			assert_int_equal(fd_count(keep), 1);
	}
	close(client);
	finish(&c);
}

static void a_bad_start_is_told(void **state)
{
	static const struct {
		const char *image, *tee, *words;
	} cases[] = {
		{"/nowhere/keep.elf", "soft-snp", "/nowhere/keep.elf"},
		{"Makefile", "soft-snp", "Keep image"},
		{"/dev/zero", "soft-snp", "not a regular file"},
		{"build/keeps/orders.elf", "sgx", "--tee sgx"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct child c = start(cases[i].image, cases[i].tee);
		struct control m = next(&c);
		int status = finish(&c);

		if (m.type != CONTROL_FAILED || strstr(m.text, cases[i].words) == NULL)
			fail_msg("%s: packet %u: %s", cases[i].image, m.type, m.text);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	}
}

/* It is found out once on a host; a keeper that was told lives as one that found out. */
static void what_one_keeper_found_out_another_is_told(void **state)
{
	struct child c = start(image(), "soft-snp");
	struct control m = next(&c);
	int client;

	(void)state;
	assert_int_equal(m.type, CONTROL_LOADED);
	assert_true((m.code != 0) == (strcmp(backend, "kvm") == 0));
	stop(&c);
	expect(&c, CONTROL_EXITED);
	finish(&c);
	snprintf(known, sizeof known, "%u", m.code);
	c = attached(&client);
	stop(&c);
	expect(&c, CONTROL_EXITED);
	close(client);
	finish(&c);
	snprintf(known, sizeof known, "%u", 99U);
	c = start(image(), "soft-snp");
	m = next(&c);
	finish(&c);
	snprintf(known, sizeof known, "0");
	assert_int_equal(m.type, CONTROL_FAILED);
	assert_non_null(strstr(m.text, "--kvm-known 99"));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Of a test that failed half-way: the next ones wait for all children. */
static int end_what_is_left(void **state)
{
	(void)state;
	if (started != 0) {
		kill(started, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	started = 0;
	return 0;
}

/* Two large keys, which may take longer than anybody is waited for here. */
static bool make_keys_of_this_machine(void)
{
	struct note n = {0};
	struct tee *t;

	if (tee_soft_snp.open(state_dir, &t, &n) != OK) {
		fprintf(stderr, "%s\n", n.text);
		return false;
	}
	tee_soft_snp.close(t);
	return true;
}

static int run_all(const struct vmm_backend *b)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_session_is_served, end_what_is_left),
		cmocka_unit_test_teardown(memory_grows_to_the_limit, end_what_is_left),
		cmocka_unit_test_teardown(a_loop_can_be_stopped, end_what_is_left),
		cmocka_unit_test_teardown(a_session_gets_the_attention_of_a_busy_keep, end_what_is_left),
		cmocka_unit_test_teardown(a_fault_is_told, end_what_is_left),
		cmocka_unit_test_teardown(nothing_is_left_when_the_keeper_is_killed, end_what_is_left),
		cmocka_unit_test_teardown(the_death_of_a_computing_keep_process_is_told, end_what_is_left),
		cmocka_unit_test_teardown(the_death_of_a_waiting_keep_process_is_told, end_what_is_left),
		cmocka_unit_test_teardown(the_keeper_ends_with_its_agent, end_what_is_left),
		cmocka_unit_test_teardown(it_gave_up_its_rights, end_what_is_left),
		cmocka_unit_test_teardown(a_bad_start_is_told, end_what_is_left),
		cmocka_unit_test_teardown(what_one_keeper_found_out_another_is_told, end_what_is_left),
	};
	struct note n = {0};

	backend = b->name;
	if (b->probe(&n) != OK) {
		printf("SKIPPED %s: %s\n", b->name, n.text);
		return 0;
	}
	return cmocka_run_group_tests_name(b->name, tests, NULL, NULL);
}

int main(void)
{
	int failed;

	if (mkdtemp(state_dir) == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || !make_keys_of_this_machine())
		return 1;
	failed = run_all(&vmm_process) + run_all(&vmm_kvm);
	nftw(state_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}
