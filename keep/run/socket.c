/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/socket.h"

#include "keep/run/port.h"
#include "keep/run/serve.h"
#include "keep/wasi/port.h"
#include "lib/session/network.h"

#include <assert.h>

static_assert((int)PORT_SOCKET_READABLE == (int)KEEPCALL_READABLE &&
                      (int)PORT_SOCKET_WRITABLE == (int)KEEPCALL_WRITABLE,
              "the same bits");

#define CONNECT_PATIENCE (UINT64_C(30) * 1000000000)

static uint64_t now_s(struct keep *k)
{
	return clock_wall(&k->clock) / 1000000000;
}

static struct socket *find(uint32_t number)
{
	struct socket *s = &port_keep()->sockets.socket[number];

	CHECK(number < SOCKETS_MAX && (s->state == SOCKET_LISTENS || s->state == SOCKET_STREAM));
	return s;
}

/* ---- the table ---- */

static bool full(const struct sockets *s)
{
	return s->count >= (s->limit == 0 || s->limit > SOCKETS_MAX ? SOCKETS_MAX : s->limit);
}

static uint32_t add(struct sockets *s, uint32_t channel, enum socket_state state)
{
	uint32_t number = 0;

	while (s->socket[number].state != SOCKET_FREE)
		number++;
	s->socket[number] = (struct socket){.channel = channel, .state = (uint8_t)state};
	s->count++;
	if (number >= s->top)
		s->top = number + 1;
	return number;
}

static void let_go(struct keep *k, uint32_t number)
{
	struct sockets *all = &k->sockets;
	struct socket *s = &all->socket[number];

	all->leaving -= s->state == SOCKET_LEAVES;
	if (s->secure != NULL)
		secure_close(&k->secure, s->secure);
	else
		call_close(s->channel);
	*s = (struct socket){.state = SOCKET_FREE};
	all->count--;
	while (all->top > 0 && all->socket[all->top - 1].state == SOCKET_FREE)
		all->top--;
}

/* Does TLS have bytes that the wire did not take? An end of the peer that is still to come is none of these. */
static bool unsent(struct socket *s)
{
	(void)!secure_flush(s->secure);
	return (secure_wants(s->secure) & KEEPCALL_WRITABLE) != 0;
}

/* The kernel of the host hands over what is left in a socket; what is left in TLS is ours to hand over. Before the handshake
 * is over there is nothing of the program's in it. */
static bool has_more(struct socket *s)
{
	bool established;

	if (s->secure == NULL)
		return false;
	established = secure_facts(s->secure).established;
	secure_end(s->secure);
	return unsent(s) && (established || s->pending);
}

void port_socket_close(uint32_t number)
{
	struct keep *k = port_keep();
	struct socket *s = find(number);

	if (!has_more(s)) {
		let_go(k, number);
		return;
	}
	s->state = SOCKET_LEAVES;
	s->wanted = 0;
	s->pending = true;
	s->until = clock_add(clock_monotonic(&k->clock), LEAVE_PATIENCE);
	k->sockets.leaving++;
}

uint64_t sockets_sweep(struct keep *k, uint64_t until)
{
	const uint64_t now = k->sockets.leaving == 0 ? 0 : clock_monotonic(&k->clock);

	for (uint32_t i = k->sockets.top; k->sockets.leaving > 0 && i-- > 0;) {
		struct socket *s = &k->sockets.socket[i];

		if (s->state != SOCKET_LEAVES)
			continue;
		if (!s->pending || now >= s->until)
			let_go(k, i);
		else if (s->until < until)
			until = s->until;
	}
	return until;
}

void sockets_over(struct keep *k)
{
	for (uint32_t i = k->sockets.top; i-- > 0;)
		if (k->sockets.socket[i].state == SOCKET_LISTENS || k->sockets.socket[i].state == SOCKET_STREAM)
			port_socket_close(i);
	for (uint64_t until; until = sockets_sweep(k, CLOCK_NEVER), k->sockets.leaving > 0 && keep_must_stop(k) == OK;)
		serve(k, until);
	for (uint32_t i = k->sockets.top; i-- > 0;)
		if (k->sockets.socket[i].state != SOCKET_FREE)
			let_go(k, i);
	secure_over(&k->secure);
}

/* ---- waiting ---- */

/* TLS decides what its wire has to become. */
static uint16_t wire_wants(const struct socket *s)
{
	if (s->secure == NULL)
		return s->wanted;
	return s->wanted != 0 ? secure_wants(s->secure) : s->pending ? KEEPCALL_WRITABLE : 0;
}

