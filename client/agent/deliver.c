/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/deliver.h"

#include "lib/base/hex.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { CONTROL_SIZE = 1024, CHUNK_HEAD = 4 };

/* Is this the doing of whoever sits in the channel? Then it is a refusal. Our own reasons stay what they are. */
static enum err disturbed(enum err err)
{
	switch (err) {
	case OK:
	case ERR_STOPPED:
	case ERR_NOMEM:
	case ERR_NO_RANDOM: return err;
	default: return ERR_REFUSED;
	}
}

static const struct slice nothing = {NULL, 0};

static enum err keep_error(struct slice body, const char *what, enum err err, struct note *n)
{
	struct msg_error e;
	char words[160];

	if (msg_error_decode(body, &e) != OK)
		return refuse(n, ERR_REFUSED, "the Keep's error message is malformed");
	slice_shown(e.message, words, sizeof words);
	return refuse(n, err, "the Keep %s: %s", what, words);
}

/* The next message, which must be of this type. */
static enum err expect(struct pipe *p, enum session_type type, struct slice *body, const char *what, enum err refusal,
		       struct note *n)
{
	enum session_type got;

	TRY(disturbed(pipe_receive(p, &got, body, n)));
	if (got == SESSION_ERROR)
		return keep_error(*body, what, refusal, n);
	return got == type ? OK : refuse(n, ERR_REFUSED, "the Keep answers with message %u out of turn", (unsigned)got);
}

/* ---- 4 and 5: evidence and verdict ---- */

static enum err challenge(struct pipe *p, struct msg_challenge *c, struct note *n)
{
	uint8_t body[CONTROL_SIZE];
	size_t size;

	if (getrandom(c->nonce, sizeof c->nonce, 0) != (ssize_t)sizeof c->nonce)
		return refuse(n, ERR_NO_RANDOM, "the system gives no random numbers");
	TRY(msg_challenge_encode(c, body, sizeof body, &size));
	return disturbed(pipe_send(p, SESSION_CHALLENGE, slice_of(body, size), nothing, n));
}

static void refusal_words(const struct verdict *v, struct note *n)
{
	const struct check *c = verdict_reason(v);

	if (c == NULL)
		note_set(n, "attestation refused: not every check was made");
	else if (c->expected[0] == 0 && c->found[0] == 0)
		note_set(n, "attestation refused: %s (%s) failed%s%s", c->link, c->id, c->cure[0] != 0 ? "; " : "", c->cure);
	else
		note_set(n, "attestation refused: %s (%s): expected %s, found %s%s%s", c->link, c->id, c->expected, c->found,
			 c->cure[0] != 0 ? "; " : "", c->cure);
}

static enum err tell_verdict(struct pipe *p, const struct verdict *v, struct note *n)
{
	const struct check *c = v->ok ? NULL : verdict_reason(v);
	struct msg_verdict m = {v->ok, slice_text(c != NULL ? c->id : "")};
	uint8_t body[CONTROL_SIZE];
	size_t size;

	TRY(msg_verdict_encode(&m, body, sizeof body, &size));
	TRY(disturbed(pipe_send(p, SESSION_VERDICT, slice_of(body, size), nothing, n)));
	return v->ok ? OK : disturbed(pipe_flush(p, n));
}

enum err attest(struct pipe *p, const struct trust *t, struct verdict *v, struct note *n)
{
	struct msg_challenge c;
	struct slice envelope;
	uint8_t report_data[64];
	struct verify_input in = {.report_data = slice_of(report_data, sizeof report_data), .policy = t->policy, .at = t->at};

	verdict_clear(v);
	TRY(challenge(p, &c, n));
	TRY(expect(p, SESSION_EVIDENCE, &envelope, "gives no evidence", ERR_REFUSED, n));
	timings_mark(t->timings, TIMING_EVIDENCE);
	session_report_data(pipe_hash(p), c.nonce, report_data);
	in.envelope = envelope;
	verify_evidence(&in, v);
	timings_mark(t->timings, TIMING_VERIFY);
	if (!v->ok) {
		refusal_words(v, n);
		(void)tell_verdict(p, v, NULL);
		return ERR_REFUSED;
	}
	/* A Keep is silent now. Records behind the evidence are somebody's in between: better to know before we deliver. */
	if (pipe_unread(p))
		return refuse(n, ERR_REFUSED, "the channel to the Keep was disturbed: something came behind the evidence");
	return tell_verdict(p, v, n);
}

