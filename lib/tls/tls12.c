/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 by BearSSL's engine. The engine closes without a word when it fails; after_step adds the alert, sealed by the
 * engine's own record layer, behind what was not yet sent.
 */
#include "lib/base/ct.h"
#include "lib/tls/tls.h"
#include "lib/tls/tls12_error.h"
#include "lib/tls/tls12_peer.h"

#include <assert.h>

enum { ALERT_RECORD_MAX = 64, RECORD_ALERT = 21, ALERT_FATAL = 2, RECORD_HEADER = 5 };

struct tls {
	union {
		br_ssl_client_context client;
		br_ssl_server_context server;
	} side;
	br_ssl_engine_context *engine;
	struct tls12_peer peer;
	bool asks;             /* for the client's certificate */
	bool cut;              /* the wire ended too early */
	bool shaken;           /* the handshake was over once: before, anyone on the way can say close_notify */
	bool failed;           /* as after_step found */
	struct slice unsent;   /* then: bytes of the engine */
	struct slice farewell; /* and the alert */
	unsigned alert;
	uint8_t alert_record[ALERT_RECORD_MAX];
	uint8_t in[BR_SSL_BUFSIZE_INPUT], out[BR_SSL_BUFSIZE_OUTPUT];
};
static_assert(_Alignof(struct tls) <= TLS_ALIGN, "what the header promises");

static const uint16_t client_suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,       BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,       BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};
static const uint16_t server_suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
};

/* ---- settings ---- */