size_t sockets_collect(struct sockets *s, struct keepcall_poll *entries, uint32_t *which)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->top; i++) {
		uint16_t wanted = s->socket[i].state == SOCKET_FREE ? 0 : wire_wants(&s->socket[i]);

		if (wanted == 0)
			continue;
		which[n] = i;
		entries[n++] = (struct keepcall_poll){s->socket[i].channel, wanted, 0};
	}
	return n;
}

void sockets_took(struct sockets *s, const struct keepcall_poll *entries, const uint32_t *which, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct socket *one = &s->socket[which[i]];

		one->ready = entries[i].ready;
		if (one->secure != NULL)
			secure_news(one->secure, one->ready);
		if (one->pending && one->ready != 0)
			one->pending = unsent(one);
	}
}

void port_socket_want(uint32_t number, unsigned events)
{
	find(number)->wanted |= (uint16_t)events;
}

/*
 * Whoever reads learns of a peer that is gone. TLS takes from the wire when it is asked, so only what is waited for is
 * asked: what one question took (the end, say) would otherwise be missing from an answer already given.
 */
bool port_socket_ready(uint32_t number, unsigned events)
{
	struct socket *s = find(number);

	if (s->secure != NULL)
		return ((events & PORT_SOCKET_READABLE) != 0 && secure_readable(s->secure)) ||
		       ((events & PORT_SOCKET_WRITABLE) != 0 && secure_writable(s->secure));
	return events != 0 && ((s->ready & (events | KEEPCALL_HANGUP)) != 0 || s->over);
}

bool sockets_wanted(const struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		if (k->sockets.socket[i].wanted != 0)
			return true;
	return false;
}

bool sockets_ready(const struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		if (k->sockets.socket[i].wanted != 0 && port_socket_ready(i, k->sockets.socket[i].wanted))
			return true;
	return false;
}

void sockets_forget_wanted(struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		k->sockets.socket[i].wanted = 0;
}

/* ---- what a program does ---- */

/* Who used up what may travel ends here, not with some error of this socket. */
static enum err not_now(struct socket *s, unsigned event, enum err err)
{
	struct keep *k = port_keep();

	if (k->sockets.meter.refused) {
		keep_stop(k, ERR_LIMIT, "the limit of bytes over sockets (limits.network_bytes) is reached");
		return ERR_LIMIT;
	}
	if (err == ERR_AGAIN)
		s->ready &= (uint16_t)~event;
	return err;
}

enum err port_socket_accept(uint32_t listener, uint32_t *number)
{
	struct keep *k = port_keep();
	struct sockets *all = &k->sockets;
	struct socket *s = find(listener);
	struct note why = {{0}};
	uint32_t channel;
	enum err err;

	CHECK(s->state == SOCKET_LISTENS);
	if (full(all))
		return ERR_LIMIT;
	TRY(not_now(s, KEEPCALL_READABLE, call_accept(s->channel, &channel)));
	*number = add(all, channel, SOCKET_STREAM);
	if (!s->tls)
		return OK;
	err = secure_server(&k->secure, channel, now_s(k), &all->socket[*number].secure, &why);
	if (err != OK)
		port_socket_close(*number);
	return err == OK ? OK : ERR_LIMIT;
}

enum err port_socket_read(uint32_t number, void *buffer, size_t capacity, size_t *got)
{
	struct socket *s = find(number);
	enum err err;

	*got = 0;
	if (s->over || capacity == 0)
		return OK;
	err = s->secure != NULL ? secure_read(s->secure, buffer, capacity, got)
	                        : meter_receive(&port_keep()->sockets.meter, s->channel, buffer, capacity, got);
	if (err == ERR_CLOSED) {
		s->over = true;
		return OK;
	}
	return not_now(s, KEEPCALL_READABLE, err);
}

static enum err write_secure(struct socket *s, struct slice data, size_t *put)
{
	enum err err = secure_write(s->secure, data, put);

	if (err == OK)
		s->pending = unsent(s);
	return not_now(s, 0, err);
}

enum err port_socket_write(uint32_t number, const void *data, size_t size, size_t *put)
{
	struct socket *s = find(number);

	*put = 0;
	if (size == 0)
		return OK;
	if (s->secure != NULL)
		return write_secure(s, slice_of(data, size), put);
	return not_now(s, KEEPCALL_WRITABLE,
	               meter_send(&port_keep()->sockets.meter, s->channel, slice_of(data, size), put));
}

enum err port_socket_shut(uint32_t number, bool reading, bool writing)
{
	struct socket *s = find(number);

