/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hostile/fakehost.h"

/* Linked as source, as the program is: what it defines must win over the archives. */
#include "keep/run/main.c"

#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "keep/run/keep.h"
#include "lib/session/manifest.h"

#include <bearssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PIPE_MAX = 1 << 20, LINEARS = 2, WATCHED = 4, CODE_MAX = 16 << 20 };

struct queue { /* bytes under way */
	uint8_t *bytes;
	size_t at, size;
};

struct channel {
	bool used, accepted, client_gone, keep_gone;
	struct queue to_keep, to_client;
};

static struct fake {
	struct fake_options o;
	struct boot_info boot;
	uint8_t *shared, *heap, *linear, *code; /* as boot says */
	uint64_t heap_used, linear_used[LINEARS]; /* high-water marks, to be given back */
	uint64_t code_used, sealed;
	uint64_t granted;
	struct channel channels[FAKE_CHANNELS];
	uint64_t now_ns, clock_step, random, calls;
	uint64_t wait_timeout;
	bool waiting, timed_out;
	uint64_t result; /* of a socket's call */
	enum fake_end end;
	uint64_t exit_code;
	struct slice watched[WATCHED];
	size_t watched_count;
	bool leaked;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool keeps_turn;
} f = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

/* ---- turns ---- */

static void give_turn(bool to_keep)
{
	pthread_mutex_lock(&f.lock);
	f.keeps_turn = to_keep;
	pthread_cond_broadcast(&f.cond);
	pthread_mutex_unlock(&f.lock);
}

static void await_turn(bool keeps)
{
	pthread_mutex_lock(&f.lock);
	while (f.keeps_turn != keeps)
		pthread_cond_wait(&f.cond, &f.lock);
	pthread_mutex_unlock(&f.lock);
}

static NORETURN void end_keep(enum fake_end how)
{
	f.end = how;
	give_turn(false);
	pthread_exit(NULL);
}

/* A Keep that is not over yet ends at its next call. */
static bool cancel;

static void *keep_thread(void *arg)
{
	(void)arg;
	await_turn(true);
	if (cancel)
		end_keep(FAKE_EXITED);
	call_init(&f.boot);
	if (f.o.run == NULL)
		keep_main(&f.boot);
	f.o.run(&f.boot);
	end_keep(FAKE_EXITED);
}

/* ---- what the shim and the CPU give in a real Keep ---- */

void call_broken(const char *what)
{
	(void)what;
	end_keep(FAKE_BROKEN);
}

uint64_t cpu_tsc(void)
{
	f.now_ns += f.clock_step;
	return f.now_ns;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

enum err cpu_random(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)(next_random(&f.random) >> 32);
	return OK;
}

/* ---- queues ---- */

static size_t pipe_size(void)
{
	return f.o.pipe_size == 0 ? PIPE_MAX : f.o.pipe_size;
}

static size_t queue_put(struct queue *q, const void *data, size_t size)
{
	size_t room = pipe_size() - q->size;

	if (q->bytes == NULL)
		q->bytes = malloc(PIPE_MAX);
	if (q->at + q->size + size > PIPE_MAX) {
		memmove(q->bytes, q->bytes + q->at, q->size);
		q->at = 0;
	}
	size = size < room ? size : room;
	memcpy(q->bytes + q->at + q->size, data, size);
	q->size += size;
	return size;
}

static size_t queue_take(struct queue *q, void *out, size_t capacity)
{
	size_t size = q->size < capacity ? q->size : capacity;

	if (size > 0)
		memcpy(out, q->bytes + q->at, size);
	q->at += size;
	q->size -= size;
	return size;
}

/* ---- the calls ---- */

static volatile struct keepcall_page *page(void)
{
	return (volatile struct keepcall_page *)(void *)f.shared;
}

/* A socket's channel: its host answers, if it is one that was opened. */
static bool is_socket(uint64_t number)
{
	return f.o.sockets != NULL && number > FAKE_CHANNELS;
}

static struct channel *channel_of(uint64_t number)
{
	if (number == 0 || number > FAKE_CHANNELS || !f.channels[number - 1].accepted)
		return NULL;
	return &f.channels[number - 1];
}

