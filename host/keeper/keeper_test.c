/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper with a fake backend: the test is the Keep, and the agent at the other end of the control socket. */
#include "host/keeper/keeper.h"
#include "sys/fdpass.h"
#include "sys/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct vmm {
	uint8_t shared[KEEPCALL_SHARED_SIZE];
	enum vmm_event (*script)(struct vmm *v, unsigned step); /* what run does */
	unsigned step, kicks;
	uint64_t grown_at, grown_size, sealed_at, sealed_size, dropped_at, dropped_size;
	enum err grow_result;
};

static uint8_t *fake_shared(struct vmm *v)
{
	return v->shared;
}

static enum err fake_run(struct vmm *v, enum vmm_event *event, struct note *n)
{
	*event = v->script(v, v->step++);
	if (*event == VMM_DIED)
		note_set(n, "the fake died");
	return OK;
}

static enum err fake_grow(struct vmm *v, uint64_t address, uint64_t size)
{
	v->grown_at = address;
	v->grown_size = size;
	return v->grow_result;
}

static enum err fake_seal(struct vmm *v, uint64_t address, uint64_t size)
{
	v->sealed_at = address;
	v->sealed_size = size;
	return v->grow_result;
}

static enum err fake_drop(struct vmm *v, uint64_t address, uint64_t size)
{
	v->dropped_at = address;
	v->dropped_size = size;
	return v->grow_result;
}

static void fake_kick(struct vmm *v)
{
	v->kicks++;
}

static const struct vmm_backend fake = {.name = "fake",
					.kind = BOOT_PROCESS,
					.shared = fake_shared,
					.run = fake_run,
					.grow = fake_grow,
					.seal = fake_seal,
					.drop = fake_drop,
					.kick = fake_kick};

static size_t evidence_size;
static uint8_t evidence_over[64];

static enum err fake_evidence(struct tee *t, const uint8_t report_data[static 64], uint8_t *out, size_t capacity,
			      size_t *size, struct note *n)
{
	(void)t;
	(void)n;
	if (evidence_size > capacity)
		return ERR_SPACE;
	memcpy(evidence_over, report_data, sizeof evidence_over);
	memset(out, 'e', evidence_size);
	*size = evidence_size;
	return OK;
}

static const struct tee_backend fake_tee = {.name = "fake", .evidence = fake_evidence};

/* ---- one keeper a test ---- */

static struct vmm vmm;
static struct keeper k;
static struct keepcall_page *page;
static int agent;
static uint32_t sequence;

static int setup(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	memset(&vmm, 0, sizeof vmm);
	memset(&k, 0, sizeof k);
	agent = pair[0];
	k.control = pair[1];
	k.backend = &fake;
	k.vmm = &vmm;
	k.tee_backend = &fake_tee;
	k.tee = (struct tee *)&vmm; /* never looked into */
	k.shared = vmm.shared;
	k.watcher = epoll_create1(EPOLL_CLOEXEC);
	assert_true(k.watcher >= 0);
	channels_init(&k.channels, k.watcher);
	page = (struct keepcall_page *)(void *)vmm.shared;
	sequence = 0;
	evidence_size = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	channels_close_all(&k.channels);
	fd_close(&agent);
	fd_close(&k.control);
	fd_close(&k.watcher);
	return 0;
}

static struct answer ring(uint32_t op, uint64_t arg0, uint64_t arg1)
{
	page->op = op;
	page->sequence = ++sequence;
	page->arg[0] = arg0;
	page->arg[1] = arg1;
	page->status = 99;
	page->answered = 0;
	keeper_serve(&k);
	if (!k.over)
		assert_int_equal(page->answered, sequence);
	return (struct answer){.status = page->status, .ret = {page->ret[0], page->ret[1]}};
}

static enum keepcall_status status(uint32_t op, uint64_t arg0, uint64_t arg1)
{
	return ring(op, arg0, arg1).status;
}

/* The next packet for the agent but USAGE, which comes by the clock; type 0 when there is none. */
static struct control told(void)
{
	struct control m = {0};
	int fd;

	do
		if (fdpass_receive(agent, &m, sizeof m, &fd) != OK)
			m.type = 0;
	while (m.type == CONTROL_USAGE);
	return m;
}

static int attach(void)
{
	const struct control m = {.type = CONTROL_ATTACH};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fdpass_send(agent, &m, sizeof m, pair[1]), OK);
	close(pair[1]);
	return pair[0];
}

/* A client and the channel it arrived on. */
static int session(uint32_t *channel)
{
	int client = attach();
	struct answer a;

	keeper_listen(&k);
	a = ring(KEEPCALL_ACCEPT, KEEPCALL_SESSIONS, 0);
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(told().type, CONTROL_ATTACHED);
	*channel = (uint32_t)a.ret[0];
	return client;
}

static struct keepcall_poll *out_polls(void)
{
	return (struct keepcall_poll *)(void *)(vmm.shared + KEEPCALL_OUT_OFFSET);
}

