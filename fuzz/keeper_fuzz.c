/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper against a Keep that asks for anything, and against one that asks properly. The first byte chooses: raw
 * requests with any number in any field, or the Keep's own call layer, which must never find an answer against the
 * contract. Between the calls clients come, send, and go. Memory is guarded by the sanitizers.
 */
#include "host/keeper/keeper.h"
#include "keep/call/call.h"
#include "lib/base/rw.h"
#include "sys/fdpass.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, CHUNK = 1000 };

static struct keeper k;
static ALIGNED(4096) uint8_t shared[KEEPCALL_SHARED_SIZE];
static int agent, client[CLIENTS];
static uint32_t last_sequence;

static void must(bool cond)
{
	if (!cond)
		abort();
}

static uint8_t *fake_shared(struct vmm *v)
{
	(void)v;
	return shared;
}

static bool within(uint64_t address, uint64_t size, uint64_t base, uint64_t room)
{
	return address >= base && size <= room && address - base <= room - size;
}

/* Whatever reaches a backend was checked. */
static enum err fake_grow(struct vmm *v, uint64_t address, uint64_t size)
{
	const uint64_t slot = (address - BOOT_LINEAR_VA) / BOOT_LINEAR_STRIDE;

	(void)v;
	must(size > 0 && (address | size) % PLAN_PAGE_SIZE == 0);
	must(within(address, size, BOOT_HEAP_VA, BOOT_HEAP_MAX) ||
	     within(address, size, BOOT_CODE_VA, BOOT_CODE_MAX) ||
	     (slot < BOOT_LINEAR_COUNT && within(address, size, BOOT_LINEAR_VA + slot * BOOT_LINEAR_STRIDE, BOOT_LINEAR_MAX)));
	return address & 8192 ? ERR_LIMIT : OK;
}

static enum err fake_seal(struct vmm *v, uint64_t address, uint64_t size)
{
	(void)v;
	must(size > 0 && (address | size) % PLAN_PAGE_SIZE == 0 && within(address, size, BOOT_CODE_VA, BOOT_CODE_MAX));
	return address & 8192 ? ERR_RANGE : OK;
}

static enum err fake_drop(struct vmm *v, uint64_t address, uint64_t size)
{
	(void)v;
	must(size > 0 && (address - BOOT_LINEAR_VA) % BOOT_LINEAR_STRIDE == 0 && size <= BOOT_LINEAR_MAX);
	return address & BOOT_LINEAR_STRIDE ? ERR_RANGE : OK;
}

static void fake_kick(struct vmm *v)
{
	(void)v;
}

static enum err fake_evidence(struct tee *t, const uint8_t report_data[static 64], uint8_t *out, size_t capacity,
			      size_t *size, struct note *n)
{
	(void)t;
	(void)n;
	*size = (size_t)report_data[0] * 257;
	if (*size > capacity)
		return ERR_SPACE;
	memset(out, report_data[1], *size);
	return OK;
}

static const struct vmm_backend backend = {.name = "fake", .shared = fake_shared, .grow = fake_grow, .seal = fake_seal, .drop = fake_drop, .kick = fake_kick};
static const struct tee_backend signer = {.name = "fake", .evidence = fake_evidence};

/* ---- the Keep's call layer asks for these ---- */

void door_ring(void)
{
	const volatile struct keepcall_page *page = (const volatile struct keepcall_page *)(const void *)shared;

	last_sequence = page->sequence;
	keeper_serve(&k);
}

NORETURN void call_broken(const char *what)
{
	(void)what;
	abort();
}

/* ---- what happens besides ---- */