	if (reading)
		s->over = true;
	if (writing && s->secure != NULL) {
		secure_end(s->secure);
		s->pending = unsent(s);
		return OK;
	}
	return writing ? call_shut(s->channel) : OK;
}

/* ---- opening ---- */

/* What is to be opened, and what came of it. */
struct opening {
	struct port_address address;
	const uint8_t *pin; /* the only key we believe there; NULL: as [tls] says */
	struct note what;   /* "connecting to HOST:PORT" */
	enum port_opened how;
	struct note *n;     /* words, when it is not PORT_OPENED */
};

/* Not an error of ours: the program is told. */
static enum err came_to(struct opening *o, enum port_opened how, const char *words)
{
	o->how = how;
	note_set(o->n, "%s: %s", o->what.text, words);
	return OK;
}

static void put(char *out, size_t *at, const void *text, size_t size)
{
	size_t room = KEEPCALL_NAME_MAX - *at;

	if (size > room)
		size = room;
	if (size > 0)
		memcpy(out + *at, text, size);
	*at += size;
}

/* "host:port", "[v6]:port"; KEEPCALL_NAME_MAX: it is too long. */
static size_t name_of(const struct port_address *a, char out[static KEEPCALL_NAME_MAX + 1])
{
	struct note port = {{0}};
	bool colons = false;
	size_t at = 0;

	for (size_t i = 0; i < a->host.size; i++)
		colons = colons || a->host.data[i] == ':';
	note_set(&port, ":%u", (unsigned)a->port);
	put(out, &at, "[", colons);
	put(out, &at, a->host.data, a->host.size);
	put(out, &at, "]", colons);
	put(out, &at, port.text, strlen(port.text));
	out[at] = 0;
	return at;
}

/* The host's word, for people: a lie costs a wrong word. */
static enum err nothing_came(struct opening *o, uint32_t channel)
{
	static const struct {
		enum port_opened how;
		const char *words;
	} whys[KEEPCALL_WHY_LIMIT] = {
	        [KEEPCALL_WHY_UNKNOWN] = {PORT_FAILED, "the host cannot, or its policy does not allow it, or nobody answers there"},
	        [KEEPCALL_WHY_DENIED] = {PORT_DENIED, "the policy of the host does not allow it"},
	        [KEEPCALL_WHY_REFUSED] = {PORT_REFUSED, "nobody listens there"},
	        [KEEPCALL_WHY_UNREACHABLE] = {PORT_UNREACHABLE, "there is no way to it, or no such name"},
	        [KEEPCALL_WHY_IN_USE] = {PORT_IN_USE, "the port is in use"},
	        [KEEPCALL_WHY_TIMED_OUT] = {PORT_TIMED_OUT, "nobody answers there"},
	};
	const enum keepcall_why why = call_why(channel);

	return came_to(o, whys[why].how, whys[why].words);
}

/* A listening socket is writable from when it is there; a connection, from when the peer has answered. */
static enum err await(struct keep *k, uint32_t number, struct opening *o)
{
	uint64_t until = clock_add(clock_monotonic(&k->clock), CONNECT_PATIENCE);
	struct socket *s = find(number);

	while (s->ready == 0) {
		port_socket_want(number, PORT_SOCKET_WRITABLE);
		TRY(port_wait(false, until));
		if (s->ready == 0 && clock_monotonic(&k->clock) >= until)
			return came_to(o, PORT_TIMED_OUT, "no answer in 30 s");
	}
	return (s->ready & KEEPCALL_HANGUP) != 0 ? nothing_came(o, s->channel) : OK;
}

static enum err judge_handshake(struct socket *s, struct opening *o)
{
	enum err err = secure_flush(s->secure);
	struct note why = {{0}};
	const char *words;

	if (err == OK || err == ERR_AGAIN)
		return OK;
	words = secure_facts(s->secure).why;
	note_set(&why, "TLS failed: %s", words != NULL ? words : err_text(err));
	return came_to(o, err == ERR_AUTH ? PORT_UNTRUSTED : PORT_UNSPOKEN, why.text);
}

/* The peer has proved who it is before the program sees a socket. */
static enum err shake_hands(struct keep *k, uint32_t number, struct opening *o)
{
	uint64_t until = clock_add(clock_monotonic(&k->clock), CONNECT_PATIENCE);
	struct socket *s = find(number);
	char name[TLS_NAME_MAX + 1];
	struct note why = {{0}};
	enum err err;

