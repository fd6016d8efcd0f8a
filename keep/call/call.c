/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/call.h"

#include <string.h>

/* The one piece of state behind the door. Nothing in the shared area is ever read twice. */
static struct {
	volatile struct keepcall_page *page;
	uint8_t *out, *in;
	uint32_t sequence;
	struct call_hints hints;
	uint64_t code, sealed; /* the code area: where it begins, how much of it is sealed */
	uint64_t taken[KEEPCALL_CHANNEL_MAX / 64]; /* one bit for each channel number that is in use */
} door;

void call_init(const struct boot_info *boot)
{
	uint8_t *shared = (uint8_t *)(uintptr_t)boot->shared_va; // NOLINT(performance-no-int-to-ptr)

	CHECK(boot->magic == BOOT_MAGIC && boot->version == BOOT_VERSION && boot->size == sizeof *boot);
	CHECK(boot->shared_size == KEEPCALL_SHARED_SIZE);
	door.page = (volatile struct keepcall_page *)(void *)shared;
	door.out = shared + KEEPCALL_OUT_OFFSET;
	door.in = shared + KEEPCALL_IN_OFFSET;
	door.code = boot->code_va;
	door.sealed = 0;
	memset(door.taken, 0, sizeof door.taken);
	door.hints = (struct call_hints){door.page->tsc_hz, door.page->wall_ns, door.page->wall_tsc};
}

struct call_hints call_hints(void)
{
	return door.hints;
}

uint32_t call_attention(void)
{
	return door.page->attention;
}

void call_tell_restarts(uint32_t count)
{
	door.page->restarts = count;
}

struct answer {
	enum keepcall_status status;
	uint64_t ret[2];
};

/* Rings, and takes the answer out of the host's reach. */
static struct answer ring(enum keepcall_op op, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
	volatile struct keepcall_page *p = door.page;
	uint32_t status, answered;
	struct answer a;

	p->op = (uint32_t)op;
	p->sequence = ++door.sequence;
	p->arg[0] = arg0;
	p->arg[1] = arg1;
	p->arg[2] = arg2;
	p->arg[3] = 0;
	door_ring();
	status = p->status;
	answered = p->answered;
	a.ret[0] = p->ret[0];
	a.ret[1] = p->ret[1];
	if (answered != door.sequence)
		call_broken("the answer is to another call");
	if (status >= KEEPCALL_STATUS_LIMIT)
		call_broken("the status is unknown");
	a.status = (enum keepcall_status)status;
	return a;
}

enum {
	MAY_AGAIN = 1 << KEEPCALL_AGAIN,
	MAY_CLOSED = 1 << KEEPCALL_CLOSED,
	MAY_UNSUPPORTED = 1 << KEEPCALL_UNSUPPORTED,
	MAY_NOMEM = 1 << KEEPCALL_NOMEM,
	MAY_FAILED = 1 << KEEPCALL_FAILED,
};

/* INVALID is never legitimate: what we ask for is within the contract. */
static enum err judge(struct answer a, unsigned may)
{
	static const enum err errs[KEEPCALL_STATUS_LIMIT] = {
	        [KEEPCALL_OK] = OK,
	        [KEEPCALL_AGAIN] = ERR_AGAIN,
	        [KEEPCALL_CLOSED] = ERR_CLOSED,
	        [KEEPCALL_UNSUPPORTED] = ERR_UNSUPPORTED,
	        [KEEPCALL_NOMEM] = ERR_NOMEM,
	        [KEEPCALL_FAILED] = ERR_IO,
	};

	if (a.status != KEEPCALL_OK && !(may >> a.status & 1))
		call_broken("the status does not belong to the call");
	return errs[a.status];
}

/* A count in an answer: min..max or the host is out of its contract. */
static size_t counted(uint64_t have, size_t min, size_t max)
{
	if (have < min || have > max)
		call_broken("a count in the answer is out of range");
	return (size_t)have;
}

/* Of a new channel: one number that two of us use would mix a session with a socket, or two sockets. */
static uint32_t channel_of(uint64_t have)
{
	const uint64_t bit = UINT64_C(1) << have % 64;

	if (have == KEEPCALL_SESSIONS || have >= KEEPCALL_CHANNEL_MAX)
		call_broken("the channel number is out of range");
	if ((door.taken[have / 64] & bit) != 0)
		call_broken("the channel number is in use");
	door.taken[have / 64] |= bit;
	return (uint32_t)have;
}

void call_exit(enum keepcall_exit code, uint64_t detail0, uint64_t detail1)
{
	/* The host should never run us again; if it does, it gets the same answer. */
	for (;;)
		ring(KEEPCALL_EXIT, (uint64_t)code, detail0, detail1);
}

static enum err wait_answer(struct keepcall_poll *entries, size_t count, size_t said, size_t *ready)
{
	size_t have = 0;

	for (size_t i = 0; i < count; i++) {
		struct keepcall_poll got;

		memcpy(&got, door.in + i * sizeof got, sizeof got);
		if (got.channel != entries[i].channel || got.wanted != entries[i].wanted)
			call_broken("WAIT answered other entries");
		if (got.ready & ~(unsigned)(entries[i].wanted | KEEPCALL_HANGUP))
			call_broken("WAIT answered events that nobody wanted");
		entries[i].ready = got.ready;
		have += got.ready != 0;
	}
	if (have != said)
		call_broken("WAIT counted wrong");
	*ready = have;
	return OK;
}

