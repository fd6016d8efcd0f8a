/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of abi/keepcall.h, one function each. */
#include "host/keeper/keeper.h"
#include "host/keeper/report.h"

#include <string.h>
#include <time.h>

static struct answer just(enum keepcall_status status)
{
	return (struct answer){.status = status};
}

static struct answer count(uint64_t ret0)
{
	return (struct answer){.status = KEEPCALL_OK, .ret = {ret0}};
}

static enum keepcall_status status_of(enum err err)
{
	switch (err) {
	case OK: return KEEPCALL_OK;
	case ERR_AGAIN: return KEEPCALL_AGAIN;
	case ERR_CLOSED: return KEEPCALL_CLOSED;
	case ERR_UNSUPPORTED: return KEEPCALL_UNSUPPORTED;
	case ERR_INVALID:
	case ERR_RANGE: return KEEPCALL_INVALID;
	case ERR_LIMIT:
	case ERR_NOMEM: return KEEPCALL_NOMEM;
	default: return KEEPCALL_FAILED;
	}
}

static uint8_t *out_window(struct keeper *k)
{
	return k->shared + KEEPCALL_OUT_OFFSET;
}

static uint8_t *in_window(struct keeper *k)
{
	return k->shared + KEEPCALL_IN_OFFSET;
}

static struct answer serve_EXIT(struct keeper *k, const struct request *r)
{
	struct note n = {0};

	if (r->arg[0] > KEEPCALL_EXIT_HOST) {
		note_set(&n, "the Keep ended with an unknown code %llu", (unsigned long long)r->arg[0]);
		keeper_end(k, CONTROL_DIED, 0, 0, 0, n.text);
		return just(KEEPCALL_INVALID);
	}
	if (r->arg[0] == KEEPCALL_EXIT_FAULT)
		note_set(&n, "CPU exception %llu at 0x%llx inside the Keep", (unsigned long long)r->arg[1],
			 (unsigned long long)r->arg[2]);
	keeper_end(k, CONTROL_EXITED, (uint32_t)r->arg[0], r->arg[1], r->arg[2], n.text);
	return just(KEEPCALL_OK);
}

static struct answer serve_WAIT(struct keeper *k, const struct request *r)
{
	return keeper_wait(k, r);
}

/* A size that fits its window and moves something. */
static bool window_size(uint64_t size)
{
	return size > 0 && size <= KEEPCALL_WINDOW_SIZE;
}

/* Once for each session: when its end is first seen, or when the Keep closes it before that. */
static void tell_detached(struct keeper *k, const struct channel *ch, bool was_ended)
{
	if (ch != NULL && ch->session && ch->ended && !was_ended)
		control_report(k->control, CONTROL_DETACHED, 0, 0, 0, NULL);
}

typedef enum err transfer_function(struct channels *c, uint64_t number, void *data, size_t size, size_t *moved);

static struct answer move(struct keeper *k, const struct request *r, transfer_function *transfer, uint8_t *window)
{
	const struct channel *ch = channels_find(&k->channels, r->arg[0]);
	const bool was_ended = ch != NULL && ch->ended;
	size_t moved = 0;
	enum err err;

	if (!window_size(r->arg[1]))
		return just(KEEPCALL_INVALID);
	err = transfer(&k->channels, r->arg[0], window, (size_t)r->arg[1], &moved);
	tell_detached(k, ch, was_ended);
	if (err == OK)
		return count(moved);
	return (struct answer){.status = status_of(err), .ret = {0, ch != NULL ? ch->why : 0}};
}

static enum err send_window(struct channels *c, uint64_t number, void *data, size_t size, size_t *moved)
{
	return channels_send(c, number, data, size, moved);
}

/* Straight from and to the window: the bytes are the Keep's own, whatever it does to them meanwhile. */
static struct answer serve_SEND(struct keeper *k, const struct request *r)
{
	return move(k, r, send_window, out_window(k));
}

static struct answer serve_RECEIVE(struct keeper *k, const struct request *r)
{
	return move(k, r, channels_receive, in_window(k));
}

/* Printable, and short enough for a packet. */
static bool is_name(const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return size > 0 && size < CONTROL_TEXT_MAX;
}

static struct answer serve_OPEN(struct keeper *k, const struct request *r)
{
	char name[KEEPCALL_NAME_MAX + 1];
	uint64_t opening;
	uint32_t number;
	enum err err;

	if (r->arg[0] < KEEPCALL_CONNECT || r->arg[0] > KEEPCALL_STORE || r->arg[1] > KEEPCALL_NAME_MAX)
		return just(KEEPCALL_INVALID);
	if (r->arg[0] == KEEPCALL_STORE)
		return just(KEEPCALL_UNSUPPORTED);
	memcpy(name, out_window(k), (size_t)r->arg[1]);
	name[r->arg[1]] = 0;
	if (!is_name(name, (size_t)r->arg[1]))
		return just(KEEPCALL_INVALID);
	err = channels_open(&k->channels, &number, &opening);
	if (err != OK)
		return just(status_of(err));
	/* The agent opens it: this process may not, and it is for the agent to say what a Keep may reach. */
	control_report(k->control, CONTROL_OPEN, (uint32_t)r->arg[0], number, opening, name);
	return count(number);
}

static void set_attention(struct keeper *k, uint32_t bits)
{
	struct keepcall_page *page = (struct keepcall_page *)(void *)k->shared;

	__atomic_store_n(&page->attention, bits, __ATOMIC_RELEASE);
}

static struct answer serve_ACCEPT(struct keeper *k, const struct request *r)
{
	uint32_t number;
	enum err err = channels_accept(&k->channels, r->arg[0], &number);