/* ---- 6: delivery ---- */

static enum err send_manifest(struct pipe *p, struct slice m, struct note *n)
{
	while (m.size > 0) {
		size_t part = m.size < SESSION_BODY_MAX ? m.size : SESSION_BODY_MAX;

		TRY(pipe_send(p, SESSION_MANIFEST, slice_of(m.data, part), nothing, n));
		m = slice_of(m.data + part, m.size - part);
	}
	return OK;
}

static enum err send_blob(struct pipe *p, struct bundle *b, size_t index, struct note *n)
{
	static uint8_t buffer[SESSION_BODY_MAX - CHUNK_HEAD];
	const uint8_t head[CHUNK_HEAD] = {(uint8_t)index, (uint8_t)(index >> 8), (uint8_t)(index >> 16), (uint8_t)(index >> 24)};

	TRY(bundle_blob_open(b, index, n));
	for (;;) {
		size_t size;

		TRY(bundle_blob_read(b, buffer, sizeof buffer, &size, n));
		if (size == 0)
			return OK;
		TRY(disturbed(pipe_send(p, SESSION_CHUNK, slice_of(head, sizeof head), slice_of(buffer, size), n)));
	}
}

static enum err send_start(struct pipe *p, struct note *n)
{
	struct timespec now;
	struct msg_start m;
	uint8_t body[CONTROL_SIZE];
	size_t size;

	clock_gettime(CLOCK_REALTIME, &now);
	m.wall_ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	TRY(msg_start_encode(&m, body, sizeof body, &size));
	return disturbed(pipe_send(p, SESSION_START, slice_of(body, size), nothing, n));
}

static enum err send_all(struct pipe *p, struct bundle *b, struct note *n)
{
	TRY(disturbed(send_manifest(p, bundle_encoded(b), n)));
	for (size_t i = 0; i < bundle_blob_count(b); i++)
		TRY(send_blob(p, b, i, n));
	return send_start(p, n);
}

static enum err take_ready(struct pipe *p, const char *what, enum err refusal, struct msg_ready *ready, struct note *n)
{
	struct slice body;

	TRY(expect(p, SESSION_READY, &body, what, refusal, n));
	if (msg_ready_decode(body, ready) != OK)
		return refuse(n, ERR_REFUSED, "the Keep says READY in a way we do not understand");
	return OK;
}

static void add_module(struct verdict *v, const char *id, const char *name, const uint8_t sha256[static 32])
{
	struct check c = {.id = id, .link = "module", .result = CHECK_PASS, .spec = "lib/session/manifest.h"};
	char hex[65];

	hex_encode(slice_of(sha256, 32), hex);
	snprintf(c.expected, sizeof c.expected, "%.63s%sSHA-256 %s", name, name[0] != 0 ? ": " : "", hex);
	snprintf(c.found, sizeof c.found, "%.63s%sSHA-256 %s, checked by the attested Keep", name, name[0] != 0 ? ": " : "", hex);
	verdict_add(v, &c);
}

static void add_modules(struct verdict *v, const struct bundle *b)
{
	const struct manifest *m = bundle_limits(b);
	char name[64];

	add_module(v, "workload.module", "", bundle_module_digest(b));
	for (size_t i = 0; i < m->library_count; i++)
		add_module(v, "workload.library", slice_shown(m->libraries[i].name, name, sizeof name), m->libraries[i].blob.sha256);
}

enum err deliver(struct pipe *p, struct bundle *b, bool evidence, struct msg_ready *ready, struct verdict *v,
		 struct note *n)
{
	struct note sending = {0};
	enum err err;