static struct keepcall_poll *in_polls(void)
{
	return (struct keepcall_poll *)(void *)(vmm.shared + KEEPCALL_IN_OFFSET);
}

/* ---- tests ---- */

static void unknown_calls_are_invalid(void **state)
{
	const uint32_t ops[] = {0, KEEPCALL_LIMIT, KEEPCALL_LIMIT + 1, 0x10001, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(ops); i++)
		assert_int_equal(status(ops[i], 0, 0), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_TIME, 0, 0), KEEPCALL_OK);
	assert_false(k.over);
}

static void a_sequence_that_jumps_is_invalid(void **state)
{
	(void)state;
	assert_int_equal(status(KEEPCALL_TIME, 0, 0), KEEPCALL_OK);
	sequence++;
	assert_int_equal(status(KEEPCALL_TIME, 0, 0), KEEPCALL_INVALID);
	sequence--;
	assert_int_equal(status(KEEPCALL_TIME, 0, 0), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_TIME, 0, 0), KEEPCALL_OK);
}

static void time_is_the_hosts(void **state)
{
	struct answer a = ring(KEEPCALL_TIME, 0, 0);
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	assert_in_range(a.ret[0] / 1000000000, now.tv_sec - 60, now.tv_sec + 60);
}

static void nothing_is_there_before_a_session(void **state)
{
	(void)state;
	assert_int_equal(status(KEEPCALL_ACCEPT, KEEPCALL_SESSIONS, 0), KEEPCALL_AGAIN);
	assert_int_equal(status(KEEPCALL_SEND, 1, 1), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_CLOSE, 1, 0), KEEPCALL_INVALID);
}

static void channel_numbers_are_checked(void **state)
{
	const uint64_t wrong[] = {KEEPCALL_SESSIONS, 2, KEEPCALL_CHANNEL_MAX - 1, KEEPCALL_CHANNEL_MAX, UINT32_MAX,
				  UINT64_C(1) << 32 | 1, UINT64_MAX};
	uint32_t channel;
	int client = session(&channel);

	(void)state;
	assert_int_equal(channel, 1);
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		assert_int_equal(status(KEEPCALL_SEND, wrong[i], 1), KEEPCALL_INVALID);
		assert_int_equal(status(KEEPCALL_RECEIVE, wrong[i], 1), KEEPCALL_INVALID);
		assert_int_equal(status(KEEPCALL_CLOSE, wrong[i], 0), KEEPCALL_INVALID);
		if (wrong[i] != KEEPCALL_SESSIONS)
			assert_int_equal(status(KEEPCALL_ACCEPT, wrong[i], 0), KEEPCALL_INVALID);
	}
	assert_int_equal(status(KEEPCALL_ACCEPT, channel, 0), KEEPCALL_INVALID);
	assert_int_equal(told().type, 0);
	close(client);
}

static void bytes_go_both_ways(void **state)
{
	uint32_t channel;
	int client = session(&channel);
	char got[8] = {0};
	struct answer a;

	(void)state;
	memcpy(vmm.shared + KEEPCALL_OUT_OFFSET, "hello", 5);
	a = ring(KEEPCALL_SEND, channel, 5);
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(a.ret[0], 5);
	assert_int_equal(read(client, got, sizeof got), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(status(KEEPCALL_RECEIVE, channel, 8), KEEPCALL_AGAIN);
	assert_int_equal(write(client, "world", 5), 5);
	a = ring(KEEPCALL_RECEIVE, channel, 3);
	assert_int_equal(a.ret[0], 3);
	assert_memory_equal(vmm.shared + KEEPCALL_IN_OFFSET, "wor", 3);
	a = ring(KEEPCALL_RECEIVE, channel, KEEPCALL_WINDOW_SIZE);
	assert_int_equal(a.ret[0], 2);
	close(client);
}

static void transfer_sizes_are_checked(void **state)
{
	const uint64_t wrong[] = {0, KEEPCALL_WINDOW_SIZE + 1, UINT64_C(1) << 32, UINT64_MAX};
	uint32_t channel;
	int client = session(&channel);

	(void)state;
	assert_int_equal(write(client, "world", 5), 5);
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		assert_int_equal(status(KEEPCALL_SEND, channel, wrong[i]), KEEPCALL_INVALID);
		assert_int_equal(status(KEEPCALL_RECEIVE, channel, wrong[i]), KEEPCALL_INVALID);
	}
	assert_int_equal(status(KEEPCALL_RECEIVE, channel, KEEPCALL_WINDOW_SIZE), KEEPCALL_OK);
	close(client);
}

static void a_full_stream_says_again(void **state)
{
	uint32_t channel;
	int client = session(&channel);
	struct answer a;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		a = ring(KEEPCALL_SEND, channel, KEEPCALL_WINDOW_SIZE);
		if (a.status != KEEPCALL_OK)
			break;
		assert_in_range(a.ret[0], 1, KEEPCALL_WINDOW_SIZE);
	}
	assert_int_equal(a.status, KEEPCALL_AGAIN);
	close(client);
}