	if (err != OK)
		return just(status_of(err));
	if (r->arg[0] != KEEPCALL_SESSIONS)
		return count(number);
	k->noticed = k->channels.arrivals;
	if (k->channels.pending_count == 0)
		set_attention(k, 0);
	control_report(k->control, CONTROL_ATTACHED, 0, 0, 0, NULL);
	return count(number);
}

static struct answer serve_CLOSE(struct keeper *k, const struct request *r)
{
	const struct channel *ch = channels_find(&k->channels, r->arg[0]);
	const bool session = ch != NULL && ch->session && !ch->ended;
	enum err err;

	if (r->arg[1] > KEEPCALL_CLOSE_WRITE)
		return just(KEEPCALL_INVALID);
	if (r->arg[1] == KEEPCALL_CLOSE_WRITE)
		return just(status_of(channels_shut(&k->channels, r->arg[0])));
	err = channels_close(&k->channels, r->arg[0]);
	if (err == OK && session)
		control_report(k->control, CONTROL_DETACHED, 0, 0, 0, NULL);
	return just(status_of(err));
}

/* Is [address, address + size) inside the area of `room` bytes at `base`? */
static bool inside(uint64_t address, uint64_t size, uint64_t base, uint64_t room)
{
	return address >= base && address - base < room && size <= room - (address - base);
}

static bool inside_area(uint64_t address, uint64_t size)
{
	const uint64_t all = BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE;
	uint64_t base;

	if (!inside(address, 1, BOOT_LINEAR_VA, all))
		return inside(address, size, BOOT_HEAP_VA, BOOT_HEAP_MAX) ||
		       inside(address, size, BOOT_CODE_VA, BOOT_CODE_MAX);
	/* The rest of each stride is a guard for ever. */
	base = address - (address - BOOT_LINEAR_VA) % BOOT_LINEAR_STRIDE;
	return inside(address, size, base, BOOT_LINEAR_MAX);
}

static struct answer serve_GROW(struct keeper *k, const struct request *r)
{
	const uint64_t address = r->arg[0], size = r->arg[1];

	if (size == 0 || (address | size) % PLAN_PAGE_SIZE != 0 || !inside_area(address, size))
		return just(KEEPCALL_INVALID);
	if (r->arg[2] == KEEPCALL_GROW_SEAL && inside(address, size, BOOT_CODE_VA, BOOT_CODE_MAX))
		return just(status_of(k->backend->seal(k->vmm, address, size)));
	if (r->arg[2] == KEEPCALL_GROW_DROP && address >= BOOT_LINEAR_VA && (address - BOOT_LINEAR_VA) % BOOT_LINEAR_STRIDE == 0)
		return just(status_of(k->backend->drop(k->vmm, address, size)));
	if (r->arg[2] != KEEPCALL_GROW_PAGES)
		return just(KEEPCALL_INVALID);
	return just(status_of(k->backend->grow(k->vmm, address, size)));
}

static struct answer serve_TIME(struct keeper *k, const struct request *r)
{
	struct timespec now;

	(void)k;
	(void)r;
	clock_gettime(CLOCK_REALTIME, &now);
	return count((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

static struct answer serve_EVIDENCE(struct keeper *k, const struct request *r)
{
	uint8_t report_data[64];
	struct note n = {0};
	size_t size = 0;
	enum err err;

	if (r->arg[0] != sizeof report_data)
		return just(KEEPCALL_INVALID);
	if (k->tee == NULL)
		return just(KEEPCALL_UNSUPPORTED);
	memcpy(report_data, out_window(k), sizeof report_data);
	/* Made in private memory: the signer must not read back what the Keep can write. */
	err = k->tee_backend->evidence(k->tee, report_data, k->evidence, sizeof k->evidence, &size, &n);
	if (err != OK || size == 0 || size > sizeof k->evidence)
		return just(err == ERR_UNSUPPORTED ? KEEPCALL_UNSUPPORTED : KEEPCALL_FAILED);
	memcpy(in_window(k), k->evidence, size);
	return count(size);
}

static struct answer serve_BLOCK_READ(struct keeper *k, const struct request *r)
{
	(void)k;
	(void)r;
	return just(KEEPCALL_UNSUPPORTED);
}

static struct answer serve_BLOCK_WRITE(struct keeper *k, const struct request *r)
{
	return serve_BLOCK_READ(k, r);
}

static struct answer (*const handlers[KEEPCALL_LIMIT])(struct keeper *, const struct request *) = {
#define CALL(number, name) [number] = serve_##name,
	KEEPCALLS(CALL)
#undef CALL
};

static struct request take(const volatile struct keepcall_page *page)
{
	struct request r = {.op = page->op, .sequence = page->sequence};

	for (size_t i = 0; i < ARRAY_COUNT(r.arg); i++)
		r.arg[i] = page->arg[i];
	return r;
}

static void put(volatile struct keepcall_page *page, const struct request *r, const struct answer *a)
{
	page->ret[0] = a->ret[0];
	page->ret[1] = a->ret[1];
	page->status = a->status;
	page->answered = r->sequence;
}

void keeper_serve(struct keeper *k)
{
	volatile struct keepcall_page *page = (volatile struct keepcall_page *)(void *)k->shared;
	const struct request r = take(page);
	struct answer a = just(KEEPCALL_INVALID);

	k->calls++;
	if (r.sequence == k->sequence + 1 && r.op < KEEPCALL_LIMIT && handlers[r.op] != NULL)
		a = handlers[r.op](k, &r);
	k->sequence = r.sequence;
	if (!k->over)
		put(page, &r, &a);
}