static void attach(size_t which)
{
	const struct control m = {.type = CONTROL_ATTACH};
	int pair[2];

	fd_close(&client[which]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	client[which] = pair[0];
	must(fdpass_send(agent, &m, sizeof m, pair[1]) == OK);
	close(pair[1]);
	keeper_listen(&k);
}

static void outside(uint8_t what, uint8_t which)
{
	static uint8_t bytes[CHUNK];
	const size_t c = which % CLIENTS;

	switch (what % 4) {
	case 0: attach(c); break;
	case 1: (void)!send(client[c], bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL); break;
	case 2: (void)!recv(client[c], bytes, sizeof bytes, MSG_DONTWAIT); break;
	default: fd_close(&client[c]);
	}
}

/* A number near something that matters, or any. */
static enum err take_number(struct reader *r, uint64_t *out)
{
	static const uint64_t bases[] = {0, 1, 64, KEEPCALL_NAME_MAX, KEEPCALL_POLL_MAX, KEEPCALL_WINDOW_SIZE, BOOT_HEAP_VA,
					 BOOT_HEAP_VA + BOOT_HEAP_MAX, BOOT_LINEAR_VA, BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE / 2,
					 UINT64_C(1) << 32, UINT64_MAX};
	uint8_t base, off;

	TRY(rd_u8(r, &base));
	TRY(rd_u8(r, &off));
	if (base % 16 >= ARRAY_COUNT(bases))
		return rd_u64le(r, out);
	*out = bases[base % 16] + (base & 0x80 ? PLAN_PAGE_SIZE * (uint64_t)off : off) - (base & 0x40 ? 8 : 0);
	return OK;
}

static enum err raw_call(struct reader *r, uint8_t op)
{
	volatile struct keepcall_page *page = (volatile struct keepcall_page *)(void *)shared;
	struct slice window;
	uint8_t window_size;

	page->op = op % (KEEPCALL_LIMIT + 2);
	page->sequence = k.sequence + 1;
	for (size_t i = 0; i < 2; i++) {
		uint64_t v;

		TRY(take_number(r, &v));
		page->arg[i] = v;
	}
	TRY(rd_u8(r, &window_size));
	page->arg[2] = window_size % 4;
	TRY(rd_bytes(r, window_size, &window));
	if (window.size > 0)
		memcpy(shared + KEEPCALL_OUT_OFFSET, window.data, window.size);
	if (page->op == KEEPCALL_WAIT)
		page->arg[1] = 0; /* we have no time */
	keeper_serve(&k);
	if (!k.over) {
		must(page->status < KEEPCALL_STATUS_LIMIT);
		must(page->answered == page->sequence);
	}
	return OK;
}

static void proper_wait(uint32_t channel)
{
	struct keepcall_poll p[2] = {{KEEPCALL_SESSIONS, KEEPCALL_READABLE, 0}, {channel, KEEPCALL_READABLE | KEEPCALL_WRITABLE, 0}};
	size_t ready;

	must(call_wait(p, channels_find(&k.channels, channel) != NULL ? 2 : 1, 0, &ready) == OK);
}

/* Only what a Keep may ask: it knows which channels it has open. */
static enum err proper_call(struct reader *r, uint8_t op)
{
	static uint8_t buffer[KEEPCALL_EVIDENCE_MAX + 1];
	uint8_t which, amount;
	uint64_t ignored;
	uint32_t channel;
	size_t moved;

	TRY(rd_u8(r, &which));
	TRY(rd_u8(r, &amount));
	channel = 1 + which % CLIENTS;
	memset(buffer, amount, 64);
	if (op % 8 < 3 && channels_find(&k.channels, channel) == NULL)
		return OK;
	switch (op % 8) {
	case 0: (void)!call_send(channel, slice_of(buffer, (size_t)amount * 100), &moved); break;
	case 1: (void)!call_receive(channel, buffer, (size_t)amount * 100, &moved); break;
	case 2: call_close(channel); break;
	case 3: (void)!call_accept(KEEPCALL_SESSIONS, &channel); break;
	case 4: proper_wait(channel); break;
	case 5: (void)!call_grow(BOOT_HEAP_VA + PLAN_PAGE_SIZE * (uint64_t)amount, PLAN_PAGE_SIZE * (uint64_t)(1 + which)); break;
	case 6: (void)!call_evidence(buffer, buffer, sizeof buffer, &moved); break;
	default: must(call_time(&ignored) == OK);
	}
	return OK;
}

static enum err step(struct reader *r, bool raw)
{
	uint8_t what, which;

	TRY(rd_u8(r, &what));
	if (what < 64) {
		TRY(rd_u8(r, &which));
		outside(what, which);
		return OK;
	}
	return raw ? raw_call(r, what) : proper_call(r, what);
}

static void begin(void)
{
	const struct boot_info boot = {.magic = BOOT_MAGIC,
				       .version = BOOT_VERSION,
				       .size = sizeof boot,
				       .shared_va = (uintptr_t)shared,
				       .shared_size = sizeof shared};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	memset(&k, 0, sizeof k);
	memset(shared, 0, KEEPCALL_PAGE_SIZE);
	agent = pair[0];
	k.control = pair[1];
	k.backend = &backend;
	k.tee_backend = &signer;
	k.tee = (struct tee *)&k; /* the fake never looks into it */
	k.shared = shared;
	k.sequence = last_sequence;
	k.watcher = epoll_create1(EPOLL_CLOEXEC);
	must(k.watcher >= 0);
	channels_init(&k.channels, k.watcher);
	for (size_t i = 0; i < CLIENTS; i++)
		client[i] = -1;
	call_init(&boot);
}

static void end(void)
{
	channels_close_all(&k.channels);
	for (size_t i = 0; i < CLIENTS; i++)
		fd_close(&client[i]);
	fd_close(&agent);
	fd_close(&k.control);
	fd_close(&k.watcher);
}

/* The lowest free descriptor: one that was leaked moves it. */
static int lowest_free(void)
{
	int fd = fcntl(0, F_DUPFD, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_of(slice_of(data, size));
	const int before = lowest_free();
	uint8_t mode;

	if (rd_u8(&r, &mode) != OK)
		return 0;
	begin();
	while (!k.over && step(&r, mode & 1) == OK) {
		struct control m; /* the agent reads what it is told, or its socket fills */
		int fd;

		while (fdpass_receive(agent, &m, sizeof m, &fd) == OK)
			must(fd == -1);
	}
	end();
	must(lowest_free() == before);
	return 0;
}
