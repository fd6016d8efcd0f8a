/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hostile/peers.h"

#include "lib/tls/certificate.h"
#include "lib/tls/stream.h"
#include "test/hostile/lies.h"

#include <stdlib.h>

enum { NOW = 1700000000, QUEUE = 40000, NARROW = 60, LISTENER = PEERS_MAX + 1, FIRST = FAKE_CHANNELS + 1, HELD = 2000,
       REFUSED = 1000, NEVER };

static const struct tls_version *const version = &tls_1_2;

struct wire { /* one direction */
	uint8_t bytes[QUEUE], held[HELD];
	size_t size, held_size; /* held: to come behind what comes next */
	bool ended, cut;
};

enum mood { KIND, STALLS, LEAVES, FALLS }; /* LEAVES: early but in order; FALLS: it is just gone */

struct peer {
	bool met, open, listening; /* met: a channel belongs to it */
	unsigned slow;             /* steps until it is there; REFUSED, NEVER */
	enum mood mood;
	size_t until;              /* where its mood shows */
	size_t total, sent, got;
	bool said_end, done;
	struct wire in, out; /* of the Keep */
	struct tls *tls;
	struct tls_stream stream;
};

static struct {
	struct peers_plan plan;
	struct peer peer[LISTENER + 1]; /* clients from 0, the server is PEERS_MAX, then the listening socket */
	unsigned arrived;
	uint8_t believed[1][TLS_PIN_SIZE];
	struct tls_trust trust;
	const char *fault;
} all;

/* ---- the key of the server ---- */

static struct {
	uint8_t secret[32], point[65], der[1024], pin[TLS_PIN_SIZE];
	br_ec_private_key key;
	br_x509_certificate chain;
	struct tls_identity identity;
} own;

static void make_own(void)
{
	struct certificate_settings s = {.key = &own.key, .subject = "peer", .from_s = NOW - 1000, .until_s = NOW + 1000};
	uint8_t spki[CERTIFICATE_SPKI_SIZE];
	br_sha256_context sha;
	br_ec_public_key public;

	memset(own.secret, 7, sizeof own.secret);
	own.key = (br_ec_private_key){BR_EC_secp256r1, own.secret, sizeof own.secret};
	if (br_ec_compute_pub(br_ec_get_default(), &public, own.point, &own.key) != sizeof own.point)
		abort();
	certificate_spki(own.point, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, own.pin);
	s.public = own.point;
	own.chain.data = own.der;
	if (certificate_make(&s, own.der, sizeof own.der, &own.chain.data_len) != OK)
		abort();
	own.identity = (struct tls_identity){&own.chain, 1, &own.key};
}

void peers_own_pin(uint8_t out[static TLS_PIN_SIZE])
{
	memcpy(out, own.pin, TLS_PIN_SIZE);
}

/* ---- wires ---- */

static size_t capacity(void)
{
	return all.plan.narrow ? NARROW : QUEUE;
}

static void carry(struct wire *w, const uint8_t *bytes, size_t size)
{
	if (size > QUEUE - w->size)
		size = QUEUE - w->size;
	if (size > 0)
		memcpy(w->bytes + w->size, bytes, size);
	w->size += size;
}

static void release(struct wire *w)
{
	carry(w, w->held, w->held_size);
	w->held_size = 0;
}

/* How many of them it took. */
static size_t wire_put(struct wire *w, const uint8_t *bytes, size_t size)
{
	const size_t before = w->size, room = w->size < capacity() ? capacity() - w->size : 0;
	const uint64_t trick = all.plan.bad_wires ? roll(60) : 60;

	size = size < room ? size : room;
	if (size > 1 && roll(4) == 0)
		size = 1 + roll(size);
	if (size == 0 || trick == 0) /* lost */
		return size;
	if (trick == 1 && size <= HELD && w->held_size == 0) {
		memcpy(w->held, bytes, size);
		w->held_size = size;
		return size;
	}
	carry(w, bytes, size);
	if (trick == 2) /* twice */
		carry(w, bytes, size);
	if (trick == 3)
		w->bytes[before + roll(w->size - before)] ^= (uint8_t)(1u << roll(8));
	if (trick == 4)
		w->cut = true;
	if (w->held_size > 0)
		release(w);
	return size;
}

