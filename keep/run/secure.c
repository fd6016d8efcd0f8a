/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/secure.h"

#include "keep/call/call.h"
#include "keep/run/entropy.h"
#include "lib/base/ct.h"

struct secure {
	struct secure *next; /* among the spare ones */
	uint32_t channel;
	struct secure_pool *pool;
	struct tls *tls;
	struct tls_trust trust; /* at the time it began */
	uint8_t pin[1][TLS_PIN_SIZE];
	char name[TLS_NAME_MAX + 1];
	uint16_t news;         /* enum keepcall_poll_events: what WAIT said of the channel, and no call has contradicted */
	uint16_t asks;         /* what may be tried without such news */
	bool quiet;            /* there was nothing to read, and nothing has happened since */
	struct tls_stream stream;
};

static const struct tls_version *const version = &tls_1_2;

void secure_begin(struct secure_pool *p, const struct secure_settings *s, struct identity *id, struct memory *m,
                  struct meter *meter)
{
	*p = (struct secure_pool){.settings = *s, .identity = id, .memory = m, .meter = meter};
}

void secure_over(struct secure_pool *p)
{
	if (p->memory != NULL)
		memory_discharge(p->memory, p->charged);
	wipe(p, sizeof *p);
}

/* ---- the wire ---- */

/*
 * Each try is a call to the host, and with many connections few of them have news. So poll tries what WAIT announced
 * only, and who writes does not look for what came; who reads may not have waited before and tries in any case.
 */
static bool hopeless(const struct secure *s, unsigned event)
{
	return ((s->news | s->asks) & (event | KEEPCALL_HANGUP)) == 0;
}

static enum err learned(struct secure *s, unsigned event, enum err err)
{
	if (err == ERR_AGAIN)
		s->news &= (uint16_t)~event;
	return err;
}

static enum err wire_send(void *ctx, struct slice bytes, size_t *sent)
{
	struct secure *s = ctx;

	if (hopeless(s, KEEPCALL_WRITABLE))
		return ERR_AGAIN;
	return learned(s, KEEPCALL_WRITABLE, meter_send(s->pool->meter, s->channel, bytes, sent));
}

static enum err wire_receive(void *ctx, void *buffer, size_t capacity, size_t *got)
{
	struct secure *s = ctx;

	if (hopeless(s, KEEPCALL_READABLE))
		return ERR_AGAIN;
	return learned(s, KEEPCALL_READABLE, meter_receive(s->pool->meter, s->channel, buffer, capacity, got));
}

void secure_news(struct secure *s, uint16_t ready)
{
	s->news = (uint16_t)((s->news & KEEPCALL_WRITABLE) | ready); /* it is not always asked for */
	s->quiet = s->quiet && ready == 0;
}

/* ---- beginning ---- */

enum { RENEWAL_S = 30 * 86400 };

/*
 * A Keep may serve for longer than a certificate is valid: a new one has the same key and fresh evidence. When the host
 * gives none, the old one does as long as it is valid. Connections that are there do not care.
 */
static enum err own_certificate(struct secure_pool *p, uint64_t now_s, struct note *n)
{
	const struct keep_certificate_wish wish = {.manifest = p->settings.manifest,
	                                           .now_s = now_s,
	                                           .names = p->settings.names,
	                                           .name_count = p->settings.name_count};
	const uint64_t until_s = p->made_s + KEEP_CERTIFICATE_LIFE_S;
	const size_t mark = p->memory->heap.used;
	struct keep_certificate fresh = {0};
	struct note why = {{0}};
	enum err err;

	if (p->made && now_s < until_s - RENEWAL_S)
		return OK;
	err = keep_certificate_make(p->identity, &p->memory->heap, &wish, &fresh, &why);
	if (err != OK) {
		arena_release(&p->memory->heap, mark);
		return p->made && now_s < until_s ? OK : refuse(n, err, "%s", why.text[0] != 0 ? why.text : err_text(err));
	}
	p->certificate = fresh;
	p->own = (struct tls_identity){&p->certificate.der, 1, &p->certificate.key};
	p->made = true;
	p->made_s = now_s;
	return OK;
}