static int waiting_client(void)
{
	for (int i = 0; i < FAKE_CHANNELS; i++)
		if (f.channels[i].used && !f.channels[i].accepted)
			return i;
	return -1;
}

static uint16_t ready_events(const struct keepcall_poll *p)
{
	const struct channel *c = channel_of(p->channel);
	unsigned ready = 0;

	if (is_socket(p->channel))
		return f.o.sockets->ready(p->channel, p->wanted);
	if (p->channel == KEEPCALL_SESSIONS)
		return waiting_client() >= 0 ? p->wanted & KEEPCALL_READABLE : 0;
	if (c == NULL)
		return 0;
	if (c->to_keep.size > 0 || c->client_gone)
		ready |= KEEPCALL_READABLE;
	if (c->to_client.size < pipe_size() || c->client_gone)
		ready |= KEEPCALL_WRITABLE;
	ready &= p->wanted;
	if (c->client_gone && c->to_keep.size == 0)
		ready |= KEEPCALL_HANGUP;
	return (uint16_t)ready;
}

static uint64_t poll_once(const uint8_t *out, uint8_t *in, size_t count)
{
	struct keepcall_poll p;
	uint64_t ready = 0;

	for (size_t i = 0; i < count; i++) {
		memcpy(&p, out + i * sizeof p, sizeof p);
		p.ready = ready_events(&p);
		ready += p.ready != 0;
		memcpy(in + i * sizeof p, &p, sizeof p);
	}
	return ready;
}

/* Peers of sockets go on until one of them has made something ready, or none can. */
static uint64_t poll_all(const uint8_t *out, uint8_t *in, size_t count)
{
	uint64_t ready = poll_once(out, in, count);

	while (ready == 0 && f.o.sockets != NULL && f.o.sockets->step())
		ready = poll_once(out, in, count);
	return ready;
}

/* Nobody else is there: time passes, unless it would do so for ever. */
static enum keepcall_status let_time_pass(void)
{
	if (page()->arg[1] == KEEPCALL_FOREVER)
		end_keep(FAKE_STUCK);
	f.now_ns += page()->arg[1];
	return KEEPCALL_OK;
}

static enum keepcall_status answer_wait(const uint8_t *out, uint8_t *in)
{
	uint64_t count = page()->arg[0];

	page()->ret[0] = poll_all(out, in, count);
	if (page()->ret[0] > 0)
		return KEEPCALL_OK;
	if (f.o.alone)
		return let_time_pass();
	if (page()->arg[1] == 0) { /* it computes and only looks: a client may do something just now */
		give_turn(false);
		await_turn(true);
		if (cancel)
			end_keep(FAKE_EXITED);
		page()->ret[0] = poll_all(out, in, count);
		return KEEPCALL_OK;
	}
	/* Nothing yet: the test's turn, until it has done something or lets the time pass. */
	f.waiting = true;
	f.timed_out = false;
	f.wait_timeout = page()->arg[1];
	do {
		give_turn(false);
		await_turn(true);
		if (cancel)
			end_keep(FAKE_EXITED);
		page()->ret[0] = poll_all(out, in, count);
	} while (page()->ret[0] == 0 && !f.timed_out);
	f.waiting = false;
	if (page()->ret[0] == 0)
		f.now_ns += f.wait_timeout;
	return KEEPCALL_OK;
}

static void look_for_leaks(const uint8_t *out, size_t size)
{
	for (size_t i = 0; i < f.watched_count; i++)
		if (size >= f.watched[i].size && memmem(out, size, f.watched[i].data, f.watched[i].size) != NULL)
			f.leaked = true;
}

static enum keepcall_status answer_send(const uint8_t *out)
{
	struct channel *c = channel_of(page()->arg[0]);