static size_t wire_take(struct wire *w, uint8_t *to, size_t capacity)
{
	size_t size = w->size < capacity ? w->size : capacity;

	if (size > 1 && roll(4) == 0)
		size = 1 + roll(size);
	if (size == 0)
		return 0;
	memcpy(to, w->bytes, size);
	memmove(w->bytes, w->bytes + size, w->size - size);
	w->size -= size;
	return size;
}

static bool over(const struct wire *w)
{
	return w->cut || (w->ended && w->size == 0);
}

/* ---- what a peer says ---- */

uint8_t peers_text(unsigned who, size_t at)
{
	static const char text[] = "PLAINTEXT-NET: nobody on the way may read this. ";

	return at == 0 ? (uint8_t)who : (uint8_t)text[(at - 1 + 7 * who) % (sizeof text - 1)];
}

bool peers_ended(unsigned who, size_t size)
{
	for (unsigned i = 0; i < LISTENER; i++) /* without a byte nobody knows who it was */
		if ((size == 0 || i == who) && all.peer[i].said_end && all.peer[i].sent == size)
			return true;
	return false;
}

static size_t next_piece(const struct peer *p, unsigned who, uint8_t *to, size_t capacity)
{
	size_t size = p->total - p->sent;

	size = size < capacity ? size : capacity;
	size = size > 1 ? 1 + roll(size) : size;
	for (size_t i = 0; i < size; i++)
		to[i] = peers_text(who, p->sent + i);
	return size;
}

static void hear(struct peer *p, unsigned who, const uint8_t *bytes, size_t size)
{
	const bool sure = all.plan.tls || (!all.plan.bad_wires && lies_told() == 0);

	for (size_t i = 0; i < size && sure; i++, p->got++)
		if (p->got >= p->sent || bytes[i] != peers_text(who, p->got))
			all.fault = "a peer was told what the program did not say";
}

/* True: from now on it does nothing. */
static bool moody(struct peer *p)
{
	if (p->mood == KIND || p->sent < p->until)
		return false;
	if (p->mood == FALLS)
		p->in.cut = p->out.cut = true;
	if (p->mood == LEAVES && !p->said_end) {
		/* Only after the handshake its end can be believed. */
		p->said_end = !all.plan.tls || version->facts(p->tls).established;
		if (all.plan.tls)
			tls_stream_end(&p->stream);
		p->in.ended = !all.plan.tls;
	}
	p->done = p->mood != LEAVES;
	return true;
}

/* ---- without TLS ---- */

static bool step_plain(struct peer *p, unsigned who)
{
	uint8_t piece[1500];
	size_t heard = wire_take(&p->out, piece, sizeof piece), put = 0;

	hear(p, who, piece, heard);
	if (p->sent < p->total && !moody(p)) {
		put = wire_put(&p->in, piece, next_piece(p, who, piece, sizeof piece));
		p->sent += put;
	}
	if (p->sent == p->total && !p->said_end) {
		release(&p->in);
		p->in.ended = p->said_end = true;
		return true;
	}
	p->done |= p->said_end && over(&p->out);
	return heard > 0 || put > 0;
}

/* ---- with TLS ---- */

static enum err send_bytes(void *ctx, struct slice bytes, size_t *sent)
{
	struct peer *p = ctx;

	if (p->in.cut)
		return ERR_CLOSED;
	*sent = wire_put(&p->in, bytes.data, bytes.size);
	return *sent > 0 ? OK : ERR_AGAIN;
}

static enum err receive_bytes(void *ctx, void *buffer, size_t capacity, size_t *got)
{
	struct peer *p = ctx;

	*got = wire_take(&p->out, buffer, capacity);
	return *got > 0 ? OK : over(&p->out) ? ERR_CLOSED : ERR_AGAIN;
}