static void engine_setup(struct tls *t, const uint16_t *suites, size_t count, const struct tls_protocols *p,
                         const uint8_t entropy[static TLS_ENTROPY_SIZE])
{
	br_ssl_engine_context *e = t->engine;

	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(e, suites, count);
	br_ssl_engine_set_default_ecdsa(e);
	br_ssl_engine_set_default_rsavrfy(e);
	br_ssl_engine_set_default_aes_gcm(e);
	br_ssl_engine_set_default_chapol(e);
	br_ssl_engine_set_hash(e, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(e, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(e, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(e, &br_tls12_sha384_prf);
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION | BR_OPT_FAIL_ON_ALPN_MISMATCH);
	br_ssl_engine_set_protocol_names(e, p->names, p->count);
	br_ssl_engine_set_buffers_bidi(e, t->in, sizeof t->in, t->out, sizeof t->out);
	br_ssl_engine_inject_entropy(e, entropy, TLS_ENTROPY_SIZE);
}

static bool identity_whole(const struct tls_identity *i)
{
	return i->chain_count > 0 && i->key != NULL;
}

static void begin(struct tls *t)
{
	t->asks = t->cut = t->shaken = t->failed = false;
	t->unsent = t->farewell = slice_of(NULL, 0);
	t->alert = 0;
	t->peer.certs = 0;
	t->peer.leaf_size = 0;
	t->peer.judged = false;
}

static enum err client(struct tls *t, const struct tls_client_settings *s)
{
	br_ssl_client_context *c = &t->side.client;

	if (s->name == NULL || s->name[0] == 0 || strlen(s->name) > TLS_NAME_MAX ||
	    (s->identity != NULL && !identity_whole(s->identity)))
		return ERR_INVALID;
	TRY(tls12_peer_init(&t->peer, &s->trust, LEAF_SERVER));
	br_ssl_client_zero(c);
	t->engine = &c->eng;
	begin(t);
	engine_setup(t, client_suites, ARRAY_COUNT(client_suites), &s->protocols, s->entropy);
	br_ssl_engine_set_x509(t->engine, &t->peer.vtable);
	if (s->identity != NULL)
		br_ssl_client_set_single_ec(c, s->identity->chain, s->identity->chain_count, s->identity->key,
		                            BR_KEYTYPE_SIGN, BR_KEYTYPE_EC, br_ec_get_default(),
		                            br_ecdsa_sign_asn1_get_default());
	return br_ssl_client_reset(c, s->name, 0) ? OK : ERR_CRYPTO;
}

/*
 * With a name of an authority BearSSL asks for certificates, without one it does not. Where a pin is all that counts
 * any authority will do, which an empty name says to most clients.
 */
static void ask(struct tls *t, const struct tls_trust *trust)
{
	static uint8_t nobody[] = {0x30, 0};
	static const br_x500_name names = {nobody, sizeof nobody};
	br_ssl_server_context *c = &t->side.server;

	if (trust->root_count > 0)
		br_ssl_server_set_trust_anchor_names_alt(c, trust->roots, trust->root_count);
	else
		br_ssl_server_set_trust_anchor_names(c, &names, 1);
	br_ssl_engine_set_x509(t->engine, &t->peer.vtable);
	t->asks = true;
}

static enum err server(struct tls *t, const struct tls_server_settings *s)
{
	br_ssl_server_context *c = &t->side.server;

	if (!identity_whole(&s->identity))
		return ERR_INVALID;
	if (s->clients != NULL)
		TRY(tls12_peer_init(&t->peer, s->clients, LEAF_CLIENT));
	br_ssl_server_zero(c);
	t->engine = &c->eng;
	begin(t);
	engine_setup(t, server_suites, ARRAY_COUNT(server_suites), &s->protocols, s->entropy);
	br_ssl_server_set_single_ec(c, s->identity.chain, s->identity.chain_count, s->identity.key, BR_KEYTYPE_SIGN, 0,
	                            br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
	if (s->clients != NULL)
		ask(t, s->clients);
	if (!br_ssl_server_reset(c))
		return ERR_CRYPTO;
	c->eng.version_out = BR_TLS10; /* until one is agreed on: a client that is too old must understand why not */
	return OK;
}

/* ---- the end ---- */

static bool established(const struct tls *t)
{
	return br_ssl_engine_last_error(t->engine) == BR_ERR_OK && t->engine->application_data != 0;
}

static bool closed(const struct tls *t)
{
	return br_ssl_engine_current_state(t->engine) == BR_SSL_CLOSED;
}

static enum err status(const struct tls *t)
{
	int code = br_ssl_engine_last_error(t->engine);

	if (code != BR_ERR_OK)
		return tls12_error(code).err;
	if (t->cut)
		return ERR_TRUNCATED;
	if (!closed(t))
		return OK;
	return t->shaken ? ERR_CLOSED : ERR_TRUNCATED;
}

static struct slice alert_seal(struct tls *t)
{
	br_ssl_engine_context *e = t->engine;
	const br_sslrec_out_class **layer = &e->out.vtable;
	size_t start = RECORD_HEADER, end = sizeof t->alert_record, size = 2;
	const unsigned char *record;

	(*layer)->max_plaintext(layer, &start, &end);
	CHECK(start < end && end - start >= size && end <= sizeof t->alert_record);
	t->alert_record[start] = ALERT_FATAL;
	t->alert_record[start + 1] = (uint8_t)t->alert;
	record = (*layer)->encrypt(layer, RECORD_ALERT, BR_TLS12, t->alert_record + start, &size);
	return slice_of(record, size);
}

/* After each step of the engine. unsent: what it had for the peer before; if the step failed its bytes are where they were. */
static void after_step(struct tls *t, struct slice unsent)
{
	int code = br_ssl_engine_last_error(t->engine);

	t->shaken |= established(t);
	if (t->failed || code == BR_ERR_OK)
		return;
	t->failed = true;
	t->alert = tls12_error(code).alert;
	t->unsent = unsent;
	if (t->alert != 0)
		t->farewell = alert_seal(t);
}

static struct slice to_send(const struct tls *t)
{
	size_t size;
	const unsigned char *from = br_ssl_engine_sendrec_buf(t->engine, &size);

	return slice_of(from, from == NULL ? 0 : size);
}

static enum err wire_ended(struct tls *t)
{
	if (status(t) == OK)
		t->cut = true;
	return status(t);
}

/* ---- bytes ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static enum err records_in(struct tls *t, struct slice bytes, size_t *taken)
{
	size_t room;
	unsigned char *to = br_ssl_engine_recvrec_buf(t->engine, &room);
	struct slice unsent = to_send(t);

	*taken = to == NULL || t->cut ? 0 : smaller(room, bytes.size);
	if (*taken == 0)
		return status(t);
	memcpy(to, bytes.data, *taken);
	br_ssl_engine_recvrec_ack(t->engine, *taken);
	after_step(t, unsent);
	return status(t);
}

static struct slice pending(const struct tls *t)
{
	if (!t->failed)
		return to_send(t);
	return t->unsent.size > 0 ? t->unsent : t->farewell;
}

static void sent(struct tls *t, size_t size)
{
	struct slice *from = t->unsent.size > 0 ? &t->unsent : &t->farewell;

	CHECK(size <= pending(t).size);
	if (size == 0)
		return;
	if (t->failed) {
		*from = slice_of(from->data + size, from->size - size);
		return;
	}
	br_ssl_engine_sendrec_ack(t->engine, size);
	after_step(t, slice_of(NULL, 0));
}

static enum err records_out(struct tls *t, uint8_t *to, size_t size, size_t *given)
{
	struct slice from;

	for (*given = 0; (from = pending(t)).data != NULL && from.size > 0 && *given < size;) {
		const size_t n = smaller(from.size, size - *given);

		memcpy(to + *given, from.data, n);
		*given += n;
		sent(t, n);
	}
	return *given > 0 ? OK : status(t); /* OK also when these are the last bytes */
}

static enum err read_plain(struct tls *t, uint8_t *to, size_t size, size_t *given)
{
	size_t there;
	const unsigned char *from = br_ssl_engine_recvapp_buf(t->engine, &there);
	struct slice unsent = to_send(t);

	*given = from == NULL ? 0 : smaller(there, size);
	if (*given == 0)
		return status(t);
	CHECK(!t->asks || t->peer.judged); /* the engine saw to it */
	memcpy(to, from, *given);
	br_ssl_engine_recvapp_ack(t->engine, *given);
	after_step(t, unsent);
	return OK;
}

static enum err write_plain(struct tls *t, struct slice plain, size_t *taken)
{
	size_t room;
	unsigned char *to = br_ssl_engine_sendapp_buf(t->engine, &room);

	*taken = to == NULL || t->cut ? 0 : smaller(room, plain.size);
	if (*taken == 0)
		return status(t);
	CHECK(!t->asks || t->peer.judged);
	memcpy(to, plain.data, *taken);
	br_ssl_engine_sendapp_ack(t->engine, *taken);
	br_ssl_engine_flush(t->engine, 0);
	return OK;
}

static bool readable(const struct tls *t)
{
	size_t there;

	return br_ssl_engine_recvapp_buf(t->engine, &there) != NULL;
}

static bool writable(const struct tls *t)
{
	size_t room;

	return br_ssl_engine_sendapp_buf(t->engine, &room) != NULL;
}

static void close_notify(struct tls *t)
{
	br_ssl_engine_close(t->engine);
}

static struct tls_facts facts(const struct tls *t)
{
	const int code = br_ssl_engine_last_error(t->engine);
	const char *name = br_ssl_engine_get_server_name(t->engine);
	struct tls_facts f = {
	        .established = established(t),
	        .protocol = br_ssl_engine_get_selected_protocol((br_ssl_engine_context *)(uintptr_t)t->engine),
	        .name = name[0] != 0 ? name : NULL,
	};

	if (t->peer.certs > 0 && t->peer.leaf_size <= sizeof t->peer.leaf)
		f.peer = slice_of(t->peer.leaf, t->peer.leaf_size);
	if (f.peer.size > 0 && t->peer.judged)
		f.pin = t->peer.pin;
	if (code != BR_ERR_OK)
		f.why = tls12_error(code).words;
	else if (t->cut)
		f.why = "the connection was cut before its end";
	else if (closed(t) && !t->shaken)
		f.why = "the connection was closed before the handshake was over";
	f.alert = code >= BR_ERR_SEND_FATAL_ALERT ? (unsigned)code - BR_ERR_SEND_FATAL_ALERT : t->alert;
	if (code >= BR_ERR_RECV_FATAL_ALERT && code < BR_ERR_SEND_FATAL_ALERT)
		f.peers_alert = (unsigned)code - BR_ERR_RECV_FATAL_ALERT;
	return f;
}

static void forget(struct tls *t)
{
	wipe(t, sizeof *t);
}

const struct tls_version tls_1_2 = {
        .name = "TLS 1.2",
        .size = sizeof(struct tls),
        .client = client,
        .server = server,
        .records_in = records_in,
        .records_out = records_out,
        .pending = pending,
        .sent = sent,
        .readable = readable,
        .writable = writable,
        .read = read_plain,
        .write = write_plain,
        .close = close_notify,
        .wire_ended = wire_ended,
        .status = status,
        .facts = facts,
        .wipe = forget,
};