	look_for_leaks(out, page()->arg[1]);
	if (is_socket(page()->arg[0]) && page()->arg[1] <= KEEPCALL_WINDOW_SIZE)
		return f.o.sockets->send(page()->arg[0], slice_of(out, page()->arg[1]), &f.result);
	if (c == NULL || page()->arg[1] > KEEPCALL_WINDOW_SIZE)
		return KEEPCALL_INVALID;
	if (c->client_gone)
		return KEEPCALL_CLOSED;
	page()->ret[0] = queue_put(&c->to_client, out, page()->arg[1]);
	return page()->ret[0] == 0 ? KEEPCALL_AGAIN : KEEPCALL_OK;
}

static enum keepcall_status answer_receive(uint8_t *in)
{
	struct channel *c = channel_of(page()->arg[0]);

	if (is_socket(page()->arg[0]) && page()->arg[1] <= KEEPCALL_WINDOW_SIZE)
		return f.o.sockets->receive(page()->arg[0], in, page()->arg[1], &f.result);
	if (c == NULL || page()->arg[1] > KEEPCALL_WINDOW_SIZE)
		return KEEPCALL_INVALID;
	page()->ret[0] = queue_take(&c->to_keep, in, page()->arg[1]);
	if (page()->ret[0] > 0)
		return KEEPCALL_OK;
	return c->client_gone ? KEEPCALL_CLOSED : KEEPCALL_AGAIN;
}

static enum keepcall_status answer_accept(void)
{
	int i = waiting_client();

	if (is_socket(page()->arg[0]))
		return f.o.sockets->accept(page()->arg[0], &f.result);
	if (page()->arg[0] != KEEPCALL_SESSIONS)
		return KEEPCALL_INVALID;
	if (i < 0)
		return KEEPCALL_AGAIN;
	f.channels[i].accepted = true;
	page()->ret[0] = (uint64_t)i + 1;
	page()->attention = waiting_client() >= 0 ? KEEPCALL_ATTENTION_SESSION : 0;
	return KEEPCALL_OK;
}

static enum keepcall_status answer_close(void)
{
	struct channel *c = channel_of(page()->arg[0]);

	if (is_socket(page()->arg[0]))
		return f.o.sockets->close(page()->arg[0], page()->arg[1]);
	if (c == NULL)
		return KEEPCALL_INVALID;
	c->keep_gone = true;
	c->accepted = false;
	c->used = !c->client_gone;
	if (c->used)
		c->accepted = true; /* not one that waits; its bytes are still to be read */
	return KEEPCALL_OK;
}

static bool inside(uint64_t at, uint64_t size, const uint8_t *area, uint64_t area_size, uint64_t *used)
{
	uint64_t base = (uint64_t)(uintptr_t)area;

	if (at < base || size > area_size || at - base > area_size - size)
		return false;
	if (at - base + size > *used)
		*used = at - base + size;
	return true;
}

/* Exactly what was grown since the last time. */
static enum keepcall_status answer_seal(uint64_t at, uint64_t size)
{
	if (at != f.boot.code_va + f.sealed || size != f.code_used - f.sealed || size == 0)
		return KEEPCALL_INVALID;
	if (f.o.touch_code != NULL)
		f.o.touch_code((uint8_t *)(uintptr_t)at, size);
	if (mprotect((void *)(uintptr_t)at, size, PROT_READ | PROT_EXEC) != 0)
		abort();
	f.sealed += size;
	return KEEPCALL_OK;
}