static void a_client_that_left_is_closed_and_told_once(void **state)
{
	uint32_t channel;
	int client = session(&channel);

	(void)state;
	close(client);
	assert_int_equal(status(KEEPCALL_RECEIVE, channel, 1), KEEPCALL_CLOSED);
	assert_int_equal(status(KEEPCALL_SEND, channel, 1), KEEPCALL_CLOSED);
	assert_int_equal(status(KEEPCALL_CLOSE, channel, 0), KEEPCALL_OK);
	assert_int_equal(status(KEEPCALL_CLOSE, channel, 0), KEEPCALL_INVALID);
	assert_int_equal(told().type, CONTROL_DETACHED);
	assert_int_equal(told().type, 0);
}

static void closing_tells_the_agent_and_the_client(void **state)
{
	uint32_t channel;
	int client = session(&channel);
	char c;

	(void)state;
	assert_int_equal(status(KEEPCALL_CLOSE, channel, 0), KEEPCALL_OK);
	assert_int_equal(read(client, &c, 1), 0);
	assert_int_equal(told().type, CONTROL_DETACHED);
	close(client);
}

static void attention_follows_the_sessions_that_wait(void **state)
{
	int one = attach(), two = attach();

	(void)state;
	assert_int_equal(page->attention, 0);
	keeper_listen(&k);
	assert_int_equal(page->attention, KEEPCALL_ATTENTION_SESSION);
	assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_OK);
	assert_int_equal(page->attention, KEEPCALL_ATTENTION_SESSION);
	assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_OK);
	assert_int_equal(page->attention, 0);
	assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_AGAIN);
	close(one);
	close(two);
}

static void the_queue_of_sessions_is_bounded(void **state)
{
	int client[CHANNELS_PENDING_MAX + 1];
	char c;

	(void)state;
	for (int i = 0; i <= CHANNELS_PENDING_MAX; i++)
		client[i] = attach();
	keeper_listen(&k);
	assert_false(k.over);
	assert_int_equal(recv(client[CHANNELS_PENDING_MAX], &c, 1, MSG_DONTWAIT), 0);
	for (int i = 0; i < CHANNELS_PENDING_MAX; i++) {
		assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_OK);
		close(client[i]);
	}
	assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_AGAIN);
	close(client[CHANNELS_PENDING_MAX]);
}

static void channel_numbers_run_out_politely(void **state)
{
	int last = -1;

	(void)state;
	for (unsigned i = 1; i < KEEPCALL_CHANNEL_MAX; i++) { /* all but the listener, without as many descriptors */
		k.channels.channel[i] = (struct channel){.kind = CHANNEL_STREAM, .fd = -1};
	}
	last = attach();
	keeper_listen(&k);
	assert_int_equal(status(KEEPCALL_ACCEPT, 0, 0), KEEPCALL_NOMEM);
	assert_int_equal(status(KEEPCALL_CLOSE, KEEPCALL_CHANNEL_MAX - 1, 0), KEEPCALL_OK);
	assert_int_equal(ring(KEEPCALL_ACCEPT, 0, 0).ret[0], KEEPCALL_CHANNEL_MAX - 1);
	close(last);
}

static uint64_t open_named(uint64_t kind, const char *name)
{
	memcpy(vmm.shared + KEEPCALL_OUT_OFFSET, name, strlen(name));
	return status(KEEPCALL_OPEN, kind, strlen(name));
}

static void open_is_checked(void **state)
{
	char longest[KEEPCALL_NAME_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof longest);
	longest[CONTROL_TEXT_MAX] = 0;
	assert_int_equal(open_named(KEEPCALL_CONNECT, longest), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_OPEN, KEEPCALL_CONNECT, KEEPCALL_NAME_MAX + 1), KEEPCALL_INVALID);
	assert_int_equal(open_named(KEEPCALL_CONNECT, ""), KEEPCALL_INVALID);
	assert_int_equal(open_named(KEEPCALL_CONNECT, "a b:1"), KEEPCALL_INVALID);
	assert_int_equal(open_named(KEEPCALL_LISTEN, "a\n:1"), KEEPCALL_INVALID);
	assert_int_equal(open_named(0, "a:1"), KEEPCALL_INVALID);
	assert_int_equal(open_named(KEEPCALL_STORE + 1, "a:1"), KEEPCALL_INVALID);
	assert_int_equal(open_named(KEEPCALL_STORE, "a:1"), KEEPCALL_UNSUPPORTED);
	assert_int_equal(told().type, 0); /* nothing of it reached the agent */
	assert_int_equal(status(KEEPCALL_BLOCK_READ, 0, 0), KEEPCALL_UNSUPPORTED);
	assert_int_equal(status(KEEPCALL_BLOCK_WRITE, 0, 0), KEEPCALL_UNSUPPORTED);
}

static struct control opening(uint64_t kind, const char *name, uint32_t *channel)
{
	struct control m;

