/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of a workload on a host that lies: hostile-sockets [VARIANTS [FIRST]]
 *
 * Each variant is one Keep whose program listens and connects, with TLS that ends in the Keep or without, and gives back
 * what its peers say. Opening fails or never ends; answers are lies (lies.h); peers stall and go, wires change, lose,
 * repeat and reorder bytes (peers.h). What must hold, whatever happens: no memory is touched that is not the Keep's (run
 * it under ASan), no check fails, the program is never left in a wait that nothing can end, and with TLS: what it reads
 * is what one peer said from its first byte on, an end is one that this peer meant, and no plaintext is in a window.
 * With a host and wires that are honest every peer is served, however badly others behave.
 */
#include "test/hostile/fakehost.c"

#include "keep/run/port.h"
#include "keep/run/workload.h"
#include "keep/wasi/port.h"
#include "lib/tls/certificate.h"
#include "test/hostile/lies.h"
#include "test/hostile/peers.h"
#include "test/hostile/variants.h"

enum { CONNECTIONS = PEERS_MAX + 1, BUFFER = 1500, ROUNDS = 3000, IDLE_ROUNDS = 6 };

static const char *fault;
static struct peers_plan plan;
static unsigned served, ended, refused_opens;

static void must(bool holds, const char *what)
{
	if (!holds && fault == NULL)
		fault = what;
}

static bool honest(void)
{
	return lies_told() == 0 && !plan.bad_wires && !plan.bad_hosts;
}

/* ---- the program ---- */

struct connection {
	bool open, over, shut; /* over: nothing comes any more */
	uint32_t socket;
	unsigned who; /* whose text it is: the first byte */
	size_t got;
	uint8_t bytes[BUFFER];
	size_t at, size;
};

static struct program {
	struct connection connection[CONNECTIONS];
	uint32_t listener;
	bool listens;
} p;

static struct connection *free_connection(void)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (!p.connection[i].open)
			return &p.connection[i];
	return NULL;
}

static void adopt(uint32_t socket)
{
	*free_connection() = (struct connection){.open = true, .socket = socket};
}

static void part(struct connection *c)
{
	port_socket_close(c->socket);
	c->open = false;
}

static void judge(struct connection *c, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++, c->got++) {
		if (c->got == 0)
			c->who = bytes[i];
		must(!plan.tls || bytes[i] == peers_text(c->who, c->got), "the program read what no peer said");
	}
}

/* True: something moved. */
static bool hear(struct connection *c)
{
	size_t got = 0, capacity = 1 + roll(BUFFER);
	enum err err;

	if (c->over || c->size > 0)
		return false;
	err = port_socket_read(c->socket, c->bytes, capacity, &got);
	if (err == ERR_AGAIN)
		return false;
	must(err != OK || got <= capacity, "more than there was room for");
	if (err == OK) {
		judge(c, c->bytes, got);
		c->at = 0;
		c->size = got;
	}
	if (err == OK && got == 0) {
		must(!plan.tls || peers_ended(c->who, c->got), "an end that the peer did not mean");
		ended++;
	}
	must(err == OK || !honest() || c->got == 0 || !peers_kind(c->who), "a good peer's end was not believed");
	c->over = err != OK || got == 0;
	if (err != OK)
		part(c);
	return true;
}

static bool speak(struct connection *c)
{
	size_t put = 0;
	enum err err;

	if (!c->open || c->size == 0)
		return false;
	err = port_socket_write(c->socket, c->bytes + c->at, c->size, &put);
	if (err == ERR_AGAIN)
		return false;
	must(err != OK || (put >= 1 && put <= c->size), "a write took what was not there");
	c->at += put;
	c->size -= put;
	if (err != OK)
		part(c);
	return true;
}

/* Nothing more will come, and all was written: who closes now must not cost the peer a byte. */
static bool hasty(const struct connection *c)
{
	return plan.tls && c->open && c->size == 0 && c->got > 0 && c->got == peers_total(c->who) && roll(2) == 0;
}

/* Some say that they are over, and wait; some just go. */
static bool finish(struct connection *c)
{
	if (hasty(c)) {
		part(c);
		return true;
	}
	if (!c->open || !c->over || c->size > 0)
		return false;
	if (!c->shut && roll(2) == 0) {
		c->shut = true;
		if (port_socket_shut(c->socket, roll(4) == 0, true) == OK)
			return true;
	}
	part(c);
	return true;
}

