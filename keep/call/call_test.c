/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door against hosts of every kind: one that keeps the contract, and thousands that answer anything. A call either
 * returns something within the contract, or the Keep stops; memory around the buffers stays as it was. The sanitizers
 * watch the shared area's ends.
 */
#include "keep/call/call.h"
#include "keep/call/fault.h"
#include "lib/base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { VARIANTS = 20000, CANARY = 0x5c };

static uint8_t *shared;
static jmp_buf stopped;
static bool honest;                            /* whom door_ring plays */
static void (*answer)(struct keepcall_page *); /* the honest one's */
static unsigned rings;
static uint64_t state = 1; /* of the random numbers; the same each time */

static struct keepcall_page *page(void)
{
	return (struct keepcall_page *)(void *)shared;
}

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Values at which checks go wrong, more often than others. */
static uint64_t nasty(void)
{
	static const uint64_t edges[] = {0,
	                                 1,
	                                 2,
	                                 5,
	                                 6,
	                                 7,
	                                 63,
	                                 64,
	                                 65,
	                                 255,
	                                 256,
	                                 1023,
	                                 1024,
	                                 4096,
	                                 KEEPCALL_EVIDENCE_MAX,
	                                 KEEPCALL_EVIDENCE_MAX + 1,
	                                 KEEPCALL_WINDOW_SIZE - 1,
	                                 KEEPCALL_WINDOW_SIZE,
	                                 KEEPCALL_WINDOW_SIZE + 1,
	                                 UINT32_MAX,
	                                 UINT64_C(1) << 32,
	                                 UINT64_MAX - 1,
	                                 UINT64_MAX};
	const uint64_t r = next();

	return r % 4 == 0 ? next() : edges[r / 4 % ARRAY_COUNT(edges)];
}

static void hostile(struct keepcall_page *p)
{
	p->status = next() % 3 == 0 ? (uint32_t)nasty() : (uint32_t)(next() % KEEPCALL_STATUS_LIMIT);
	p->answered = next() % 8 == 0 ? p->sequence + (uint32_t)nasty() : p->sequence;
	p->ret[0] = nasty();
	p->ret[1] = nasty();
	if (next() % 2 == 0)
		memcpy(shared + KEEPCALL_IN_OFFSET, shared + KEEPCALL_OUT_OFFSET, 64 * sizeof(struct keepcall_poll));
	for (int i = 0; i < 8; i++)
		shared[KEEPCALL_IN_OFFSET + next() % (64 * sizeof(struct keepcall_poll))] = (uint8_t)next();
	if (next() % 16 == 0) { /* it may also scribble over the request */
		p->op = (uint32_t)next();
		p->sequence = (uint32_t)next();
		p->arg[next() % 4] = next();
	}
}

void door_ring(void)
{
	struct keepcall_page *p = page();

	rings++;
	if (!honest) {
		hostile(p);
		return;
	}
	p->status = KEEPCALL_OK;
	p->answered = p->sequence;
	p->ret[0] = p->ret[1] = 0;
	if (answer != NULL)
		answer(p);
}

void call_broken(const char *what)
{
	assert_non_null(what);
	longjmp(stopped, 1);
}

static void open_door(bool with_honest_host, void (*with_answer)(struct keepcall_page *))
{
	struct boot_info boot = {
	        .magic = BOOT_MAGIC,
	        .version = BOOT_VERSION,
	        .size = sizeof boot,
	        .shared_va = (uintptr_t)shared,
	        .shared_size = KEEPCALL_SHARED_SIZE,
	        .code_va = BOOT_CODE_VA,
	        .code_max = BOOT_CODE_MAX,
	};

	honest = with_honest_host;
	answer = with_answer;
	rings = 0;
	page()->tsc_hz = 1000;
	page()->wall_ns = 2000;
	page()->wall_tsc = 3000;
	call_init(&boot);
}

static bool is_untouched(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != CANARY)
			return false;
	return true;
}

/* ---- what a good host gets and gives ---- */

static void two_bytes(struct keepcall_page *p)
{
	p->ret[0] = 2;
	memcpy(shared + KEEPCALL_IN_OFFSET, "hi", 2);
}

static void send_and_receive(void **unused)
{
	uint8_t buffer[4];
	size_t size;

	(void)unused;
	open_door(true, two_bytes);
	assert_int_equal(call_send(5, slice_of("abc", 3), &size), OK);
	assert_int_equal(size, 2);
	assert_true(page()->op == KEEPCALL_SEND && page()->arg[0] == 5 && page()->arg[1] == 3);
	assert_memory_equal(shared + KEEPCALL_OUT_OFFSET, "abc", 3);
	assert_int_equal(call_receive(5, buffer, sizeof buffer, &size), OK);
	assert_true(page()->op == KEEPCALL_RECEIVE && page()->arg[1] == sizeof buffer && size == 2);
	assert_memory_equal(buffer, "hi", 2);
	assert_int_equal(call_send(5, slice_of(NULL, 0), &size), OK);
	assert_int_equal(call_receive(5, buffer, 0, &size), OK);
	assert_int_equal(rings, 2); /* nothing to do, nothing rung */
}