static void give_back(uint8_t *area, uint64_t size)
{
	if (size == 0)
		return;
	/* Replacing the mapping both frees the pages and makes them absent again; parts far apart are one range. */
	if (mmap(area, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}

static enum keepcall_status answer_drop(uint64_t at, uint64_t size)
{
	for (unsigned i = 0; i < LINEARS; i++) {
		if (at != (uint64_t)(uintptr_t)f.linear + i * f.boot.linear_stride || size != f.linear_used[i])
			continue;
		give_back(f.linear + i * f.boot.linear_stride, size);
		f.linear_used[i] = 0;
		f.granted -= size;
		return KEEPCALL_OK;
	}
	return KEEPCALL_INVALID;
}

static enum keepcall_status answer_grow(void)
{
	uint64_t at = page()->arg[0], size = page()->arg[1];
	bool code = at == f.boot.code_va + f.code_used && inside(at, size, f.code, CODE_MAX, &f.code_used), ok = code;

	if (page()->arg[2] == KEEPCALL_GROW_SEAL)
		return answer_seal(at, size);
	if (page()->arg[2] == KEEPCALL_GROW_DROP)
		return answer_drop(at, size);
	ok = ok || inside(at, size, f.heap, f.boot.heap_max, &f.heap_used);
	for (unsigned i = 0; i < LINEARS && !ok; i++)
		ok = inside(at, size, f.linear + i * f.boot.linear_stride, f.boot.linear_stride, &f.linear_used[i]);
	if (!ok || at % KEEPCALL_PAGE_SIZE != 0 || size % KEEPCALL_PAGE_SIZE != 0 || size == 0)
		return KEEPCALL_INVALID;
	if (size > (f.o.grow_max == 0 ? UINT64_C(1) << 30 : f.o.grow_max) - f.granted)
		return KEEPCALL_NOMEM;
	f.granted += size;
	if (mprotect((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE) != 0)
		abort();
	return KEEPCALL_OK;
}

static enum keepcall_status answer_evidence(const uint8_t *out, uint8_t *in)
{
	if (f.o.no_evidence)
		return KEEPCALL_FAILED;
	memcpy(in, "evidence:", 9);
	memcpy(in + 9, out, 64);
	page()->ret[0] = 9 + 64;
	return KEEPCALL_OK;
}

static enum keepcall_status answer_open(const uint8_t *out)
{
	if (f.o.sockets == NULL)
		return KEEPCALL_UNSUPPORTED;
	if (page()->arg[1] > KEEPCALL_NAME_MAX)
		return KEEPCALL_INVALID;
	return f.o.sockets->open(page()->arg[0], slice_of(out, page()->arg[1]), &f.result);
}

static enum keepcall_status answer(void)
{
	uint8_t *out = f.shared + KEEPCALL_OUT_OFFSET, *in = f.shared + KEEPCALL_IN_OFFSET;

	switch ((enum keepcall_op)page()->op) {
	case KEEPCALL_EXIT:
		f.exit_code = page()->arg[0];
		end_keep(f.exit_code == KEEPCALL_EXIT_FATAL ? FAKE_CHECK : FAKE_EXITED);
	case KEEPCALL_WAIT: return answer_wait(out, in);
	case KEEPCALL_SEND: return answer_send(out);
	case KEEPCALL_RECEIVE: return answer_receive(in);
	case KEEPCALL_OPEN: return answer_open(out);
	case KEEPCALL_ACCEPT: return answer_accept();
	case KEEPCALL_CLOSE: return answer_close();
	case KEEPCALL_GROW: return answer_grow();
	case KEEPCALL_TIME: page()->ret[0] = f.now_ns; return KEEPCALL_OK;
	case KEEPCALL_EVIDENCE: return answer_evidence(out, in);
	default: return KEEPCALL_UNSUPPORTED;
	}
}

void door_ring(void)
{
	f.calls++;
	if (f.o.sockets != NULL && page()->op == KEEPCALL_WAIT) /* else peers are slower than the Keep */
		(void)f.o.sockets->step();
	if (cancel || f.calls > (f.o.calls_max == 0 ? 10000000 : f.o.calls_max))
		end_keep(FAKE_EXITED);
	page()->ret[0] = page()->ret[1] = 0;
	f.result = 0;
	page()->status = answer();
	if (f.result != 0)
		page()->ret[0] = f.result;
	page()->answered = page()->sequence;
	if (f.o.lie != NULL)
		f.o.lie(f.o.lie_ctx, page(), f.shared + KEEPCALL_IN_OFFSET);
}

/* ---- starting and ending ---- */

static uint8_t *reserve(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static void prepare_once(void)
{
	if (f.shared != NULL)
		return;
	f.shared = aligned_alloc(KEEPCALL_PAGE_SIZE, KEEPCALL_SHARED_SIZE);
	f.heap = reserve(BOOT_HEAP_MAX);
	f.linear = reserve(LINEARS * BOOT_LINEAR_STRIDE);
	f.code = reserve(CODE_MAX);
	f.boot = (struct boot_info){
		.magic = BOOT_MAGIC, .version = BOOT_VERSION, .size = sizeof f.boot, .kind = BOOT_PROCESS,
		.tee = BOOT_TEE_SOFT, .vcpu_count = 1,
		.shared_va = (uint64_t)(uintptr_t)f.shared, .shared_size = KEEPCALL_SHARED_SIZE,
		.heap_va = (uint64_t)(uintptr_t)f.heap, .heap_max = BOOT_HEAP_MAX,
		.linear_va = (uint64_t)(uintptr_t)f.linear, .linear_stride = BOOT_LINEAR_STRIDE, .linear_count = LINEARS,
		.code_va = (uint64_t)(uintptr_t)f.code, .code_max = CODE_MAX,
	};
}

static void stop_keep(void)
{
	if (!f.has_thread)
		return;
	cancel = true;
	if (f.end == FAKE_RUNS)
		give_turn(true);
	pthread_join(f.thread, NULL);
	cancel = false;
	f.has_thread = false;
}

static void clean_up(void)
{
	give_back(f.heap, f.heap_used);
	give_back(f.code, f.code_used);
	f.heap_used = f.code_used = f.sealed = 0;
	for (unsigned i = 0; i < LINEARS; i++) {
		give_back(f.linear + i * f.boot.linear_stride, f.linear_used[i]);
		f.linear_used[i] = 0;
	}
	for (unsigned i = 0; i < FAKE_CHANNELS; i++) {
		free(f.channels[i].to_keep.bytes);
		free(f.channels[i].to_client.bytes);
		f.channels[i] = (struct channel){0};
	}
}

void fake_start(const struct fake_options *o)
{
	static const struct fake_options honest;

	stop_keep();
	prepare_once();
	clean_up();
	f.o = o == NULL ? honest : *o;
	f.granted = f.calls = f.exit_code = 0;
	f.now_ns = 1000;
	f.clock_step = 100;
	f.random = f.o.seed * 2 + 88172645463325253;
	f.end = FAKE_RUNS;
	f.waiting = f.leaked = false;
	f.watched_count = 0;
	memset(f.shared, 0, KEEPCALL_SHARED_SIZE);
	page()->tsc_hz = 1000000000;
	f.keeps_turn = false;
	if (pthread_create(&f.thread, NULL, keep_thread, NULL) != 0)
		abort();
	f.has_thread = true;
}

void fake_turn(void)
{
	if (f.end != FAKE_RUNS)
		return;
	give_turn(true);
	await_turn(false);
}

bool fake_pass_time(void)
{
	if (f.end != FAKE_RUNS || !f.waiting || f.wait_timeout == KEEPCALL_FOREVER)
		return false;
	f.timed_out = true;
	fake_turn();
	return true;
}

uint64_t fake_waits_for(void)
{
	return f.end == FAKE_RUNS && f.waiting ? f.wait_timeout : 0;
}

void fake_clock_step(uint64_t ns)
{
	f.clock_step = ns;
}

enum fake_end fake_end(void)
{
	return f.end;
}

uint64_t fake_exit_code(void)
{
	return f.exit_code;
}

uint64_t fake_calls(void)
{
	return f.calls;
}

uint32_t fake_restarts(void)
{
	return page()->restarts;
}

void fake_watch(struct slice secret)
{
	f.watched[f.watched_count++ % WATCHED] = secret;
}

bool fake_leaked(void)
{
	return f.leaked;
}

/* ---- connections ---- */

int fake_connect(void)
{
	for (int i = 0; i < FAKE_CHANNELS; i++) {
		struct channel *c = &f.channels[i];

		if (c->used)
			continue;
		free(c->to_keep.bytes);
		free(c->to_client.bytes);
		*c = (struct channel){.used = true};
		page()->attention = KEEPCALL_ATTENTION_SESSION;
		return i;
	}
	return -1;
}

void fake_hang_up(int channel)
{
	f.channels[channel].client_gone = true;
	if (f.channels[channel].keep_gone)
		f.channels[channel].used = false;
}

size_t fake_write(int channel, const void *data, size_t size)
{
	return f.channels[channel].keep_gone ? size : queue_put(&f.channels[channel].to_keep, data, size);
}

size_t fake_room(int channel)
{
	return pipe_size() - f.channels[channel].to_keep.size;
}

size_t fake_read(int channel, void *out, size_t capacity)
{
	return queue_take(&f.channels[channel].to_client, out, capacity);
}

bool fake_closed(int channel)
{
	return f.channels[channel].keep_gone || f.end != FAKE_RUNS;
}

/* ---- a client ---- */

static enum err client_random(void *out, size_t size)
{
	static uint64_t state = 42;

	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)(next_random(&state) >> 32);
	return OK;
}

static enum err write_all(struct client *c, const uint8_t *data, size_t size)
{
	size_t put;

	for (unsigned tries = 0; size > 0; tries++) {
		put = fake_write(c->channel, data, size);
		data += put;
		size -= put;
		if (size > 0)
			fake_turn();
		if (tries > 10000)
			return ERR_AGAIN;
	}
	return OK;
}

void client_connect(struct client *c)
{
	uint8_t wire[128];
	size_t size = 0;

	c->channel = fake_connect();
	c->s = malloc(session_size());
	c->in_at = c->in_size = 0;
	if (c->channel < 0 || c->s == NULL || session_init(c->s, SESSION_CLIENT, client_random) != OK ||
	    session_handshake_out(c->s, wire, sizeof wire, &size) != OK || write_all(c, wire, size) != OK)
		abort();
}

void client_free(struct client *c)
{
	fake_hang_up(c->channel);
	free(c->s);
	c->s = NULL;
}

enum err client_send(struct client *c, enum session_type type, struct slice body)
{
	static uint8_t wire[SESSION_RECORD_MAX];
	size_t size;

	TRY(session_seal(c->s, type, body, slice_of(NULL, 0), wire, sizeof wire, &size));
	return write_all(c, wire, size);
}

static bool more_bytes(struct client *c)
{
	if (c->in_at == c->in_size) {
		c->in_at = 0;
		c->in_size = fake_read(c->channel, c->in, sizeof c->in);
	}
	return c->in_at < c->in_size;
}

enum err client_next(struct client *c, enum session_type *type, struct slice *body)
{
	size_t used;
	enum err err;

	for (unsigned tries = 0;; tries++) {
		if (!more_bytes(c)) {
			if (fake_closed(c->channel))
				return ERR_CLOSED;
			if (tries > 9)
				return ERR_AGAIN;
			fake_turn();
			continue;
		}
		TRY(session_push(c->s, slice_of(c->in + c->in_at, c->in_size - c->in_at), &used));
		c->in_at += used;
		tries = 0;
		err = session_pop(c->s, type, body);
		if (err != ERR_AGAIN)
			return err;
		if (session_established(c->s) && used == 2 + 48)
			return ERR_AGAIN; /* the handshake is done: nothing else can be there yet */
	}
}

enum err client_shake(struct client *c)
{
	enum session_type type;
	struct slice body;
	enum err err = client_next(c, &type, &body);

	if (err != ERR_AGAIN)
		return err == OK ? ERR_STATE : err;
	return session_established(c->s) ? OK : ERR_AGAIN;
}

static enum err expect(struct client *c, enum session_type want, struct slice *body)
{
	enum session_type type;

	TRY(client_next(c, &type, body));
	return type == want ? OK : type == SESSION_ERROR ? ERR_REFUSED : ERR_STATE;
}

static enum err send_verdict(struct client *c, bool ok)
{
	struct msg_verdict m = {.ok = ok, .reason = slice_text("as the test wants it")};
	uint8_t body[128];
	size_t size;

	TRY(msg_verdict_encode(&m, body, sizeof body, &size));
	return client_send(c, SESSION_VERDICT, slice_of(body, size));
}

enum err client_attest(struct client *c)
{
	struct msg_challenge m = {{1, 2, 3}};
	uint8_t body[128], want[64];
	struct slice evidence;
	size_t size;

	TRY(msg_challenge_encode(&m, body, sizeof body, &size));
	TRY(client_send(c, SESSION_CHALLENGE, slice_of(body, size)));
	TRY(expect(c, SESSION_EVIDENCE, &evidence));
	session_report_data(session_hash(c->s), m.nonce, want);
	if (evidence.size != 9 + 64 || memcmp(evidence.data + 9, want, 64) != 0) {
		(void)send_verdict(c, false);
		return ERR_REFUSED;
	}
	return send_verdict(c, true);
}

static enum err send_pieces(struct client *c, enum session_type type, struct slice prefix, struct slice all)
{
	static uint8_t piece[SESSION_BODY_MAX];
	size_t most = sizeof piece - prefix.size, n;

	if (prefix.size > 0)
		memcpy(piece, prefix.data, prefix.size);
	for (size_t at = 0; at < all.size; at += n) {
		n = all.size - at < most ? all.size - at : most;
		memcpy(piece + prefix.size, all.data + at, n);
		TRY(client_send(c, type, slice_of(piece, prefix.size + n)));
	}
	return OK;
}

enum err client_deliver(struct client *c, struct slice manifest, const struct slice *blobs, size_t count)
{
	TRY(send_pieces(c, SESSION_MANIFEST, slice_of(NULL, 0), manifest));
	for (size_t i = 0; i < count; i++) {
		const uint8_t index[4] = {(uint8_t)i, (uint8_t)(i >> 8)};

		TRY(send_pieces(c, SESSION_CHUNK, slice_of(index, 4), blobs[i]));
	}
	return OK;
}

static enum err expect_ready(struct client *c)
{
	struct msg_ready ready;
	struct slice body;

	TRY(expect(c, SESSION_READY, &body));
	TRY(msg_ready_decode(body, &ready));
	if (!ready.resumed)
		memcpy(c->secret, ready.secret, sizeof c->secret);
	return OK;
}

enum err client_start(struct client *c)
{
	struct msg_start m = {UINT64_C(1700000000000000000)};
	uint8_t body[16];
	size_t size;

	TRY(msg_start_encode(&m, body, sizeof body, &size));
	TRY(client_send(c, SESSION_START, slice_of(body, size)));
	return expect_ready(c);
}

enum err client_resume(struct client *c, const uint8_t secret[static SESSION_SECRET_SIZE])
{
	br_hmac_key_context kc;
	br_hmac_context hc;
	struct msg_resume m;
	uint8_t body[64];
	size_t size;

	br_hmac_key_init(&kc, &br_sha256_vtable, secret, SESSION_SECRET_SIZE);
	br_hmac_init(&hc, &kc, 0);
	br_hmac_update(&hc, "broch-resume/1", 14);
	br_hmac_update(&hc, session_hash(c->s), SESSION_HASH_SIZE);
	br_hmac_out(&hc, m.proof);
	TRY(msg_resume_encode(&m, body, sizeof body, &size));
	TRY(client_send(c, SESSION_RESUME, slice_of(body, size)));
	return expect_ready(c);
}

enum err client_run(struct client *c, const struct fake_package *p)
{
	struct slice arg = slice_text("app");
	struct manifest m = {.args = &arg, .arg_count = 1, .flags = p->flags, .module = {.size = p->module.size}};
	uint8_t bytes[512];
	br_sha256_context sha;
	size_t size;

	m.limits.wall_ns = p->wall_ns;
	m.limits.cpu_ns = p->cpu_ns;
	m.limits.memory_bytes = p->memory_bytes;
	m.restart.when = p->restart.when;
	m.restart.times = p->restart.times;
	m.restart.pause_ns = p->restart.pause_ns;
	m.restart.pause_max_ns = p->restart.pause_max_ns;
	br_sha256_init(&sha);
	br_sha256_update(&sha, p->module.data, p->module.size);
	br_sha256_out(&sha, m.module.sha256);
	TRY(manifest_encode(&m, bytes, sizeof bytes, &size, NULL));
	client_connect(c);
	TRY(client_shake(c));
	TRY(client_attest(c));
	TRY(client_deliver(c, slice_of(bytes, size), &p->module, 1));
	return client_start(c);
}
