/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/serve.h"

#include "keep/call/cpu.h"
#include "lib/base/ct.h"

#define SECOND UINT64_C(1000000000)
#define PATIENCE (60 * SECOND) /* with a client that owes us something */
#define LINGER (2 * SECOND)    /* for the last bytes to be fetched */
#define RETRY (10 * SECOND)    /* for a client after one that went without delivering */

static uint64_t now(struct keep *k)
{
	return clock_monotonic(&k->clock);
}

static void be_patient(struct keep *k, struct link *l, uint64_t how_long)
{
	l->deadline = how_long == CLOCK_NEVER ? CLOCK_NEVER : clock_add(now(k), how_long);
}

/* ---- the program's end ---- */

void keep_stop(struct keep *k, enum err why, const char *words)
{
	if (k->stop != OK)
		return;
	k->stop = why;
	note_set(&k->stop_note, "%s", words);
}

enum err keep_must_stop(struct keep *k)
{
	const uint64_t cpu_limit = k->delivery.manifest.limits.cpu_ns;
	uint64_t ran = now(k) - k->started;

	if (now(k) >= k->wall_until)
		keep_stop(k, ERR_LIMIT, "the time limit of the manifest (limits.wall) is reached");
	if (cpu_limit != 0 && ran > k->waited && ran - k->waited >= cpu_limit)
		keep_stop(k, ERR_LIMIT, "the computing-time limit of the manifest (limits.cpu) is reached");
	return k->stop;
}

void keep_detach(struct keep *k)
{
	if (k->detached)
		return;
	if (ring_alloc(&k->ring, &k->memory.heap) != OK) {
		keep_stop(k, ERR_LIMIT, "the host gives no memory for the output of a detached workload");
		return;
	}
	k->detached = true;
	k->input.over = true; /* nobody is there to type */
	k->reader = ring_newest(&k->ring);
}

/* ---- connections ---- */

/* Lets the last bytes out, then closes. */
static void part(struct keep *k, struct link *l)
{
	if (l == k->owner)
		k->owner = NULL;
	if (l == k->delivering) {
		delivery_drop(&k->delivery, &k->memory);
		k->delivering = NULL;
	}
	if (!l->closing)
		be_patient(k, l, LINGER);
	l->closing = true;
}

/* The connection is over, whoever wanted that. */
static void lost(struct keep *k, struct link *l)
{
	bool owned = l == k->owner;

	part(k, l);
	if (l == k->told && link_pending(l))
		k->told = NULL; /* the news did not arrive */
	link_close(l);
	if (k->phase == PHASE_READY) {
		k->refusals++;
		k->abandoned = clock_add(now(k), RETRY);
	}
	if (owned && k->phase == PHASE_LOADED && !k->detached)
		keep_stop(k, ERR_STOPPED, "the connection to the workload's owner was lost");
}

static enum err send_error(struct link *l, const struct note *why)
{
	struct msg_error m = {slice_text(why->text)};
	uint8_t body[600];
	size_t size;

	TRY(msg_error_encode(&m, body, sizeof body, &size));
	return link_put(l, SESSION_ERROR, slice_of(body, size), slice_of(NULL, 0));
}

/* The client did what it may not, or we cannot serve it: it is told if there are words, then it has to go. */
static void turn_away(struct keep *k, struct link *l, const struct note *why)
{
	bool owned = l == k->owner;

	if (why->text[0] == 0 || send_error(l, why) != OK)
		l->gone = !link_pending(l);
	part(k, l);
	if (owned && k->phase == PHASE_LOADED && !k->detached)
		keep_stop(k, ERR_STOPPED, "the workload's owner broke the protocol");
}

/* ---- what clients say; the session has checked that the message may come now ---- */

typedef enum err handler(struct keep *k, struct link *l, struct slice body, struct note *n);

static enum err on_challenge(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct msg_challenge m;
	uint8_t report[64];
	size_t size;

	TRY(msg_challenge_decode(body, &m));
	session_report_data(session_hash(l->session), m.nonce, report);
	if (call_evidence(report, k->scratch, sizeof k->scratch, &size) != OK)
		return refuse(n, ERR_IO, "the host gives no evidence for this Keep");
	return link_put(l, SESSION_EVIDENCE, slice_of(k->scratch, size), slice_of(NULL, 0));
}