/* Charged once: closed connections stay with the pool. */
static enum err take_memory(struct secure_pool *p, struct secure **out, struct note *n)
{
	struct secure *s = p->spare;
	enum err err;

	if (s != NULL) {
		p->spare = s->next;
		*out = s;
		return OK;
	}
	err = memory_charge(p->memory, sizeof *s + version->size);
	if (err != OK)
		return refuse(n, err, "a TLS connection needs %llu bytes, and the memory limit leaves less",
		              (unsigned long long)(sizeof *s + version->size));
	p->charged += sizeof *s + version->size;
	s = arena_new(&p->memory->heap, struct secure);
	if (s != NULL)
		s->tls = arena_scratch(&p->memory->heap, version->size, 1, TLS_ALIGN);
	if (s == NULL || s->tls == NULL)
		return ERR_NOMEM;
	*out = s;
	return OK;
}

/* NULL: there are enough, or no memory is left. It goes without. */
static struct tls_outbox *take_outbox(struct secure_pool *p)
{
	struct tls_outbox *o = p->outboxes;

	if (o != NULL) {
		p->outboxes = o->next;
		return o;
	}
	if (p->outbox_count == SECURE_OUTBOXES || memory_charge(p->memory, sizeof *o) != OK)
		return NULL;
	p->charged += sizeof *o;
	o = arena_new(&p->memory->heap, struct tls_outbox);
	p->outbox_count = o == NULL ? SECURE_OUTBOXES : p->outbox_count + 1;
	return o;
}

static void give_outbox(struct secure_pool *p, struct tls_outbox *o)
{
	if (o == NULL)
		return;
	o->next = p->outboxes;
	p->outboxes = o;
}

static void give_memory(struct secure_pool *p, struct secure *s)
{
	struct tls *tls = s->tls;

	version->wipe(tls);
	wipe(s, sizeof *s);
	s->tls = tls;
	s->next = p->spare;
	p->spare = s;
}

static bool anybody(const struct tls_trust *t)
{
	return t->root_count == 0 && t->pin_count == 0;
}

static enum err begin_server(struct secure_pool *p, struct secure *s)
{
	struct tls_server_settings settings = {.identity = p->own, .protocols = p->settings.protocols};

	if (!anybody(&s->trust))
		settings.clients = &s->trust;
	TRY(entropy_for_tls(settings.entropy));
	return version->server(s->tls, &settings);
}

static enum err begin_client(struct secure_pool *p, struct secure *s)
{
	struct tls_client_settings settings = {
	        .name = s->name, .trust = s->trust, .identity = &p->own, .protocols = p->settings.protocols};

	TRY(entropy_for_tls(settings.entropy));
	return version->client(s->tls, &settings);
}

struct beginning {
	uint32_t channel;
	const struct secure_peer *peer; /* NULL: we are the server */
	uint64_t now_s;
};

static void know_peer(struct secure_pool *p, struct secure *s, const struct secure_peer *peer)
{
	s->trust = p->settings.servers;
	memcpy(s->name, peer->name, strlen(peer->name) + 1);
	if (peer->pin == NULL)
		return;
	memcpy(s->pin[0], peer->pin, TLS_PIN_SIZE);
	s->trust = (struct tls_trust){.pins = (const uint8_t(*)[TLS_PIN_SIZE])s->pin, .pin_count = 1};
}

static enum err begin(struct secure_pool *p, const struct beginning *b, struct secure **out, struct note *n)
{
	struct secure *s = NULL;
	enum err err;