	assert_int_equal(open_named(kind, name), KEEPCALL_OK);
	*channel = (uint32_t)page->ret[0];
	m = told();
	assert_int_equal(m.type, CONTROL_OPEN);
	assert_int_equal(m.code, kind);
	assert_int_equal(m.a, *channel);
	assert_string_equal(m.text, name);
	return m;
}

static void answer_open(const struct control *request, int fd)
{
	const struct control m = {.type = CONTROL_OPENED, .code = fd < 0 ? request->code : 0, .a = request->a, .b = request->b};

	assert_int_equal(fdpass_send(agent, &m, sizeof m, fd), OK);
	keeper_listen(&k);
}

static struct answer wait_for(uint32_t channel, uint16_t wanted)
{
	out_polls()[0] = (struct keepcall_poll){channel, wanted, 0};
	return ring(KEEPCALL_WAIT, 1, 0);
}

static void a_socket_comes_from_the_agent(void **state)
{
	uint32_t channel;
	struct control m = opening(KEEPCALL_CONNECT, "example:80", &channel);
	int pair[2];
	char got[8];

	(void)state;
	assert_int_equal(status(KEEPCALL_SEND, channel, 5), KEEPCALL_AGAIN);
	assert_int_equal(wait_for(channel, KEEPCALL_WRITABLE).ret[0], 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	answer_open(&m, pair[1]);
	close(pair[1]);
	assert_int_equal(wait_for(channel, KEEPCALL_WRITABLE).ret[0], 1);
	memcpy(vmm.shared + KEEPCALL_OUT_OFFSET, "hello", 5);
	assert_int_equal(status(KEEPCALL_SEND, channel, 5), KEEPCALL_OK);
	assert_int_equal(read(pair[0], got, sizeof got), 5);
	assert_int_equal(status(KEEPCALL_CLOSE, channel, KEEPCALL_CLOSE_WRITE), KEEPCALL_OK);
	assert_int_equal(read(pair[0], got, sizeof got), 0);
	assert_int_equal(write(pair[0], "back", 4), 4); /* the other way goes on */
	assert_int_equal(ring(KEEPCALL_RECEIVE, channel, 100).ret[0], 4);
	assert_int_equal(status(KEEPCALL_CLOSE, channel, 2), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_CLOSE, channel, KEEPCALL_CLOSE_ALL), KEEPCALL_OK);
	assert_int_equal(told().type, 0); /* it was no session */
	close(pair[0]);
}

static void a_socket_that_cannot_be_is_closed(void **state)
{
	uint32_t channel;
	struct control m = opening(KEEPCALL_LISTEN, ":80", &channel);

	(void)state;
	m.code = KEEPCALL_WHY_IN_USE;
	answer_open(&m, -1);
	assert_int_equal(wait_for(channel, KEEPCALL_WRITABLE).ret[0], 1);
	assert_int_equal(in_polls()[0].ready, KEEPCALL_WRITABLE | KEEPCALL_HANGUP);
	assert_int_equal(status(KEEPCALL_ACCEPT, channel, 0), KEEPCALL_CLOSED);
	assert_int_equal(status(KEEPCALL_RECEIVE, channel, 5), KEEPCALL_CLOSED);
	assert_int_equal(ring(KEEPCALL_RECEIVE, channel, 5).ret[1], KEEPCALL_WHY_IN_USE);
}

/* The channel was closed meanwhile, and is another one now. */
static void a_late_socket_is_closed(void **state)
{
	uint32_t channel, second;
	struct control m = opening(KEEPCALL_CONNECT, "a:1", &channel);
	int pair[2];
	char got;

	(void)state;
	assert_int_equal(status(KEEPCALL_CLOSE, channel, 0), KEEPCALL_OK);
	opening(KEEPCALL_CONNECT, "b:2", &second);
	assert_int_equal(second, channel);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	answer_open(&m, pair[1]);
	close(pair[1]);
	assert_int_equal(read(pair[0], &got, 1), 0);
	assert_int_equal(status(KEEPCALL_SEND, second, 5), KEEPCALL_AGAIN);
	close(pair[0]);
}

static void listening_sockets_accept(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}; /* an abstract name, which the system chooses */
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof address.sun_family;
	struct control m;
	uint32_t channel;
	struct answer a;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	size = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	m = opening(KEEPCALL_LISTEN, ":80", &channel);
	assert_int_equal(status(KEEPCALL_ACCEPT, channel, 0), KEEPCALL_AGAIN);
	answer_open(&m, listener);
	assert_int_equal(wait_for(channel, KEEPCALL_READABLE).ret[0], 0);
	assert_int_equal(wait_for(channel, KEEPCALL_WRITABLE).ret[0], 1); /* it is there */
	assert_int_equal(status(KEEPCALL_ACCEPT, channel, 0), KEEPCALL_AGAIN);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
	assert_int_equal(wait_for(channel, KEEPCALL_READABLE).ret[0], 1);
	a = ring(KEEPCALL_ACCEPT, channel, 0);
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(ring(KEEPCALL_RECEIVE, a.ret[0], 5).ret[0], 1);
	assert_int_equal(status(KEEPCALL_SEND, channel, 5), KEEPCALL_INVALID);
	assert_int_equal(told().type, 0);
	close(listener);
	close(client);
}