static enum err on_verdict(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct msg_verdict m;

	(void)n;
	TRY(msg_verdict_decode(body, &m));
	if (!m.ok)
		part(k, l);
	return OK;
}

static enum err on_manifest(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	if (k->phase != PHASE_READY)
		return refuse(n, ERR_STATE, "this Keep has its workload already; a Keep takes one delivery");
	if (k->delivering != NULL && k->delivering != l)
		return refuse(n, ERR_STATE, "another client is delivering to this Keep");
	k->delivering = l;
	return delivery_manifest(&k->delivery, &k->memory, body, n);
}

static enum err on_chunk(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	CHECK(k->delivering == l);
	return delivery_chunk(&k->delivery, &k->memory, body, n);
}

static enum err send_ready(struct link *l, const uint8_t secret[static SESSION_SECRET_SIZE], bool resumed, bool running)
{
	struct msg_ready m = {.resumed = resumed, .running = running};
	uint8_t body[64];
	size_t size;
	enum err err;

	memcpy(m.secret, secret, sizeof m.secret);
	err = msg_ready_encode(&m, body, sizeof body, &size);
	if (err == OK)
		err = link_put(l, SESSION_READY, slice_of(body, size), slice_of(NULL, 0));
	wipe(&m, sizeof m);
	wipe(body, sizeof body);
	return err;
}

/* The delivery is ours now; from here on there is a workload. */
static void take_over(struct keep *k, struct link *l, uint64_t wall_ns)
{
	uint64_t limit = k->delivery.manifest.limits.wall_ns;

	k->phase = PHASE_LOADED;
	k->owner = l;
	k->delivering = NULL;
	be_patient(k, l, CLOCK_NEVER);
	clock_set_wall(&k->clock, wall_ns);
	k->started = now(k);
	k->waited = 0;
	k->wall_until = limit == 0 ? CLOCK_NEVER : clock_add(k->started, limit);
	k->input.over = (k->delivery.manifest.flags & MANIFEST_STDIN) == 0;
	if ((k->delivery.manifest.flags & MANIFEST_DETACHED) != 0)
		keep_detach(k);
	/* Whoever delivers something to be detached leaves at once: the output and the end wait for who attaches. */
	k->reading = k->following = k->wants_end = k->collects = !k->detached;
}

static enum err on_start(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct msg_start m;

	CHECK(k->delivering == l);
	TRY(msg_start_decode(body, &m));
	TRY(delivery_complete(&k->delivery, &k->memory, n));
	TRY(cpu_random(k->secret, sizeof k->secret));
	TRY(send_ready(l, k->secret, false, true));
	take_over(k, l, m.wall_ns);
	return OK;
}

/* HMAC-SHA-256(secret, "broch-resume/1" || handshake hash): the secret never travels again. */
static void resume_proof(const struct keep *k, const struct link *l, uint8_t out[static 32])
{
	br_hmac_key_context kc;
	br_hmac_context hc;

	br_hmac_key_init(&kc, &br_sha256_vtable, k->secret, sizeof k->secret);
	br_hmac_init(&hc, &kc, 0);
	br_hmac_update(&hc, "broch-resume/1", 14);
	br_hmac_update(&hc, session_hash(l->session), SESSION_HASH_SIZE);
	br_hmac_out(&hc, out);
	wipe(&kc, sizeof kc);
	wipe(&hc, sizeof hc);
}

static enum err on_resume(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	static const struct note replaced = {"another session of the owner took over"};
	static const uint8_t none[SESSION_SECRET_SIZE];
	struct msg_resume m;
	uint8_t proof[32];
	bool good;

	TRY(msg_resume_decode(body, &m));
	if (k->phase == PHASE_READY)
		return refuse(n, ERR_STATE, "this Keep has no workload to come back to");
	resume_proof(k, l, proof);
	good = ct_equal(proof, m.proof, sizeof proof);
	wipe(proof, sizeof proof);
	if (!good)
		return refuse(n, ERR_AUTH, "this is not the owner of the workload: the resumption secret is another");
	keep_detach(k); /* before the old connection goes, or its loss would stop the program */
	if (k->owner != NULL)
		turn_away(k, k->owner, &replaced);
	k->owner = l;
	k->reading = k->following = k->wants_end = false;
	be_patient(k, l, CLOCK_NEVER);
	return send_ready(l, none, true, k->phase == PHASE_LOADED);
}