static bool go_on(void)
{
	bool moved = false;
	uint32_t socket;

	if (p.listens && free_connection() != NULL && port_socket_accept(p.listener, &socket) == OK) {
		adopt(socket);
		moved = true;
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &p.connection[i];

		moved |= c->open && hear(c);
		moved |= speak(c);
		moved |= finish(c);
	}
	return moved;
}

static void want_all(void)
{
	if (p.listens)
		port_socket_want(p.listener, PORT_SOCKET_READABLE);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (p.connection[i].open)
			port_socket_want(p.connection[i].socket,
			                 p.connection[i].size > 0 ? PORT_SOCKET_WRITABLE : PORT_SOCKET_READABLE);
}

/* Pins of either side, without a manifest that says so. */
static void secure_both(struct keep *k)
{
	static uint8_t pins[1][TLS_PIN_SIZE], digest[32];
	struct secure_settings s = {.manifest = digest};
	uint8_t spki[CERTIFICATE_SPKI_SIZE], own[TLS_PIN_SIZE];
	br_sha256_context sha;
	struct slice public;

	if (identity_public(&k->identity, &public) != OK)
		abort();
	certificate_spki(public.data, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, own);
	peers_expect(own);
	peers_own_pin(pins[0]);
	s.servers = (struct tls_trust){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .pin_count = 1};
	secure_begin(&k->secure, &s, &k->identity, &k->memory, &k->sockets.meter);
}

/* As the program does it when it runs: what it gets is an error number, not words. */
static enum err open_late(struct keep *k, bool listens, uint32_t *socket)
{
	static struct manifest_egress anywhere = {.host = {(const uint8_t *)"*", 1}, .first = 443, .last = 443};
	static struct manifest_ports ports = {443, 443};
	const struct port_address a = {listens, plan.tls, listens ? slice_of(NULL, 0) : slice_text("peer"), 443};
	const uint32_t before = k->sockets.count;
	enum port_opened how = PORT_OPENED_KINDS;
	enum err err;

	k->delivery.manifest.network = (struct manifest_network){&anywhere, 1, &ports, 1};
	err = port_socket_open(&a, socket, &how);
	if (err != OK)
		return err;
	must(how < PORT_OPENED_KINDS, "nobody said what came of it");
	must(k->sockets.count == before + (how == PORT_OPENED), "a socket is left of one that is not open");
	refused_opens += how != PORT_OPENED;
	must(how == PORT_OPENED || !honest() || plan.odd_peers, "an honest host gave no socket");
	return how == PORT_OPENED ? OK : ERR_IO;
}

static enum err open_one(struct keep *k, uint32_t kind, uint32_t *socket)
{
	const struct manifest_descriptor d = {
	        .kind = kind, .protocol = plan.tls ? DESCRIPTOR_TLS : DESCRIPTOR_TCP, .host = slice_text("peer"), .port = 443};
	struct note n = {{0}};
	enum err err = socket_open(k, &d, socket, &n);

	refused_opens += err != OK;
	if (err != OK && getenv("HOSTILE_VERBOSE") != NULL)
		printf("  %s: %s\n", err_text(err), n.text);
	must(err == OK || !honest() || plan.odd_peers, "an honest host gave no socket");
	must(err == OK || n.text[0] != 0 || k->stop != OK, "a refusal without words");
	return err;
}

static enum err live(struct keep *k)
{
	unsigned idle = 0;
	uint32_t socket;