static void growth_is_checked_before_the_backend(void **state)
{
	const uint64_t most = BOOT_LINEAR_MAX, last = BOOT_LINEAR_VA + (BOOT_LINEAR_COUNT - 1) * BOOT_LINEAR_STRIDE;
	const struct {
		uint64_t address, size;
		bool good;
	} cases[] = {
		{BOOT_HEAP_VA, 4096, true},
		{BOOT_HEAP_VA, BOOT_HEAP_MAX, true},
		{BOOT_HEAP_VA, BOOT_HEAP_MAX + 4096, false},
		{BOOT_HEAP_VA - 4096, 4096, false},
		{BOOT_HEAP_VA - 4096, 8192, false},
		{BOOT_HEAP_VA + BOOT_HEAP_MAX - 4096, 4096, true},
		{BOOT_HEAP_VA + BOOT_HEAP_MAX - 4096, 8192, false},
		{BOOT_HEAP_VA + BOOT_HEAP_MAX, 4096, false},
		{BOOT_HEAP_VA, 0, false},
		{BOOT_HEAP_VA, 4095, false},
		{BOOT_HEAP_VA, 4097, false},
		{BOOT_HEAP_VA + 1, 4096, false},
		{BOOT_HEAP_VA, UINT64_MAX - 4095, false},
		{UINT64_MAX - 4095, 4096, false},
		{UINT64_MAX - 4095, 8192, false},
		{0, 4096, false},
		{BOOT_SHARED_VA, 4096, false},
		{BOOT_LINEAR_VA, most, true},
		{BOOT_LINEAR_VA, most + 4096, false},
		{BOOT_LINEAR_VA + most - 4096, 4096, true},
		{BOOT_LINEAR_VA + most, 4096, false},
		{BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE, 65536, true},
		{BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE - 4096, 8192, false},
		{BOOT_LINEAR_VA - 4096, 8192, false},
		{last, most, true},
		{last + BOOT_LINEAR_STRIDE, 4096, false},
		{BOOT_CODE_VA, BOOT_CODE_MAX, true},
		{BOOT_CODE_VA, BOOT_CODE_MAX + 4096, false},
		{BOOT_CODE_VA - 4096, 8192, false},
		{BOOT_CODE_VA + BOOT_CODE_MAX, 4096, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		vmm.grown_size = 0;
		assert_int_equal(status(KEEPCALL_GROW, cases[i].address, cases[i].size),
				 cases[i].good ? KEEPCALL_OK : KEEPCALL_INVALID);
		assert_int_equal(vmm.grown_size, cases[i].good ? cases[i].size : 0);
	}
	vmm.grow_result = ERR_LIMIT;
	assert_int_equal(status(KEEPCALL_GROW, BOOT_HEAP_VA, 4096), KEEPCALL_NOMEM);
	vmm.grow_result = ERR_NOMEM;
	assert_int_equal(status(KEEPCALL_GROW, BOOT_HEAP_VA, 4096), KEEPCALL_NOMEM);
	vmm.grow_result = ERR_RANGE;
	assert_int_equal(status(KEEPCALL_GROW, BOOT_HEAP_VA, 4096), KEEPCALL_INVALID);
}

static enum keepcall_status seal(uint64_t address, uint64_t size, uint64_t what)
{
	page->arg[2] = what;
	return status(KEEPCALL_GROW, address, size);
}

static void sealing_is_for_the_code_area(void **state)
{
	const struct {
		uint64_t address, size;
	} bad[] = {
		{BOOT_HEAP_VA, 4096},
		{BOOT_LINEAR_VA, 4096},
		{BOOT_CODE_VA - 4096, 8192},
		{BOOT_CODE_VA, BOOT_CODE_MAX + 4096},
		{BOOT_CODE_VA, 0},
		{BOOT_CODE_VA, 4095},
		{BOOT_CODE_VA + 1, 4096},
		{BOOT_IMAGE_VA, 4096},
	};

	(void)state;
	vmm.sealed_size = vmm.grown_size = 0;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(seal(bad[i].address, bad[i].size, KEEPCALL_GROW_SEAL), KEEPCALL_INVALID);
	assert_int_equal(seal(BOOT_CODE_VA, 4096, 3), KEEPCALL_INVALID);
	assert_int_equal(seal(BOOT_CODE_VA, 4096, UINT64_MAX), KEEPCALL_INVALID);
	assert_int_equal(vmm.sealed_size, 0);
	assert_int_equal(seal(BOOT_CODE_VA + 4096, 8192, KEEPCALL_GROW_SEAL), KEEPCALL_OK);
	assert_int_equal(vmm.sealed_at, BOOT_CODE_VA + 4096);
	assert_int_equal(vmm.sealed_size, 8192);
	assert_int_equal(vmm.grown_size, 0);
	vmm.grow_result = ERR_RANGE; /* not the next one: the backend knows */
	assert_int_equal(seal(BOOT_CODE_VA, 4096, KEEPCALL_GROW_SEAL), KEEPCALL_INVALID);
	vmm.grow_result = ERR_NOMEM;
	assert_int_equal(seal(BOOT_CODE_VA, 4096, KEEPCALL_GROW_SEAL), KEEPCALL_NOMEM);
}

static void dropping_is_for_linear_memories(void **state)
{
	const struct {
		uint64_t address, size;
	} bad[] = {
		{BOOT_HEAP_VA, 4096},
		{BOOT_CODE_VA, 4096},
		{BOOT_IMAGE_VA, 4096},
		{BOOT_LINEAR_VA - 4096, 4096},
		{BOOT_LINEAR_VA + 4096, 4096},
		{BOOT_LINEAR_VA, BOOT_LINEAR_MAX + 4096},
		{BOOT_LINEAR_VA, 4095},
		{BOOT_LINEAR_VA, 0},
		{BOOT_LINEAR_VA + BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE, 4096},
	};

	(void)state;
	vmm.dropped_size = vmm.grown_size = 0;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(seal(bad[i].address, bad[i].size, KEEPCALL_GROW_DROP), KEEPCALL_INVALID);
	assert_int_equal(vmm.dropped_size, 0);
	assert_int_equal(seal(BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE, 8192, KEEPCALL_GROW_DROP), KEEPCALL_OK);
	assert_int_equal(vmm.dropped_at, BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE);
	assert_int_equal(vmm.dropped_size, 8192);
	assert_int_equal(vmm.grown_size, 0);
	vmm.grow_result = ERR_RANGE; /* not all of it: the backend knows */
	assert_int_equal(seal(BOOT_LINEAR_VA, 4096, KEEPCALL_GROW_DROP), KEEPCALL_INVALID);
}

static void evidence_is_over_the_given_data(void **state)
{
	struct answer a;

	(void)state;
	memset(vmm.shared + KEEPCALL_OUT_OFFSET, 7, 64);
	a = ring(KEEPCALL_EVIDENCE, 64, 0);
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(a.ret[0], 1000);
	assert_int_equal(vmm.shared[KEEPCALL_IN_OFFSET + 999], 'e');
	assert_memory_equal(evidence_over, vmm.shared + KEEPCALL_OUT_OFFSET, 64);
	assert_int_equal(status(KEEPCALL_EVIDENCE, 63, 0), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_EVIDENCE, 65, 0), KEEPCALL_INVALID);
	evidence_size = 0;
	assert_int_equal(status(KEEPCALL_EVIDENCE, 64, 0), KEEPCALL_FAILED);
	evidence_size = KEEPCALL_EVIDENCE_MAX + 1;
	assert_int_equal(status(KEEPCALL_EVIDENCE, 64, 0), KEEPCALL_FAILED);
	k.tee = NULL;
	assert_int_equal(status(KEEPCALL_EVIDENCE, 64, 0), KEEPCALL_UNSUPPORTED);
}