static void more_than_a_window(void **unused)
{
	static uint8_t big[KEEPCALL_WINDOW_SIZE + 1];
	size_t size;

	(void)unused;
	open_door(true, two_bytes);
	assert_int_equal(call_send(1, slice_of(big, sizeof big), &size), OK);
	assert_int_equal(page()->arg[1], KEEPCALL_WINDOW_SIZE);
	assert_int_equal(call_receive(1, big, sizeof big, &size), OK);
	assert_int_equal(page()->arg[1], KEEPCALL_WINDOW_SIZE);
}

static void one_ready(struct keepcall_page *p)
{
	struct keepcall_poll poll[2];

	memcpy(poll, shared + KEEPCALL_OUT_OFFSET, sizeof poll);
	poll[1].ready = KEEPCALL_READABLE | KEEPCALL_HANGUP;
	memcpy(shared + KEEPCALL_IN_OFFSET, poll, sizeof poll);
	p->ret[0] = 1;
}

static void wait_copies_the_answer(void **unused)
{
	struct keepcall_poll poll[2] = {{3, KEEPCALL_WRITABLE, 99}, {4, KEEPCALL_READABLE, 99}};
	size_t ready;

	(void)unused;
	open_door(true, one_ready);
	assert_int_equal(call_wait(poll, 2, 77, &ready), OK);
	assert_true(ready == 1 && poll[0].ready == 0 && poll[1].ready == (KEEPCALL_READABLE | KEEPCALL_HANGUP));
	assert_true(page()->arg[0] == 2 && page()->arg[1] == 77);
}

static void a_name_too_long(void **unused)
{
	static const uint8_t name[KEEPCALL_NAME_MAX + 1] = {'x'};
	uint32_t channel;

	(void)unused;
	open_door(true, two_bytes);
	assert_int_equal(call_open(KEEPCALL_CONNECT, slice_of(name, sizeof name), &channel), ERR_LIMIT);
	assert_int_equal(rings, 0);
	assert_int_equal(call_open(KEEPCALL_CONNECT, slice_of(name, KEEPCALL_NAME_MAX), &channel), OK);
	assert_int_equal(channel, 2);
}

/* Two that share a number would mix what they carry. */
static void a_channel_number_is_given_once(void **unused)
{
	uint32_t channel;

	(void)unused;
	open_door(true, two_bytes);
	assert_int_equal(call_open(KEEPCALL_CONNECT, slice_text("a:1"), &channel), OK);
	if (setjmp(stopped) == 0) {
		(void)!call_accept(KEEPCALL_SESSIONS, &channel);
		fail_msg("a number that is in use was taken");
	}
	open_door(true, two_bytes);
	assert_int_equal(call_open(KEEPCALL_CONNECT, slice_text("a:1"), &channel), OK);
	call_close(channel);
	assert_int_equal(call_accept(KEEPCALL_SESSIONS, &channel), OK);
}

static void with_reason(struct keepcall_page *p)
{
	p->status = KEEPCALL_CLOSED;
	p->ret[1] = KEEPCALL_WHY_REFUSED;
}

static void with_another_reason(struct keepcall_page *p)
{
	p->status = KEEPCALL_CLOSED;
	p->ret[1] = UINT64_MAX;
}

/* A hint: what is no reason is none. */
static void a_reason_is_looked_at(void **unused)
{
	(void)unused;
	open_door(true, with_reason);
	assert_int_equal(call_why(2), KEEPCALL_WHY_REFUSED);
	open_door(true, with_another_reason);
	assert_int_equal(call_why(2), KEEPCALL_WHY_UNKNOWN);
	open_door(true, two_bytes);
	page()->ret[1] = KEEPCALL_WHY_REFUSED;
	page()->ret[0] = 1;
	assert_int_equal(call_why(2), KEEPCALL_WHY_UNKNOWN);
}

static void hints_are_copied_once(void **unused)
{
	(void)unused;
	open_door(true, NULL);
	page()->tsc_hz = 5;
	assert_true(call_hints().tsc_hz == 1000 && call_hints().wall_ns == 2000 && call_hints().wall_tsc == 3000);
	page()->attention = KEEPCALL_ATTENTION_SESSION;
	assert_int_equal(call_attention(), KEEPCALL_ATTENTION_SESSION);
}

/* ---- statuses: which call may get which ---- */

static uint32_t status_now;