	TRY(own_certificate(p, b->now_s, n));
	TRY(take_memory(p, &s, n));
	s->channel = b->channel;
	s->news = KEEPCALL_WRITABLE; /* nothing was sent yet */
	s->pool = p;
	if (b->peer != NULL)
		know_peer(p, s, b->peer);
	else
		s->trust = p->settings.clients;
	s->trust.now_s = b->now_s;
	err = b->peer != NULL ? begin_client(p, s) : begin_server(p, s);
	if (err != OK) {
		give_memory(p, s);
		return refuse(n, err, "TLS cannot begin: %s", err_text(err));
	}
	tls_stream_begin(&s->stream, version, s->tls, (struct tls_wire){wire_send, wire_receive, s});
	*out = s;
	return OK;
}

enum err secure_server(struct secure_pool *p, uint32_t channel, uint64_t now_s, struct secure **out, struct note *n)
{
	return begin(p, &(struct beginning){channel, NULL, now_s}, out, n);
}

enum err secure_client(struct secure_pool *p, uint32_t channel, const struct secure_peer *server, uint64_t now_s,
                       struct secure **out, struct note *n)
{
	const size_t size = strlen(server->name);

	if (size == 0 || size > TLS_NAME_MAX)
		return refuse(n, ERR_INVALID, "the name of a TLS server has 1 to %d bytes", TLS_NAME_MAX);
	if (server->pin == NULL && anybody(&p->settings.servers))
		return refuse(n, ERR_INVALID, "TLS to %s: no roots and no pins say whom to believe", server->name);
	return begin(p, &(struct beginning){channel, server, now_s}, out, n);
}

/* ---- living ---- */

enum err secure_read(struct secure *s, void *out, size_t capacity, size_t *got)
{
	s->quiet = false;
	s->asks = KEEPCALL_READABLE | KEEPCALL_WRITABLE;
	return tls_stream_read(&s->stream, out, capacity, got);
}

enum err secure_write(struct secure *s, struct slice plain, size_t *taken)
{
	struct tls_outbox *o = plain.size > TLS_RECORD_PLAIN && s->stream.out == NULL ? take_outbox(s->pool) : NULL;
	enum err err;

	if (o != NULL)
		tls_stream_lend(&s->stream, o);
	s->quiet = false;
	s->asks = KEEPCALL_WRITABLE;
	err = tls_stream_write(&s->stream, plain, taken);
	give_outbox(s->pool, tls_stream_return(&s->stream));
	return err;
}

enum err secure_flush(struct secure *s)
{
	enum err err;

	s->quiet = false;
	s->asks = KEEPCALL_WRITABLE | (secure_facts(s).established ? 0 : KEEPCALL_READABLE);
	err = tls_stream_flush(&s->stream);
	give_outbox(s->pool, tls_stream_return(&s->stream));
	return err;
}

void secure_end(struct secure *s)
{
	s->quiet = false;
	s->asks = KEEPCALL_WRITABLE;
	tls_stream_end(&s->stream);
}

/* Poll asks all connections each time, and most of them are idle. */
bool secure_readable(struct secure *s)
{
	s->asks = 0;
	s->quiet = s->quiet || !tls_stream_readable(&s->stream);
	return !s->quiet;
}

bool secure_writable(struct secure *s)
{
	s->quiet = false;
	s->asks = 0;
	return tls_stream_writable(&s->stream);
}

uint16_t secure_wants(const struct secure *s)
{
	const struct tls_stream_wants w = tls_stream_wants(&s->stream);

	return (uint16_t)((w.readable ? KEEPCALL_READABLE : 0) | (w.writable ? KEEPCALL_WRITABLE : 0));
}

uint32_t secure_channel(const struct secure *s)
{
	return s->channel;
}

struct tls_facts secure_facts(const struct secure *s)
{
	return version->facts(s->tls);
}

void secure_close(struct secure_pool *p, struct secure *s)
{
	call_close(s->channel);
	give_outbox(p, tls_stream_abandon(&s->stream));
	give_memory(p, s);
}