static void wait_says_what_is_ready(void **state)
{
	uint32_t channel;
	int client = session(&channel), second;
	struct answer a;

	(void)state;
	out_polls()[0] = (struct keepcall_poll){KEEPCALL_SESSIONS, KEEPCALL_READABLE, 0xffff};
	out_polls()[1] = (struct keepcall_poll){channel, KEEPCALL_READABLE, 0xffff};
	out_polls()[2] = (struct keepcall_poll){channel, KEEPCALL_WRITABLE, 0};
	a = ring(KEEPCALL_WAIT, 3, KEEPCALL_FOREVER);
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(a.ret[0], 1);
	assert_int_equal(in_polls()[0].ready, 0);
	assert_int_equal(in_polls()[1].ready, 0);
	assert_int_equal(in_polls()[2].ready, KEEPCALL_WRITABLE);
	assert_int_equal(write(client, "x", 1), 1);
	second = attach();
	assert_int_equal(ring(KEEPCALL_WAIT, 2, KEEPCALL_FOREVER).status, KEEPCALL_OK);
	a = ring(KEEPCALL_WAIT, 2, 0);
	assert_int_equal(a.ret[0], 2);
	assert_int_equal(in_polls()[0].ready, KEEPCALL_READABLE);
	assert_int_equal(in_polls()[1].ready, KEEPCALL_READABLE);
	close(client);
	a = ring(KEEPCALL_WAIT, 2, KEEPCALL_FOREVER);
	assert_int_equal(in_polls()[1].ready, KEEPCALL_READABLE | KEEPCALL_HANGUP);
	close(second);
}