	CHECK(v->ok); /* nothing leaves before that */
	err = send_all(p, b, &sending);
	if (err == OK && evidence)
		err = disturbed(evidence_ask(p, &sending));
	if (err != OK && err != ERR_REFUSED)
		return refuse(n, err, "%s", sending.text);
	/* A Keep that refuses closes while we still send: what it said is the better reason. */
	if (err == OK || pipe_unread(p))
		err = take_ready(p, "refuses the delivery", ERR_INVALID, ready, n);
	if (err != OK) {
		note_set(n, "%s", sending.text);
		return err;
	}
	add_modules(v, b);
	return OK;
}

enum err resume(struct pipe *p, const uint8_t secret[static SESSION_SECRET_SIZE], struct msg_ready *ready, struct note *n)
{
	static const char label[] = "broch-resume/1";
	uint8_t text[sizeof label - 1 + SESSION_HASH_SIZE], body[CONTROL_SIZE];
	struct msg_resume m;
	unsigned got = 0;
	size_t size;

	memcpy(text, label, sizeof label - 1);
	memcpy(text + sizeof label - 1, pipe_hash(p), SESSION_HASH_SIZE);
	if (HMAC(EVP_sha256(), secret, SESSION_SECRET_SIZE, text, sizeof text, m.proof, &got) == NULL || got != 32)
		return ERR_CRYPTO;
	TRY(msg_resume_encode(&m, body, sizeof body, &size));
	TRY(disturbed(pipe_send(p, SESSION_RESUME, slice_of(body, size), nothing, n)));
	TRY(take_ready(p, "does not take us back", ERR_AUTH, ready, n));
	return ready->resumed ? OK : refuse(n, ERR_REFUSED, "the Keep has forgotten its workload");
}

/* ---- evidence for third parties ---- */

enum err evidence_ask(struct pipe *p, struct note *n)
{
	struct msg_ask_evidence m = {nothing};
	uint8_t body[CONTROL_SIZE];
	size_t size;

	TRY(msg_ask_evidence_encode(&m, body, sizeof body, &size));
	return pipe_send(p, SESSION_ASK_EVIDENCE, slice_of(body, size), nothing, n);
}

enum err evidence_await(struct pipe *p, struct slice *body, struct note *n)
{
	return expect(p, SESSION_WORKLOAD_EVIDENCE, body, "gives no evidence of its workload", ERR_IO, n);
}

static enum err encode_file(const struct workload_file *f, struct slice *out)
{
	size_t capacity = f->envelope.size + f->hash.size + f->manifest.size + f->signing_key.size + f->nonce.size + 256, size;
	uint8_t *bytes = malloc(capacity);
	enum err err = bytes != NULL ? workload_file_encode(f, bytes, capacity, &size) : ERR_NOMEM;

	if (err != OK) {
		free(bytes);
		return err;
	}
	*out = slice_of(bytes, size);
	return OK;
}

enum err evidence_take(struct slice body, const struct trust *t, struct slice manifest, struct verdict *v,
		       struct slice *file, struct note *n)
{
	struct msg_workload_evidence m;
	uint8_t digest[32], report_data[64];
	struct verify_input in = {.report_data = slice_of(report_data, sizeof report_data), .policy = t->policy, .at = t->at};
	struct workload_file f;

	verdict_clear(v);
	if (msg_workload_evidence_decode(body, &m) != OK || m.hash.size != SESSION_HASH_SIZE || m.signing_key.size > 128 ||
	    m.nonce.size > 64)
		return refuse(n, ERR_REFUSED, "the Keep's evidence message is malformed");
	if (m.manifest.size != 0 && !slice_equal(m.manifest, manifest))
		return refuse(n, ERR_REFUSED, "the Keep gives evidence about another workload than the one delivered");
	if (EVP_Digest(manifest.data, manifest.size, digest, NULL, EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	session_workload_report_data(m.hash.data, digest, m.signing_key, m.nonce, report_data);
	in.envelope = m.envelope;
	verify_evidence(&in, v);
	if (!v->ok) {
		refusal_words(v, n);
		return ERR_REFUSED;
	}
	f = (struct workload_file){m.envelope, m.hash, manifest, m.signing_key, m.nonce};
	return encode_file(&f, file);
}