enum err call_wait(struct keepcall_poll *entries, size_t count, uint64_t timeout_ns, size_t *ready)
{
	struct answer a;

	CHECK(count <= KEEPCALL_POLL_MAX);
	for (size_t i = 0; i < count; i++)
		entries[i].ready = 0;
	if (count != 0)
		memcpy(door.out, entries, count * sizeof *entries);
	a = ring(KEEPCALL_WAIT, count, timeout_ns, 0);
	TRY(judge(a, 0));
	return wait_answer(entries, count, counted(a.ret[0], 0, count), ready);
}

enum err call_send(uint32_t channel, struct slice data, size_t *sent)
{
	size_t size = data.size < KEEPCALL_WINDOW_SIZE ? data.size : KEEPCALL_WINDOW_SIZE;
	struct answer a;

	*sent = 0;
	if (size == 0)
		return OK;
	memcpy(door.out, data.data, size);
	a = ring(KEEPCALL_SEND, channel, size, 0);
	TRY(judge(a, MAY_AGAIN | MAY_CLOSED | MAY_FAILED));
	*sent = counted(a.ret[0], 1, size);
	return OK;
}

enum err call_receive(uint32_t channel, void *buffer, size_t capacity, size_t *got)
{
	size_t size = capacity < KEEPCALL_WINDOW_SIZE ? capacity : KEEPCALL_WINDOW_SIZE;
	struct answer a;

	*got = 0;
	if (size == 0)
		return OK;
	a = ring(KEEPCALL_RECEIVE, channel, size, 0);
	TRY(judge(a, MAY_AGAIN | MAY_CLOSED | MAY_FAILED));
	*got = counted(a.ret[0], 1, size);
	memcpy(buffer, door.in, *got);
	return OK;
}

enum err call_open(enum keepcall_channel kind, struct slice name, uint32_t *channel)
{
	struct answer a;

	if (name.size > KEEPCALL_NAME_MAX)
		return ERR_LIMIT;
	if (name.size != 0)
		memcpy(door.out, name.data, name.size);
	a = ring(KEEPCALL_OPEN, (uint64_t)kind, name.size, 0);
	TRY(judge(a, MAY_UNSUPPORTED | MAY_NOMEM | MAY_FAILED));
	*channel = channel_of(a.ret[0]);
	return OK;
}

enum keepcall_why call_why(uint32_t channel)
{
	struct answer a = ring(KEEPCALL_RECEIVE, channel, 1, 0);

	if (judge(a, MAY_AGAIN | MAY_CLOSED | MAY_FAILED) == OK || a.ret[1] >= KEEPCALL_WHY_LIMIT)
		return KEEPCALL_WHY_UNKNOWN;
	return (enum keepcall_why)a.ret[1];
}

enum err call_accept(uint32_t listener, uint32_t *channel)
{
	struct answer a = ring(KEEPCALL_ACCEPT, listener, 0, 0);

	TRY(judge(a, MAY_AGAIN | MAY_CLOSED | MAY_NOMEM | MAY_FAILED));
	*channel = channel_of(a.ret[0]);
	return OK;
}

void call_close(uint32_t channel)
{
	struct answer a = ring(KEEPCALL_CLOSE, channel, KEEPCALL_CLOSE_ALL, 0);

	CHECK(channel < KEEPCALL_CHANNEL_MAX);
	door.taken[channel / 64] &= ~(UINT64_C(1) << channel % 64);
	if (judge(a, 0) != OK)
		call_broken("CLOSE failed");
}

enum err call_shut(uint32_t channel)
{
	return judge(ring(KEEPCALL_CLOSE, channel, KEEPCALL_CLOSE_WRITE, 0), MAY_AGAIN | MAY_CLOSED | MAY_FAILED);
}

enum err call_grow(uint64_t address, uint64_t size)
{
	return judge(ring(KEEPCALL_GROW, address, size, 0), MAY_NOMEM);
}

enum err call_seal(uint64_t address, uint64_t size)
{
	CHECK(address == door.code + door.sealed);
	TRY(judge(ring(KEEPCALL_GROW, address, size, KEEPCALL_GROW_SEAL), MAY_NOMEM));
	door.sealed += size;
	return OK;
}

enum err call_drop(uint64_t address, uint64_t size)
{
	return judge(ring(KEEPCALL_GROW, address, size, KEEPCALL_GROW_DROP), MAY_NOMEM);
}

bool call_sealed(uint64_t address)
{
	return address - door.code < door.sealed;
}

enum err call_time(uint64_t *wall_ns)
{
	struct answer a = ring(KEEPCALL_TIME, 0, 0, 0);

	TRY(judge(a, MAY_UNSUPPORTED));
	*wall_ns = a.ret[0];
	return OK;
}

enum err call_evidence(const uint8_t report_data[static 64], uint8_t *buffer, size_t capacity, size_t *size)
{
	struct answer a;

	memcpy(door.out, report_data, 64);
	a = ring(KEEPCALL_EVIDENCE, 64, 0, 0);
	TRY(judge(a, MAY_UNSUPPORTED | MAY_FAILED));
	*size = counted(a.ret[0], 1, KEEPCALL_EVIDENCE_MAX);
	if (*size > capacity)
		return ERR_SPACE;
	memcpy(buffer, door.in, *size);
	return OK;
}