static enum err on_ask_evidence(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct msg_workload_evidence e = {.hash = slice_of(session_hash(l->session), SESSION_HASH_SIZE)};
	struct msg_ask_evidence m;
	uint8_t report[64];
	size_t size;

	TRY(msg_ask_evidence_decode(body, &m));
	if (l != k->owner)
		return OK; /* came late */
	TRY(identity_public(&k->identity, &e.signing_key));
	session_workload_report_data(session_hash(l->session), k->delivery.digest, e.signing_key, m.nonce, report);
	if (call_evidence(report, k->scratch, sizeof k->scratch, &size) != OK)
		return refuse(n, ERR_IO, "the host gives no evidence for this workload");
	e.envelope = slice_of(k->scratch, size);
	e.manifest = k->delivery.bytes;
	e.nonce = m.nonce;
	if (msg_workload_evidence_encode(&e, k->body, sizeof k->body, &size) != OK) {
		e.manifest = slice_of(NULL, 0); /* does not fit; its owner has it */
		TRY(msg_workload_evidence_encode(&e, k->body, sizeof k->body, &size));
	}
	return link_put(l, SESSION_WORKLOAD_EVIDENCE, slice_of(k->body, size), slice_of(NULL, 0));
}

static enum err on_stdin(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct input *in = &k->input;

	if (l != k->owner || in->over)
		return OK; /* came late, or nobody reads it any more */
	if (body.size > in->credit)
		return refuse(n, ERR_STATE, "more input than the Keep asked for");
	if (body.size == 0)
		in->over = true;
	if (in->size + body.size > STDIN_BUFFER) {
		memmove(in->bytes, in->bytes + in->at, in->size - in->at);
		in->size -= in->at;
		in->at = 0;
	}
	CHECK(in->size + body.size <= STDIN_BUFFER);
	if (body.size > 0)
		memcpy(in->bytes + in->size, body.data, body.size);
	in->size += body.size;
	in->credit -= body.size;
	return OK;
}

static enum err on_detach(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	(void)body, (void)n;
	if (l != k->owner)
		return OK;
	keep_detach(k);
	part(k, l);
	return OK;
}

static enum err on_stop(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	(void)body, (void)n;
	if (l != k->owner)
		return OK;
	k->wants_end = k->collects = true;
	if (k->phase == PHASE_LOADED)
		keep_stop(k, ERR_STOPPED, "stopped by its owner");
	return OK;
}

static enum err on_attach(struct keep *k, struct link *l, struct slice body, struct note *n)
{
	struct msg_attach m;

	TRY(msg_attach_decode(body, &m));
	if (l != k->owner || !k->detached)
		return refuse(n, ERR_STATE, "only a resumed session can attach");
	k->reading = k->wants_end = true;
	k->following = k->collects = m.follow;
	k->reader = m.from_start ? ring_oldest(&k->ring) : ring_newest(&k->ring);
	return OK;
}

static handler *const handlers[SESSION_TYPE_LIMIT] = {
	[SESSION_CHALLENGE] = on_challenge,
	[SESSION_VERDICT] = on_verdict,
	[SESSION_MANIFEST] = on_manifest,
	[SESSION_CHUNK] = on_chunk,
	[SESSION_START] = on_start,
	[SESSION_RESUME] = on_resume,
	[SESSION_ASK_EVIDENCE] = on_ask_evidence,
	[SESSION_STDIN] = on_stdin,
	[SESSION_DETACH] = on_detach,
	[SESSION_STOP] = on_stop,
	[SESSION_ATTACH] = on_attach,
};

/* ---- output of a detached workload, and the end ---- */

static void missed_line(char *line, size_t capacity, uint64_t missed, size_t *size)
{
	struct note text = {{0}};

	note_set(&text, "[broch: %llu bytes of older output were dropped]\n", (unsigned long long)missed);
	*size = strlen(text.text) < capacity ? strlen(text.text) : capacity;
	memcpy(line, text.text, *size);
}