static void begin_tls(struct peer *p, unsigned who)
{
	struct tls_client_settings c = {.name = "keep", .trust = all.trust};
	struct tls_server_settings s = {.identity = own.identity};
	enum err err;

	if (p->tls == NULL)
		p->tls = aligned_alloc(TLS_ALIGN, (version->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
	for (size_t i = 0; i < TLS_ENTROPY_SIZE; i++)
		c.entropy[i] = s.entropy[i] = (uint8_t)roll(256);
	err = who == PEERS_MAX ? version->server(p->tls, &s) : version->client(p->tls, &c);
	if (err != OK)
		abort();
	tls_stream_begin(&p->stream, version, p->tls, (struct tls_wire){send_bytes, receive_bytes, p});
}

static bool step_tls(struct peer *p, unsigned who)
{
	const size_t before = p->in.size + p->out.size;
	uint8_t piece[1500];
	size_t heard = 0, put = 0;
	enum err err = tls_stream_read(&p->stream, piece, sizeof piece, &heard);

	hear(p, who, piece, heard);
	if (err != OK && err != ERR_AGAIN) { /* its last words, then it goes */
		(void)!tls_stream_flush(&p->stream);
		p->in.ended = p->done = true;
		return true;
	}
	if (p->sent < p->total && !moody(p) && version->facts(p->tls).established) {
		struct slice plain = {piece, next_piece(p, who, piece, sizeof piece)};

		if (tls_stream_write(&p->stream, plain, &put) != OK)
			put = 0;
		p->sent += put;
	}
	if (p->got == p->total && !p->said_end) {
		tls_stream_end(&p->stream);
		p->said_end = true;
		return true;
	}
	return heard > 0 || put > 0 || p->in.size + p->out.size != before;
}

static void arrive(struct peer *p, unsigned who)
{
	p->open = true;
	if (all.plan.tls && !p->listening)
		begin_tls(p, who);
}

/* True: it is not there yet, but nearer. */
static bool approach(struct peer *p, unsigned who)
{
	if (p->open || !p->met || p->slow == NEVER || p->slow == REFUSED)
		return false;
	if (p->slow > 0)
		p->slow--;
	else
		arrive(p, who);
	return true;
}

static bool step(void)
{
	bool moved = false;

	for (unsigned i = 0; i <= LISTENER; i++) {
		struct peer *p = &all.peer[i];

		moved |= approach(p, i);
		if (p->open && !p->done && !p->listening)
			moved |= all.plan.tls ? step_tls(p, i) : step_plain(p, i);
	}
	return moved;
}

/* ---- what the host answers ---- */

static struct peer *find(uint64_t channel)
{
	return channel >= FIRST && channel - FIRST <= LISTENER && all.peer[channel - FIRST].met ? &all.peer[channel - FIRST]
	                                                                                       : NULL;
}

static bool refused(const struct peer *p)
{
	return p->slow == REFUSED;
}

static uint64_t meet(unsigned who)
{
	all.peer[who].met = true;
	return FIRST + who;
}

static enum keepcall_status open_socket(uint64_t kind, struct slice name, uint64_t *channel)
{
	const unsigned who = kind == KEEPCALL_LISTEN ? LISTENER : PEERS_MAX;

	if (name.size == 0 || all.peer[who].met)
		return KEEPCALL_FAILED;
	*channel = meet(who);
	all.peer[who].listening = who == LISTENER;
	all.peer[who].slow = (unsigned)roll(4);
	if (all.plan.bad_hosts && roll(3) == 0)
		all.peer[who].slow = roll(2) == 0 ? REFUSED : NEVER;
	return KEEPCALL_OK;
}

static uint16_t ready(uint64_t channel, uint16_t wanted)
{
	struct peer *p = find(channel);
	unsigned now = 0;

	if (p == NULL)
		return 0;
	if (refused(p))
		return wanted | KEEPCALL_HANGUP;
	if (!p->open)
		return 0;
	if (p->listening)
		return wanted & (KEEPCALL_WRITABLE | (all.arrived < all.plan.clients ? KEEPCALL_READABLE : 0));
	now |= p->in.size > 0 || over(&p->in) ? KEEPCALL_READABLE : 0;
	now |= p->out.size < capacity() || p->out.cut ? KEEPCALL_WRITABLE : 0;
	return (uint16_t)((now & wanted) | (p->in.cut ? KEEPCALL_HANGUP : 0));
}

static enum keepcall_status accept_one(uint64_t listener, uint64_t *channel)
{
	struct peer *p = find(listener);

	if (p == NULL || !p->listening)
		return KEEPCALL_INVALID;
	if (!p->open || all.arrived == all.plan.clients)
		return KEEPCALL_AGAIN;
	arrive(&all.peer[all.arrived], all.arrived);
	*channel = meet(all.arrived++);
	return KEEPCALL_OK;
}

static enum keepcall_status send_to(uint64_t channel, struct slice bytes, uint64_t *sent)
{
	struct peer *p = find(channel);

	if (p == NULL || p->listening)
		return KEEPCALL_INVALID;
	if (refused(p) || p->out.cut)
		return KEEPCALL_CLOSED;
	if (!p->open)
		return KEEPCALL_AGAIN;
	*sent = wire_put(&p->out, bytes.data, bytes.size);
	return *sent > 0 ? KEEPCALL_OK : KEEPCALL_AGAIN;
}

static enum keepcall_status receive_from(uint64_t channel, uint8_t *to, size_t capacity, uint64_t *got)
{
	struct peer *p = find(channel);

	if (p != NULL && refused(p))
		return KEEPCALL_CLOSED;
	if (p == NULL || p->listening)
		return KEEPCALL_INVALID;
	*got = p->in.cut ? 0 : wire_take(&p->in, to, capacity);
	return *got > 0 ? KEEPCALL_OK : over(&p->in) ? KEEPCALL_CLOSED : KEEPCALL_AGAIN;
}

static enum keepcall_status close_one(uint64_t channel, uint64_t how)
{
	struct peer *p = find(channel);

	if (p == NULL || (how == KEEPCALL_CLOSE_WRITE && p->listening))
		return KEEPCALL_INVALID;
	release(&p->out);
	p->out.ended = true;
	p->met = how == KEEPCALL_CLOSE_WRITE;
	return KEEPCALL_OK;
}

const struct fake_sockets peers = {open_socket, accept_one, send_to, receive_from, close_one, ready, step};

/* ---- variants ---- */

void peers_expect(const uint8_t pin[static TLS_PIN_SIZE])
{
	memcpy(all.believed, pin, TLS_PIN_SIZE);
	all.trust = (struct tls_trust){
	        .pins = (const uint8_t(*)[TLS_PIN_SIZE])all.believed, .pin_count = 1, .now_s = NOW};
}

static void begin_peer(struct peer *p)
{
	struct tls *tls = p->tls;

	*p = (struct peer){.tls = tls, .total = 1 + roll(roll(4) == 0 ? PEERS_TEXT_MAX : 300)};
	if (!all.plan.odd_peers || roll(2) == 0)
		return;
	p->mood = (enum mood)(STALLS + roll(3));
	p->until = roll(p->total);
}

void peers_begin(const struct peers_plan *plan)
{
	if (own.chain.data == NULL)
		make_own();
	all.plan = *plan;
	all.arrived = 0;
	all.fault = NULL;
	for (unsigned i = 0; i <= LISTENER; i++)
		begin_peer(&all.peer[i]);
}

void peers_over(void)
{
	for (unsigned i = 0; i <= LISTENER; i++) {
		free(all.peer[i].tls);
		all.peer[i].tls = NULL;
	}
}

size_t peers_total(unsigned who)
{
	return who < LISTENER ? all.peer[who].total : 0;
}

bool peers_kind(unsigned who)
{
	return who < LISTENER && all.peer[who].mood == KIND;
}

bool peers_served(void)
{
	for (unsigned i = 0; i <= PEERS_MAX; i++)
		if ((i < all.plan.clients || (i == PEERS_MAX && all.plan.connects)) && all.peer[i].mood == KIND && all.peer[i].got < all.peer[i].total)
			return false;
	return true;
}

const char *peers_fault(void)
{
	return all.fault;
}