	if (o->address.host.size > TLS_NAME_MAX)
		return came_to(o, PORT_UNTRUSTED, "the name is too long for TLS");
	memcpy(name, o->address.host.data, o->address.host.size);
	name[o->address.host.size] = 0;
	err = secure_client(&k->secure, s->channel, &(struct secure_peer){name, o->pin}, now_s(k), &s->secure, &why);
	if (err != OK) { /* the channel is still ours alone */
		s->secure = NULL;
		return came_to(o, err == ERR_INVALID ? PORT_UNTRUSTED : err == ERR_IO ? PORT_FAILED : PORT_FULL, why.text);
	}
	while (!secure_writable(s->secure)) {
		port_socket_want(number, PORT_SOCKET_WRITABLE);
		TRY(port_wait(false, until));
		if (clock_monotonic(&k->clock) >= until)
			return came_to(o, PORT_TIMED_OUT, "no TLS handshake in 30 s");
	}
	return judge_handshake(s, o);
}

static enum err finish_opening(struct keep *k, uint32_t number, struct opening *o)
{
	const struct port_address *a = &o->address;

	TRY(await(k, number, o));
	find(number)->tls = a->listens && a->tls;
	return o->how != PORT_OPENED || a->listens || !a->tls ? OK : shake_hands(k, number, o);
}

static enum err open_socket(struct keep *k, struct opening *o, uint32_t *out)
{
	const struct port_address *a = &o->address;
	char name[KEEPCALL_NAME_MAX + 1];
	size_t size = name_of(a, name);
	uint32_t channel;
	enum err err;

	o->how = PORT_OPENED;
	note_set(&o->what, "%s %s", a->listens ? "listening on" : "connecting to", name);
	if (full(&k->sockets))
		return came_to(o, PORT_FULL, "more sockets than the manifest allows (limits.sockets)");
	if (size == KEEPCALL_NAME_MAX)
		return came_to(o, PORT_UNREACHABLE, "the host name is too long");
	err = call_open(a->listens ? KEEPCALL_LISTEN : KEEPCALL_CONNECT, slice_of(name, size), &channel);
	if (err != OK)
		return came_to(o, err == ERR_NOMEM ? PORT_FULL : PORT_FAILED, "the host gives no socket");
	*out = add(&k->sockets, channel, a->listens ? SOCKET_LISTENS : SOCKET_STREAM);
	err = finish_opening(k, *out, o);
	if (err != OK || o->how != PORT_OPENED)
		port_socket_close(*out);
	return err;
}

/* ---- those that are declared ---- */

static enum err given_key(struct keep *k, size_t i, struct note *n)
{
	struct slice key;

	if (secret_open(delivery_secret(&k->delivery, i), &key) != OK || identity_given(&k->tls_identity, key) != OK)
		return refuse(n, ERR_INVALID, "the key for TLS is no key on P-256");
	return OK;
}

enum err sockets_secure(struct keep *k, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	struct identity *identity = &k->identity;
	struct secure_settings settings;

	for (size_t i = 0; i < m->secret_count; i++)
		if (m->secrets[i].kind == SECRET_TLS_KEY) {
			if (!k->tls_identity.made) /* a life before this one had it, too */
				TRY(given_key(k, i, n));
			identity = &k->tls_identity;
		}
	TRY(secure_settings_read(&k->delivery, &k->memory.heap, &settings, n));
	secure_begin(&k->secure, &settings, identity, &k->memory, &k->sockets.meter);
	return OK;
}

enum err socket_open(struct keep *k, const struct manifest_descriptor *d, uint32_t *out, struct note *n)
{
	struct opening o = {
	        .address = {d->kind == DESCRIPTOR_LISTEN, d->protocol == DESCRIPTOR_TLS, d->host, d->port}, .n = n};

	TRY(open_socket(k, &o, out));
	return o.how == PORT_OPENED ? OK : o.how == PORT_FULL ? ERR_LIMIT : ERR_IO;
}

/* ---- those that the program asks for ---- */

enum err port_socket_open(const struct port_address *a, uint32_t *socket, enum port_opened *how)
{
	struct keep *k = port_keep();
	const struct manifest_network *rules = &k->delivery.manifest.network;
	const struct manifest_egress *rule = a->listens ? NULL : network_egress(rules, a->host, a->port);
	struct opening o = {.address = *a};
	enum err err;

	*how = PORT_DENIED;
	if (a->listens ? !network_ingress(rules, a->port) : rule == NULL)
		return OK;
	if (rule != NULL && rule->pin.size > 0)
		o.pin = rule->pin.data;
	if (o.pin != NULL && !a->tls) /* a rule with a pin is about TLS */
		return OK;
	err = open_socket(k, &o, socket);
	*how = o.how;
	return err;
}