/* One kept piece goes out; false when there is no more, or no room. */
static bool pass_on_piece(struct keep *k)
{
	struct link *l = k->owner;
	uint64_t missed;
	uint8_t stream;
	char line[80];
	size_t size, line_size;

	if (!link_room(l) || !ring_next(&k->ring, &k->reader, &stream, k->body, &size, &missed))
		return false;
	if (missed > 0) {
		missed_line(line, sizeof line, missed, &line_size);
		if (link_put(l, SESSION_STDERR, slice_of(line, line_size), slice_of(NULL, 0)) != OK || !link_room(l))
			return false;
	}
	return link_put(l, stream, slice_of(k->body, size), slice_of(NULL, 0)) == OK;
}

static bool all_passed_on(const struct keep *k)
{
	return !k->detached || !k->reading || k->reader.at == k->ring.end;
}

static void tell_end(struct keep *k)
{
	struct link *l = k->owner;
	uint8_t body[600];
	size_t size;

	if (msg_exit_encode(&k->end, body, sizeof body, &size) != OK ||
	    link_put(l, SESSION_EXIT, slice_of(body, size), slice_of(NULL, 0)) != OK)
		l->gone = true;
	else if (k->collects) /* whoever only looks at the output leaves the end to be collected */
		k->told = l;
	part(k, l);
}

/* What the owner of a detached workload is due, as far as there is room. True if something went. */
static bool pass_on(struct keep *k)
{
	bool went = false;

	if (k->owner != NULL && !k->owner->gone && k->detached && k->reading) {
		while (pass_on_piece(k))
			went = true;
		if (k->reader.at == k->ring.end && !k->following && k->phase != PHASE_ENDED && link_room(k->owner)) {
			/* An empty piece says: that was all so far. */
			if (link_put(k->owner, SESSION_STDOUT, slice_of(NULL, 0), slice_of(NULL, 0)) != OK)
				k->owner->gone = true;
			k->reading = false;
		}
	}
	if (k->owner != NULL && k->phase == PHASE_ENDED && k->wants_end && all_passed_on(k) && link_room(k->owner))
		tell_end(k);
	return went;
}

void keep_end(struct keep *k, const struct msg_exit *end)
{
	k->end = *end;
	k->phase = PHASE_ENDED;
	k->blocked = false;
	keep_flush(k);
}

/* ---- the loop ---- */

static void flush_link(struct link *l)
{
	enum err err = link_pending(l) && !l->gone ? link_flush(l) : OK;

	if (err != OK && err != ERR_AGAIN)
		l->gone = true;
}

/* Sending makes room for more of what is kept. */
void keep_flush(struct keep *k)
{
	bool more;

	do {
		more = pass_on(k);
		for (size_t i = 0; i < LINKS; i++)
			if (k->links[i].open)
				flush_link(&k->links[i]);
	} while (more);
	k->last_flush = now(k);
}

/* Before there is a workload one client at a time is enough; after, an owner may come while another is attached. */
static struct link *free_link(struct keep *k)
{
	size_t limit = k->phase == PHASE_READY ? 1 : LINKS;

	for (size_t i = 0; i < limit; i++)
		if (!k->links[i].open)
			return &k->links[i];
	return NULL;
}

bool serve_wanted(struct keep *k)
{
	return (call_attention() & KEEPCALL_ATTENTION_SESSION) != 0 && free_link(k) != NULL;
}

static void let_in(struct keep *k)
{
	struct link *l = free_link(k);
	uint32_t channel;

	if (l == NULL || call_accept(KEEPCALL_SESSIONS, &channel) != OK)
		return;
	if (link_open(l, channel) != OK) {
		lost(k, l);
		return;
	}
	be_patient(k, l, PATIENCE);
}