static void with_status(struct keepcall_page *p)
{
	p->status = status_now;
	p->ret[0] = 1;
}

static enum err do_wait(void)
{
	size_t ready;

	return call_wait(NULL, 0, 0, &ready);
}

static enum err do_send(void)
{
	size_t size;

	return call_send(1, slice_of("x", 1), &size);
}

static enum err do_receive(void)
{
	uint8_t byte;
	size_t size;

	return call_receive(1, &byte, 1, &size);
}

static enum err do_open(void)
{
	uint32_t channel;

	return call_open(KEEPCALL_LISTEN, slice_text("name"), &channel);
}

static enum err do_accept(void)
{
	uint32_t channel;

	return call_accept(0, &channel);
}

static enum err do_close(void)
{
	call_close(1);
	return OK;
}

static enum err do_grow(void)
{
	return call_grow(BOOT_HEAP_VA, 4096);
}

static enum err do_seal(void)
{
	return call_seal(BOOT_CODE_VA, 4096);
}

static enum err do_time(void)
{
	uint64_t wall;

	return call_time(&wall);
}

static enum err do_evidence(void)
{
	static const uint8_t data[64];
	uint8_t buffer[8];
	size_t size;

	return call_evidence(data, buffer, sizeof buffer, &size);
}

static void statuses_belong_to_calls(void **unused)
{
	static const enum err errs[KEEPCALL_STATUS_LIMIT] = {OK,          ERR_AGAIN, ERR_CLOSED, ERR_UNSUPPORTED,
	                                                     ERR_INVALID, ERR_NOMEM, ERR_IO};
	static const struct {
		enum err (*call)(void);
		unsigned may; /* bits of enum keepcall_status, but for OK */
	} rows[] = {
	        {do_wait, 0},  {do_send, 0x46}, {do_receive, 0x46}, {do_open, 0x68},     {do_accept, 0x66},
	        {do_close, 0}, {do_grow, 0x20}, {do_time, 0x08},    {do_evidence, 0x48}, {do_seal, 0x20},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		for (status_now = 1; status_now <= KEEPCALL_STATUS_LIMIT; status_now++) {
			open_door(true, with_status);
			if (setjmp(stopped) != 0) {
				assert_false(status_now < KEEPCALL_STATUS_LIMIT && rows[i].may >> status_now & 1);
				continue;
			}
			assert_int_equal(rows[i].call(), errs[status_now % KEEPCALL_STATUS_LIMIT]);
			assert_true(rows[i].may >> status_now & 1);
		}
	}
}

static void what_is_sealed_is_known(void **unused)
{
	(void)unused;
	open_door(true, NULL);
	assert_false(call_sealed(BOOT_CODE_VA));
	assert_int_equal(call_seal(BOOT_CODE_VA, 8192), OK);
	assert_int_equal(page()->op, KEEPCALL_GROW);
	assert_int_equal(page()->arg[2], KEEPCALL_GROW_SEAL);
	assert_true(call_sealed(BOOT_CODE_VA) && call_sealed(BOOT_CODE_VA + 8191));
	assert_false(call_sealed(BOOT_CODE_VA + 8192) || call_sealed(BOOT_CODE_VA - 1));
	assert_int_equal(call_seal(BOOT_CODE_VA + 8192, 4096), OK);
	assert_true(call_sealed(BOOT_CODE_VA + 12287));
	assert_int_equal(call_grow(BOOT_CODE_VA + 12288, 4096), OK);
	assert_int_equal(page()->arg[2], KEEPCALL_GROW_PAGES);
	assert_false(call_sealed(BOOT_CODE_VA + 12288));
}

static void a_refused_seal_seals_nothing(void **unused)
{
	(void)unused;
	open_door(true, with_status);
	status_now = KEEPCALL_NOMEM;
	assert_int_equal(call_seal(BOOT_CODE_VA, 4096), ERR_NOMEM);
	assert_false(call_sealed(BOOT_CODE_VA));
}

static uint64_t hook(void *ctx, uint64_t pc)
{
	return ctx == (void *)&shared ? pc + 100 : 0;
}

static void faults_of_sealed_code_go_on(void **unused)
{
	(void)unused;
	open_door(true, NULL);
	fault_hook(hook, (void *)&shared);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA), 0); /* not sealed yet */
	assert_int_equal(call_seal(BOOT_CODE_VA, 4096), OK);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA), BOOT_CODE_VA + 100);
	assert_int_equal(fault_resume(14, 6, BOOT_CODE_VA + 4095), BOOT_CODE_VA + 4195);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA + 4096), 0);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA - 1), 0);
	assert_int_equal(fault_resume(13, 4, BOOT_CODE_VA), 0);
	for (uint64_t bit = 0; bit < 64; bit++)
		if (bit != 1)
			assert_int_equal(fault_resume(14, 4 ^ UINT64_C(1) << bit, BOOT_CODE_VA), 0);
	fault_hook(hook, NULL);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA), 0);
	fault_hook(NULL, NULL);
	assert_int_equal(fault_resume(14, 4, BOOT_CODE_VA), 0);
}