/* One WAIT knows nothing of what the one before wanted, nor a number of whom it had before. */
static void wait_remembers_nothing(void **state)
{
	uint32_t first, second, again;
	int one = session(&first), two = session(&second), held, three;

	(void)state;
	assert_int_equal(wait_for(first, KEEPCALL_READABLE).ret[0], 0);
	assert_int_equal(wait_for(second, KEEPCALL_READABLE).ret[0], 0);
	assert_int_equal(write(one, "x", 1), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(wait_for(second, KEEPCALL_READABLE).ret[0], 0);
	assert_int_equal(wait_for(first, KEEPCALL_WRITABLE).ret[0], 1);
	assert_int_equal(in_polls()[0].ready, KEEPCALL_WRITABLE);
	assert_int_equal(wait_for(first, 0).ret[0], 0);
	assert_int_equal(wait_for(first, KEEPCALL_READABLE).ret[0], 1);
	held = dup(k.channels.channel[first].fd); /* somebody else has the socket, too */
	assert_true(held >= 0);
	assert_int_equal(status(KEEPCALL_CLOSE, first, KEEPCALL_CLOSE_ALL), KEEPCALL_OK);
	(void)told();
	three = session(&again);
	assert_int_equal(again, first);
	assert_int_equal(wait_for(again, KEEPCALL_READABLE).ret[0], 0);
	assert_int_equal(write(three, "y", 1), 1);
	assert_int_equal(wait_for(again, KEEPCALL_READABLE).ret[0], 1);
	close(one);
	close(two);
	close(three);
	close(held);
}

static void wait_requests_are_checked(void **state)
{
	uint32_t channel;
	int client = session(&channel);

	(void)state;
	out_polls()[0] = (struct keepcall_poll){channel, KEEPCALL_WRITABLE, 0};
	assert_int_equal(status(KEEPCALL_WAIT, KEEPCALL_POLL_MAX + 1, 0), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_WAIT, UINT64_C(1) << 32 | 1, 0), KEEPCALL_INVALID);
	assert_int_equal(status(KEEPCALL_WAIT, UINT64_MAX, 0), KEEPCALL_INVALID);
	out_polls()[0] = (struct keepcall_poll){channel, 8, 0};
	assert_int_equal(status(KEEPCALL_WAIT, 1, 0), KEEPCALL_INVALID);
	out_polls()[0] = (struct keepcall_poll){channel + 1, KEEPCALL_READABLE, 0};
	assert_int_equal(status(KEEPCALL_WAIT, 1, 0), KEEPCALL_INVALID);
	out_polls()[0] = (struct keepcall_poll){KEEPCALL_CHANNEL_MAX, KEEPCALL_READABLE, 0};
	assert_int_equal(status(KEEPCALL_WAIT, 1, 0), KEEPCALL_INVALID);
	out_polls()[0] = (struct keepcall_poll){UINT32_MAX, KEEPCALL_READABLE, 0};
	assert_int_equal(status(KEEPCALL_WAIT, 1, 0), KEEPCALL_INVALID);
	for (unsigned i = 0; i < KEEPCALL_POLL_MAX; i++)
		out_polls()[i] = (struct keepcall_poll){channel, KEEPCALL_WRITABLE, 0};
	assert_int_equal(ring(KEEPCALL_WAIT, KEEPCALL_POLL_MAX, 0).ret[0], KEEPCALL_POLL_MAX);
	close(client);
}

static void wait_times_out(void **state)
{
	uint64_t before = keeper_now();
	struct answer a = ring(KEEPCALL_WAIT, 0, 3000000);

	(void)state;
	assert_int_equal(a.status, KEEPCALL_OK);
	assert_int_equal(a.ret[0], 0);
	assert_true(keeper_now() - before >= 3000000);
}

/* A Keep that does not accept a second session must still sleep in its next WAIT. */
static void a_session_ends_a_wait_once(void **state)
{
	int client = attach();
	uint64_t before;

	(void)state;
	assert_int_equal(ring(KEEPCALL_WAIT, 0, KEEPCALL_FOREVER).ret[0], 0);
	before = keeper_now();
	assert_int_equal(ring(KEEPCALL_WAIT, 0, 3000000).ret[0], 0);
	assert_true(keeper_now() - before >= 3000000);
	close(client);
}

static void stop_ends_a_wait(void **state)
{
	const struct control stop = {.type = CONTROL_STOP};

	(void)state;
	assert_int_equal(fdpass_send(agent, &stop, sizeof stop, -1), OK);
	ring(KEEPCALL_WAIT, 0, KEEPCALL_FOREVER);
	assert_true(k.over);
	assert_int_equal(told().type, CONTROL_EXITED);
}

static void the_end_of_the_agent_ends_a_wait(void **state)
{
	(void)state;
	fd_close(&agent);
	ring(KEEPCALL_WAIT, 0, KEEPCALL_FOREVER);
	assert_true(k.over);
}

static void control_packets_are_checked(void **state)
{
	struct control m = {.type = 77};

	(void)state;
	assert_int_equal(fdpass_send(agent, &m, sizeof m, agent), OK);
	keeper_listen(&k);
	assert_true(k.over);
	assert_int_equal(told().type, CONTROL_DIED);
	k.over = false;
	assert_int_equal(fdpass_send(agent, &m, sizeof m - 1, -1), OK);
	keeper_listen(&k);
	assert_true(k.over);
	k.over = false;
	m.type = CONTROL_ATTACH; /* without a descriptor; then with one that is no stream */
	assert_int_equal(fdpass_send(agent, &m, sizeof m, -1), OK);
	assert_int_equal(fdpass_send(agent, &m, sizeof m, agent), OK);
	keeper_listen(&k);
	assert_false(k.over);
	assert_int_equal(k.channels.pending_count, 0);
}