/* Takes one message; false when there is none for now. */
static bool handle_next(struct keep *k, struct link *l)
{
	enum session_type type;
	struct note why = {{0}};
	struct slice body;
	enum err err = link_next(l, &type, &body);

	if (err == ERR_AGAIN)
		return false;
	if (err != OK) { /* the session is dead and cannot even say so */
		l->gone = true;
		return false;
	}
	if (l->deadline != CLOCK_NEVER)
		be_patient(k, l, PATIENCE);
	CHECK(handlers[type] != NULL);
	err = handlers[type](k, l, body, &why);
	if (err == OK)
		return true;
	note_set(&why, "a message of the client is malformed: %s", err_text(err));
	turn_away(k, l, &why);
	return false;
}

static void receive(struct keep *k, struct link *l)
{
	enum err err = link_fill(l);

	if (err != OK) {
		l->gone = err != ERR_AGAIN;
		return;
	}
	if (l->closing) { /* nobody listens any more, but the client may have to get rid of it */
		l->in_at = l->in_size;
		return;
	}
	while (!l->closing && !l->gone && handle_next(k, l))
		;
}

/* A message may wait in our buffer because there was no room for its answer. */
static bool holds_input(const struct link *l)
{
	return l->in_at < l->in_size && !l->closing;
}

static void sweep(struct keep *k)
{
	for (size_t i = 0; i < LINKS; i++) {
		struct link *l = &k->links[i];

		if (l->open && (l->gone || now(k) >= l->deadline))
			lost(k, l);
	}
}

/* True if some of it was taken: that may have made answers, and those no room for the rest. */
static bool take_held(struct keep *k)
{
	bool took = false;

	for (size_t i = 0; i < LINKS; i++) {
		struct link *l = &k->links[i];

		if (!l->open || l->gone || !holds_input(l) || !link_room(l))
			continue;
		receive(k, l);
		took = true;
	}
	return took;
}

/* Nothing may wait in our buffers that could go on without news from outside: the next step is to sleep. */
static void settle(struct keep *k)
{
	do {
		keep_flush(k);
		sweep(k);
	} while (take_held(k));
}

static size_t collect(struct keep *k, struct keepcall_poll *entries, struct link **links)
{
	size_t n = 0;

	if (free_link(k) != NULL) {
		links[n] = NULL;
		entries[n++] = (struct keepcall_poll){KEEPCALL_SESSIONS, KEEPCALL_READABLE, 0};
	}
	for (size_t i = 0; i < LINKS; i++) {
		struct link *l = &k->links[i];
		unsigned wanted = (holds_input(l) ? 0 : KEEPCALL_READABLE) | (link_pending(l) ? KEEPCALL_WRITABLE : 0);

		if (!l->open)
			continue;
		links[n] = l;
		entries[n++] = (struct keepcall_poll){l->channel, (uint16_t)wanted, 0};
	}
	return n;
}

static uint64_t earliest(const struct keep *k, uint64_t until)
{
	for (size_t i = 0; i < LINKS; i++)
		if (k->links[i].open && k->links[i].deadline < until)
			until = k->links[i].deadline;
	return until;
}

static uint64_t timeout(struct keep *k, uint64_t until)
{
	uint64_t t = now(k);

	if (k->blocked && (k->owner == NULL || link_room(k->owner)))
		return 0; /* what the program waits for is there already */
	until = earliest(k, until);
	return until == CLOCK_NEVER ? KEEPCALL_FOREVER : until > t ? until - t : 0;
}

void serve(struct keep *k, uint64_t until)
{
	struct keepcall_poll *entries = k->waits;
	struct link *links[1 + LINKS];
	size_t ready, n, sockets;
	uint64_t before;

	settle(k);
	until = sockets_sweep(k, until);
	n = collect(k, entries, links);
	sockets = sockets_collect(&k->sockets, entries + n, k->waiting_sockets);
	before = now(k);
	if (call_wait(entries, n + sockets, timeout(k, until), &ready) != OK)
		ready = 0;
	sockets_took(&k->sockets, entries + n, k->waiting_sockets, sockets);
	k->waited += now(k) - before;
	for (size_t i = 0; i < n && ready > 0; i++) {
		if (entries[i].ready == 0)
			continue;
		if (links[i] == NULL)
			let_in(k);
		else if ((entries[i].ready & (KEEPCALL_READABLE | KEEPCALL_HANGUP)) != 0)
			receive(k, links[i]);
	}
	settle(k);
	k->last_serve = now(k);
}