static void late_answer(struct keepcall_page *p)
{
	p->answered = p->sequence - 1;
}

static void a_late_answer_stops_the_keep(void **unused)
{
	(void)unused;
	open_door(true, late_answer);
	if (setjmp(stopped) == 0) {
		(void)do_grow();
		fail();
	}
}

/* ---- a hostile host ---- */

static void try_wait(void)
{
	struct keepcall_poll poll[64];
	const size_t count = (size_t)(next() % 65);
	size_t ready = SIZE_MAX, have = 0;

	for (size_t i = 0; i < count; i++)
		poll[i] = (struct keepcall_poll){(uint32_t)i, (uint16_t)(next() % 4), 0};
	if (call_wait(poll, count, 1, &ready) != OK)
		return;
	for (size_t i = 0; i < count; i++) {
		assert_true(poll[i].channel == i && !(poll[i].ready & ~(unsigned)(poll[i].wanted | KEEPCALL_HANGUP)));
		have += poll[i].ready != 0;
	}
	assert_int_equal(have, ready);
}

static void try_send(void)
{
	static uint8_t data[512];
	const size_t size = (size_t)(1 + next() % sizeof data);
	size_t sent = SIZE_MAX;

	if (call_send(1, slice_of(data, size), &sent) == OK)
		assert_true(sent >= 1 && sent <= size);
}

static void try_receive(void)
{
	uint8_t buffer[600];
	const size_t capacity = (size_t)(1 + next() % 512);
	size_t got = SIZE_MAX;

	memset(buffer, CANARY, sizeof buffer);
	if (call_receive(1, buffer, capacity, &got) == OK)
		assert_true(got >= 1 && got <= capacity);
	assert_true(is_untouched(buffer + capacity, sizeof buffer - capacity));
}

static void try_open(void)
{
	uint32_t channel = 0;
	enum err err = next() % 2 == 0 ? call_open(KEEPCALL_CONNECT, slice_text("example"), &channel)
	                               : call_accept(KEEPCALL_SESSIONS, &channel);

	if (err == OK)
		assert_true(channel != KEEPCALL_SESSIONS && channel < KEEPCALL_CHANNEL_MAX);
}

static void try_rest(void)
{
	static const uint8_t data[64];
	uint8_t buffer[128];
	uint64_t wall;
	size_t size = SIZE_MAX;
	enum err err;

	memset(buffer, CANARY, sizeof buffer);
	err = call_evidence(data, buffer, 100, &size);
	if (err == OK)
		assert_true(size >= 1 && size <= 100);
	assert_true(is_untouched(buffer + 100, 28));
	err = call_grow(BOOT_HEAP_VA, 4096);
	assert_true(err == OK || err == ERR_NOMEM);
	err = call_time(&wall);
	assert_true(err == OK || err == ERR_UNSUPPORTED);
	call_close(3);
}

static void a_hostile_host_gets_nowhere(void **unused)
{
	static void (*const tries[])(void) = {try_wait, try_send, try_receive, try_open, try_rest};
	static unsigned returned, ended;

	(void)unused;
	returned = ended = 0;
	for (volatile unsigned i = 0; i < VARIANTS; i++) {
		open_door(false, NULL);
		if (setjmp(stopped) != 0) {
			ended++;
			continue;
		}
		tries[next() % ARRAY_COUNT(tries)]();
		returned++;
	}
	/* Both happen, or this test tests nothing. */
	assert_true(returned > VARIANTS / 20 && ended > VARIANTS / 20);
}

static int setup(void **unused)
{
	(void)unused;
	shared = calloc(1, KEEPCALL_SHARED_SIZE);
	return shared == NULL;
}

static int teardown(void **unused)
{
	(void)unused;
	free(shared);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(send_and_receive),
	        cmocka_unit_test(more_than_a_window),
	        cmocka_unit_test(wait_copies_the_answer),
	        cmocka_unit_test(a_name_too_long),
	        cmocka_unit_test(a_channel_number_is_given_once),
	        cmocka_unit_test(a_reason_is_looked_at),
	        cmocka_unit_test(hints_are_copied_once),
	        cmocka_unit_test(statuses_belong_to_calls),
	        cmocka_unit_test(what_is_sealed_is_known),
	        cmocka_unit_test(a_refused_seal_seals_nothing),
	        cmocka_unit_test(faults_of_sealed_code_go_on),
	        cmocka_unit_test(a_late_answer_stops_the_keep),
	        cmocka_unit_test(a_hostile_host_gets_nowhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