static void exit_codes_are_told(void **state)
{
	struct control m;

	(void)state;
	page->arg[2] = 0x1234;
	ring(KEEPCALL_EXIT, KEEPCALL_EXIT_FAULT, 14);
	assert_true(k.over);
	m = told();
	assert_int_equal(m.type, CONTROL_EXITED);
	assert_int_equal(m.code, KEEPCALL_EXIT_FAULT);
	assert_string_equal(m.text, "CPU exception 14 at 0x1234 inside the Keep");
	k.over = false;
	ring(KEEPCALL_EXIT, KEEPCALL_EXIT_HOST + 1, 0);
	assert_true(k.over);
	assert_int_equal(told().type, CONTROL_DIED);
}

static void ring_time(struct vmm *v, unsigned step)
{
	struct keepcall_page *p = (struct keepcall_page *)(void *)v->shared;

	p->op = KEEPCALL_TIME;
	p->sequence = step;
}

static enum vmm_event calls_then_dies(struct vmm *v, unsigned step)
{
	ring_time(v, step + 1);
	return step < 3 ? VMM_CALL : VMM_DIED;
}

static void the_death_of_the_keep_is_told(void **state)
{
	struct control m;

	(void)state;
	vmm.script = calls_then_dies;
	keeper_run(&k);
	m = told();
	assert_int_equal(m.type, CONTROL_DIED);
	assert_string_equal(m.text, "the fake died");
	assert_int_equal(k.calls, 3);
	assert_int_equal(told().type, 0);
}

/* Computes until it is kicked. */
static enum vmm_event loops(struct vmm *v, unsigned step)
{
	(void)step;
	while (v->kicks == 0)
		usleep(1000);
	v->kicks = 0;
	return VMM_KICKED;
}

static void on_alarm_stop(int unused)
{
	const struct control stop = {.type = CONTROL_STOP};

	(void)unused;
	(void)send(agent, &stop, sizeof stop, MSG_NOSIGNAL);
}

static void a_keep_that_computes_can_be_stopped(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 20000};

	(void)state;
	vmm.script = loops;
	assert_true(keeper_watch(&k));
	k.timer_set = true; /* the timer is ours here */
	signal(SIGALRM, on_alarm_stop);
	setitimer(ITIMER_REAL, &soon, NULL);
	keeper_run(&k);
	assert_int_equal(told().type, CONTROL_EXITED);
}

static void nobody_coming_is_an_end(void **state)
{
	struct control m;

	(void)state;
	vmm.script = calls_then_dies;
	k.linger_until = keeper_now() + 2000000;
	ring(KEEPCALL_WAIT, 0, KEEPCALL_FOREVER);
	assert_true(k.over);
	m = told();
	assert_int_equal(m.type, CONTROL_EXITED);
	assert_string_equal(m.text, "no client came");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(unknown_calls_are_invalid),
		T(a_sequence_that_jumps_is_invalid),
		T(time_is_the_hosts),
		T(nothing_is_there_before_a_session),
		T(channel_numbers_are_checked),
		T(bytes_go_both_ways),
		T(transfer_sizes_are_checked),
		T(a_full_stream_says_again),
		T(a_client_that_left_is_closed_and_told_once),
		T(closing_tells_the_agent_and_the_client),
		T(attention_follows_the_sessions_that_wait),
		T(the_queue_of_sessions_is_bounded),
		T(channel_numbers_run_out_politely),
		T(open_is_checked),
		T(a_socket_comes_from_the_agent),
		T(a_socket_that_cannot_be_is_closed),
		T(a_late_socket_is_closed),
		T(listening_sockets_accept),
		T(growth_is_checked_before_the_backend),
		T(sealing_is_for_the_code_area),
		T(dropping_is_for_linear_memories),
		T(evidence_is_over_the_given_data),
		T(wait_says_what_is_ready),
		T(wait_requests_are_checked),
		T(wait_remembers_nothing),
		T(wait_times_out),
		T(a_session_ends_a_wait_once),
		T(stop_ends_a_wait),
		T(the_end_of_the_agent_ends_a_wait),
		T(control_packets_are_checked),
		T(exit_codes_are_told),
		T(the_death_of_the_keep_is_told),
		T(a_keep_that_computes_can_be_stopped),
		T(nobody_coming_is_an_end),
	};

	/* As in the jail: poll refuses more entries than descriptors may be open. */
	const struct rlimit descriptors = {KEEPCALL_CHANNEL_MAX + 64, KEEPCALL_CHANNEL_MAX + 64};

	if (setrlimit(RLIMIT_NOFILE, &descriptors) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