	memset(&p, 0, sizeof p);
	secure_both(k);
	if (roll(2) == 0)
		TRY(open_one(k, DESCRIPTOR_LISTEN, &p.listener));
	else
		TRY(open_late(k, true, &p.listener));
	p.listens = true;
	if (plan.connects &&
	    (roll(2) == 0 ? open_one(k, DESCRIPTOR_CONNECT, &socket) : open_late(k, false, &socket)) == OK)
		adopt(socket);
	for (unsigned i = 0; i < ROUNDS && idle < IDLE_ROUNDS; i++) {
		if (go_on()) {
			idle = 0;
			continue;
		}
		want_all();
		TRY(port_wait(false, port_monotonic_ns() + 1000000000));
		idle++;
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (p.connection[i].open)
			part(&p.connection[i]);
	port_socket_close(p.listener);
	must(k->sockets.count == k->sockets.leaving, "sockets are left");
	sockets_over(k);
	must(k->sockets.count == 0 && k->sockets.leaving == 0 && k->sockets.top == 0, "sockets are left at the end");
	return port_write(PORT_STDOUT, "done", 4);
}

void workload_run(struct keep *k, struct msg_exit *end)
{
	port_bind(k);
	*end = (struct msg_exit){.end = live(k) == OK ? WORKLOAD_EXITED : WORKLOAD_STOPPED};
}

/* A Keep with its workload, and nobody who gave it. */
static void run_alone(const struct boot_info *boot)
{
	struct keep *k = wake_up(boot);

	k->phase = PHASE_LOADED;
	clock_set_wall(&k->clock, UINT64_C(1700000000000000000));
	k->started = clock_monotonic(&k->clock);
	k->wall_until = CLOCK_NEVER;
	k->memory.limit = 64 << 20;
	k->detached = ring_alloc(&k->ring, &k->memory.heap) == OK;
	port_bind(k);
	if (k->detached)
		(void)!live(k);
}

/* ---- the owner, in some variants: told the end, whatever the sockets do ---- */

static bool owner(void)
{
	static struct client c;
	const struct fake_package package = {.module = slice_text("no module of any kind")};
	enum session_type type = SESSION_STDOUT;
	struct slice body;
	unsigned quiet = 0;
	enum err err = client_run(&c, &package);

	while (err == OK && type != SESSION_EXIT && quiet < 1000) {
		err = client_next(&c, &type, &body);
		if (err == ERR_AGAIN) {
			quiet++;
			fake_pass_time();
			err = OK;
		}
	}
	client_free(&c);
	return err == OK && type == SESSION_EXIT;
}

/* ---- variants ---- */

static void draw_plan(uint64_t seed)
{
	dice_seed(seed);
	plan = (struct peers_plan){.tls = seed % 4 == 0, .connects = roll(2) == 0};
	plan.clients = plan.tls && roll(4) != 0 ? 1 : 1 + (unsigned)roll(PEERS_MAX); /* a handshake is dear */
	plan.narrow = roll(2) == 0;
	plan.bad_wires = roll(3) == 0;
	plan.bad_hosts = roll(8) == 0;
	plan.odd_peers = roll(2) == 0;
	lies_begin(roll(2) == 0 ? 0 : UINT64_C(1) << (3 + roll(8)));
}

static const char *run_variant(uint64_t seed)
{
	struct fake_options o = {.seed = seed, .lie = lies_tell, .calls_max = 20000, .sockets = &peers};
	bool owned, told;

	draw_plan(seed);
	owned = roll(8) == 0;
	if (!owned) {
		o.run = run_alone;
		o.alone = true;
	}
	fault = NULL;
	peers_begin(&plan);
	fake_start(&o);
	if (plan.tls)
		fake_watch(slice_text("PLAINTEXT-NET"));
	if (owned)
		told = owner();
	else
		fake_turn();
	for (int i = 0; i < 5 && fake_end() == FAKE_RUNS; i++) {
		fake_turn();
		fake_pass_time();
	}
	if (owned && lies_told() == 0)
		must(told, "the owner was not told the end");
	must(f.end != FAKE_CHECK, "a check failed");
	must(f.end != FAKE_STUCK, "the Keep waits for what cannot come");
	if (honest()) {
		must(f.calls < o.calls_max, "the Keep does not come to an end");
		must(peers_served(), "a peer that did nothing wrong was not served");
	}
	stop_keep();
	look_for_leaks(f.shared, KEEPCALL_SHARED_SIZE);
	must(!fake_leaked(), "plaintext in a window");
	must(peers_fault() == NULL, peers_fault());
	served += peers_served();
	return fault;
}

int main(int argc, char **argv)
{
	struct variants v;

	variants_run(&v, argc, argv, run_variant);
	peers_over();
	printf("%u served all their peers, %u connections ended in order, %u sockets were refused; ", served, ended, refused_opens);
	return variants_result(&v, "hostile-sockets");
}
