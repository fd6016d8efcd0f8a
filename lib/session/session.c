/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends run the same machine over the same table. A message moves an end when it seals it or when it has opened it;
 * the type alone says who may send it. As the two directions are independent, a message may be under way to an end that
 * has just left the state it was sent in: rows marked LATE take such a message on receipt, and nobody may send it there.
 */
#include "lib/session/session.h"

#include "lib/base/ct.h"
#include "lib/cbor/cbor.h"
#include "lib/session/messages.h"
#include "lib/session/noise.h"

#include <assert.h>

static const char prologue[] = "broch-session/1";

enum { SIZE_FIELD = 2, RECORD_LEAST = 1 + NOISE_TAG_SIZE };

enum state {
	DEAD,       /* keys are gone */
	SHAKING,    /* Noise messages */
	FRESH,      /* encrypted; the client asks for evidence */
	CHALLENGED, /* the Keep proves itself */
	PROVEN,     /* the client judges */
	ACCEPTED,   /* the client delivers, or resumes */
	DELIVERING, /* the manifest comes */
	FILLING,    /* the blobs come */
	STARTING,   /* the Keep takes over */
	RESUMING,   /* the Keep checks the proof */
	RUNNING,
	ENDED,    /* EXIT went over the wire */
	DETACHED, /* the client has left */
	REFUSED,  /* not OK */
	FAILED,   /* ERROR went over the wire */
	STATE_COUNT
};

static const char *const state_names[STATE_COUNT] = {
	[DEAD] = "after the session failed",
	[SHAKING] = "during the handshake",
	[FRESH] = "before the challenge",
	[CHALLENGED] = "before the evidence",
	[PROVEN] = "before the verdict",
	[ACCEPTED] = "before the delivery",
	[DELIVERING] = "within the manifest",
	[FILLING] = "within the blobs",
	[STARTING] = "before the Keep was ready",
	[RESUMING] = "before the Keep resumed",
	[RUNNING] = "while the workload runs",
	[ENDED] = "after the workload's end",
	[DETACHED] = "after detaching",
	[REFUSED] = "after the evidence was refused",
	[FAILED] = "after the delivery failed",
};

enum { LATE = 0x80 };

/* The protocol: state x message -> next state. What is not here (DEAD is 0) is refused. */
static const uint8_t table[STATE_COUNT][SESSION_TYPE_LIMIT] = {
	[FRESH] = {[SESSION_CHALLENGE] = CHALLENGED},
	[CHALLENGED] = {[SESSION_EVIDENCE] = PROVEN, [SESSION_ERROR] = FAILED},
	[PROVEN] = {[SESSION_VERDICT] = ACCEPTED}, /* REFUSED when it says so, see after() */
	[ACCEPTED] = {[SESSION_MANIFEST] = DELIVERING, [SESSION_RESUME] = RESUMING, [SESSION_ERROR] = FAILED},
	[DELIVERING] = {[SESSION_MANIFEST] = DELIVERING,
			[SESSION_CHUNK] = FILLING,
			[SESSION_START] = STARTING,
			[SESSION_ERROR] = FAILED},
	[FILLING] = {[SESSION_CHUNK] = FILLING, [SESSION_START] = STARTING, [SESSION_ERROR] = FAILED},
	[STARTING] = {[SESSION_READY] = RUNNING,
		      [SESSION_ASK_EVIDENCE] = STARTING,
		      [SESSION_STOP] = STARTING,
		      [SESSION_ERROR] = FAILED},
	[RESUMING] = {[SESSION_READY] = RUNNING, [SESSION_ERROR] = FAILED},
	[RUNNING] = {[SESSION_ASK_EVIDENCE] = RUNNING,
		     [SESSION_WORKLOAD_EVIDENCE] = RUNNING,
		     [SESSION_STDOUT] = RUNNING,
		     [SESSION_STDERR] = RUNNING,
		     [SESSION_STDIN_PULL] = RUNNING,
		     [SESSION_STDIN] = RUNNING,
		     [SESSION_ATTACH] = RUNNING,
		     [SESSION_STOP] = RUNNING,
		     [SESSION_DETACH] = DETACHED,
		     [SESSION_EXIT] = ENDED,
		     [SESSION_ERROR] = FAILED},
	[ENDED] = {[SESSION_ASK_EVIDENCE] = ENDED | LATE,
		   [SESSION_STDIN] = ENDED | LATE,
		   [SESSION_ATTACH] = ENDED | LATE,
		   [SESSION_STOP] = ENDED | LATE,
		   [SESSION_DETACH] = ENDED | LATE},
	[DETACHED] = {[SESSION_WORKLOAD_EVIDENCE] = DETACHED | LATE,
		      [SESSION_STDOUT] = DETACHED | LATE,
		      [SESSION_STDERR] = DETACHED | LATE,
		      [SESSION_STDIN_PULL] = DETACHED | LATE,
		      [SESSION_EXIT] = DETACHED | LATE,
		      [SESSION_ERROR] = DETACHED | LATE},
	[FAILED] = {[SESSION_MANIFEST] = FAILED | LATE,
		    [SESSION_CHUNK] = FAILED | LATE,
		    [SESSION_START] = FAILED | LATE,
		    [SESSION_RESUME] = FAILED | LATE,
		    [SESSION_ASK_EVIDENCE] = FAILED | LATE,
		    [SESSION_STDIN] = FAILED | LATE,
		    [SESSION_ATTACH] = FAILED | LATE,
		    [SESSION_STOP] = FAILED | LATE,
		    [SESSION_DETACH] = FAILED | LATE},
};

enum { CONTROL_MAX = 1024 };

static const struct type_info {
	const char *name;
	enum session_role sender;
	size_t body_max;
} types[SESSION_TYPE_LIMIT] = {
	[SESSION_CHALLENGE] = {"CHALLENGE", SESSION_CLIENT, CONTROL_MAX},
	[SESSION_EVIDENCE] = {"EVIDENCE", SESSION_KEEP, SESSION_BODY_MAX},
	[SESSION_VERDICT] = {"VERDICT", SESSION_CLIENT, CONTROL_MAX},
	[SESSION_MANIFEST] = {"MANIFEST", SESSION_CLIENT, SESSION_BODY_MAX},
	[SESSION_CHUNK] = {"CHUNK", SESSION_CLIENT, SESSION_BODY_MAX},
	[SESSION_START] = {"START", SESSION_CLIENT, CONTROL_MAX},
	[SESSION_RESUME] = {"RESUME", SESSION_CLIENT, CONTROL_MAX},
	[SESSION_READY] = {"READY", SESSION_KEEP, CONTROL_MAX},
	[SESSION_WORKLOAD_EVIDENCE] = {"WORKLOAD_EVIDENCE", SESSION_KEEP, SESSION_BODY_MAX},
	[SESSION_ASK_EVIDENCE] = {"ASK_EVIDENCE", SESSION_CLIENT, CONTROL_MAX},
	[SESSION_STDOUT] = {"STDOUT", SESSION_KEEP, SESSION_BODY_MAX},
	[SESSION_STDERR] = {"STDERR", SESSION_KEEP, SESSION_BODY_MAX},
	[SESSION_STDIN_PULL] = {"STDIN_PULL", SESSION_KEEP, CONTROL_MAX},
	[SESSION_STDIN] = {"STDIN", SESSION_CLIENT, SESSION_BODY_MAX},
	[SESSION_DETACH] = {"DETACH", SESSION_CLIENT, 0},
	[SESSION_STOP] = {"STOP", SESSION_CLIENT, 0},
	[SESSION_EXIT] = {"EXIT", SESSION_KEEP, CONTROL_MAX},
	[SESSION_ERROR] = {"ERROR", SESSION_KEEP, CONTROL_MAX},
	[SESSION_ATTACH] = {"ATTACH", SESSION_CLIENT, CONTROL_MAX},
};

struct session {
	enum session_role role;
	enum state state;
	enum err death;    /* what every call returns once DEAD */
	bool first_done;   /* Noise: the first message was sent, or received */
	bool popped;       /* the record was handed out: the next push starts a new one */
	size_t filled;     /* bytes of the record that are here */
	struct noise noise;
	struct noise_cipher send, receive;
	struct note reason;
	uint8_t record[SESSION_RECORD_MAX];
};

size_t session_size(void)
{
	return sizeof(struct session);
}

void session_wipe(struct session *s)
{
	wipe(s, sizeof *s);
	s->death = ERR_CLOSED;
}

/* The only way to die. The reason is set by the caller or before; the hash stays readable, it is no secret. */
static enum err die(struct session *s, enum err err, const char *reason)
{
	note_set(&s->reason, "%s", reason);
	wipe(&s->send, sizeof s->send);
	wipe(&s->receive, sizeof s->receive);
	wipe(s->noise.chain, sizeof s->noise.chain);
	wipe(s->noise.secret, sizeof s->noise.secret);
	wipe(s->record, sizeof s->record);
	s->filled = 0;
	s->state = DEAD;
	s->death = err;
	return err;
}

enum err session_init(struct session *s, enum session_role role, session_random *random)
{
	uint8_t ephemeral[NOISE_KEY_SIZE];
	enum err err;

	s->role = role;
	s->state = SHAKING;
	s->death = OK;
	s->first_done = s->popped = false;
	s->filled = 0;
	s->reason.text[0] = 0;
	err = random(ephemeral, sizeof ephemeral);
	if (err != OK)
		return die(s, err, "no random numbers for the session key");
	noise_init(&s->noise, role == SESSION_CLIENT, slice_of(prologue, sizeof prologue - 1), ephemeral);
	wipe(ephemeral, sizeof ephemeral);
	return OK;
}

bool session_established(const struct session *s)
{
	return s->state > SHAKING;
}

const uint8_t *session_hash(const struct session *s)
{
	return s->noise.hash;
}

const char *session_reason(const struct session *s)
{
	return s->reason.text;
}

/* ---- handshake ---- */

static void establish(struct session *s)
{
	noise_split(&s->noise, &s->send, &s->receive);
	s->state = FRESH;
}

/* The client speaks first, the Keep once it has heard. */
static bool has_handshake_to_send(const struct session *s)
{
	return s->state == SHAKING && (s->role == SESSION_CLIENT) != s->first_done;
}

enum err session_handshake_out(struct session *s, uint8_t *out, size_t capacity, size_t *size)
{
	enum err err;

	*size = 0;
	if (s->state == DEAD)
		return s->death;
	if (!has_handshake_to_send(s))
		return OK;
	if (capacity < SIZE_FIELD + NOISE_SECOND_SIZE)
		return die(s, ERR_SPACE, "no room for the handshake");
	if (s->role == SESSION_CLIENT) {
		noise_write_first(&s->noise, slice_of(NULL, 0), out + SIZE_FIELD, size);
		s->first_done = true;
	} else {
		err = noise_write_second(&s->noise, slice_of(NULL, 0), out + SIZE_FIELD, size);
		if (err != OK)
			return die(s, err, "handshake: the client's key is unusable");
		establish(s);
	}
	out[0] = 0;
	out[1] = (uint8_t)*size;
	*size += SIZE_FIELD;
	return OK;
}

/* The size was checked when the size field came in. */
static enum err take_handshake(struct session *s, uint8_t *message, size_t size)
{
	struct slice payload;
	enum err err;

	if (s->role == SESSION_CLIENT)
		err = noise_read_second(&s->noise, message, size, &payload);
	else
		err = noise_read_first(&s->noise, message, size, &payload);
	if (err != OK)
		return die(s, err, "handshake: the answer does not fit the keys: somebody changed it, or it is not a Keep");
	if (s->role == SESSION_CLIENT)
		establish(s);
	else
		s->first_done = true;
	return ERR_AGAIN;
}

/* ---- records ---- */

static size_t size_field(const struct session *s)
{
	return (size_t)s->record[0] << 8 | s->record[1];
}

/* Can a record of this size come now? Asked as soon as the size is here, so that nobody waits for 64 KiB of nonsense. */
static bool size_fits(const struct session *s, size_t size)
{
	if (s->state != SHAKING)
		return size >= RECORD_LEAST;
	if (has_handshake_to_send(s))
		return false; /* it is our turn */
	return size == (s->role == SESSION_CLIENT ? NOISE_SECOND_SIZE : NOISE_FIRST_SIZE);
}

static size_t fill(struct session *s, struct slice in, size_t upto)
{
	size_t n = upto - s->filled < in.size ? upto - s->filled : in.size;

	if (n > 0)
		memcpy(s->record + s->filled, in.data, n);
	s->filled += n;
	return n;
}

enum err session_push(struct session *s, struct slice in, size_t *used)
{
	*used = 0;
	if (s->state == DEAD)
		return s->death;
	if (in.size == 0)
		return OK;
	if (s->popped) {
		s->popped = false;
		s->filled = 0;
	}
	if (s->filled < SIZE_FIELD) {
		*used = fill(s, in, SIZE_FIELD);
		if (s->filled < SIZE_FIELD)
			return OK;
		if (!size_fits(s, size_field(s)))
			return die(s, ERR_FORMAT, "a record of impossible size: the bytes are not from the other end");
	}
	*used += fill(s, slice_of(in.data + *used, in.size - *used), SIZE_FIELD + size_field(s));
	return OK;
}

/* Only a verdict of OK leads on. */
static enum err after(const struct session *s, enum session_type type, struct slice a, struct slice b, enum state *next)
{
	struct msg_verdict verdict;

	*next = table[s->state][type] & ~LATE;
	if (type != SESSION_VERDICT)
		return OK;
	if (b.size > 0)
		return ERR_FORMAT;
	TRY(msg_verdict_decode(a, &verdict));
	if (!verdict.ok)
		*next = REFUSED;
	return OK;
}

/* Is this message allowed here, from this sender? */
static enum err judge(const struct session *s, unsigned type, enum session_role sender, size_t size, struct note *n)
{
	if (type == 0 || type >= SESSION_TYPE_LIMIT)
		return refuse(n, ERR_STATE, "unknown message %u", type);
	if (types[type].sender != sender)
		return refuse(n, ERR_STATE, "%s is not for this end to send", types[type].name);
	if (table[s->state][type] == DEAD || (sender == s->role && (table[s->state][type] & LATE) != 0))
		return refuse(n, ERR_STATE, "%s is not allowed %s", types[type].name, state_names[s->state]);
	if (size > types[type].body_max)
		return refuse(n, ERR_LIMIT, "%s has %llu bytes, at most %llu are allowed", types[type].name,
			      (unsigned long long)size, (unsigned long long)types[type].body_max);
	return OK;
}

static enum err open_record(struct session *s, uint8_t *message, size_t size, enum session_type *type,
			    struct slice *body)
{
	size_t plain = size - NOISE_TAG_SIZE;
	enum state next;
	enum err err;

	err = noise_open(&s->receive, slice_of(NULL, 0), message, plain, message + plain);
	if (err != OK)
		return die(s, err, "a record is not what the other end sent: changed, repeated, lost or out of order");
	*body = slice_of(message + 1, plain - 1);
	err = judge(s, message[0], s->role == SESSION_CLIENT ? SESSION_KEEP : SESSION_CLIENT, body->size, &s->reason);
	if (err != OK)
		return die(s, err, "");
	*type = message[0];
	err = after(s, *type, *body, slice_of(NULL, 0), &next);
	if (err != OK)
		return die(s, err, "the verdict is malformed");
	s->state = next;
	return OK;
}

enum err session_pop(struct session *s, enum session_type *type, struct slice *body)
{
	if (s->state == DEAD)
		return s->death;
	if (s->popped || s->filled < SIZE_FIELD || s->filled < SIZE_FIELD + size_field(s))
		return ERR_AGAIN;
	s->popped = true;
	if (s->state == SHAKING)
		return take_handshake(s, s->record + SIZE_FIELD, size_field(s));
	return open_record(s, s->record + SIZE_FIELD, size_field(s), type, body);
}

static void append(uint8_t *out, size_t at, struct slice s)
{
	if (s.size > 0)
		memmove(out + at, s.data, s.size);
}

/* All checks of a message to be sent; nothing has changed yet. */
static enum err may_seal(struct session *s, enum session_type type, struct slice a, struct slice b, size_t capacity,
			 enum state *next)
{
	size_t body;

	if (add_overflows(a.size, b.size, &body) || body > SESSION_BODY_MAX)
		return refuse(&s->reason, ERR_LIMIT, "a message does not fit into a record");
	TRY(judge(s, type, s->role, body, &s->reason));
	if (capacity < SIZE_FIELD + 1 + body + NOISE_TAG_SIZE)
		return refuse(&s->reason, ERR_SPACE, "no room for a record");
	return after(s, type, a, b, next);
}

enum err session_seal(struct session *s, enum session_type type, struct slice a, struct slice b, uint8_t *out,
		      size_t capacity, size_t *size)
{
	uint8_t *message = out + SIZE_FIELD;
	size_t plain = 1 + a.size + b.size, record = plain + NOISE_TAG_SIZE;
	enum state next = DEAD;
	enum err err;

	*size = 0;
	if (s->state == DEAD)
		return s->death;
	err = may_seal(s, type, a, b, capacity, &next);
	if (err != OK)
		return die(s, err, "a message of ours is malformed");
	append(message, 1, a);
	append(message, 1 + a.size, b);
	message[0] = (uint8_t)type;
	err = noise_seal(&s->send, slice_of(NULL, 0), message, plain, message + plain);
	if (err != OK)
		return die(s, err, "this session has sent all it may");
	out[0] = (uint8_t)(record >> 8);
	out[1] = (uint8_t)record;
	*size = SIZE_FIELD + record;
	s->state = next;
	return OK;
}

enum err session_end(struct session *s)
{
	if (s->state == DEAD)
		return s->death;
	if (s->state >= ENDED && (s->popped || s->filled == 0))
		return OK;
	note_set(&s->reason, "the connection ended %s", state_names[s->state]);
	return die(s, ERR_CLOSED, "");
}

/* ---- what evidence contains ---- */

/* ("label", ...): the parts are short, so a fixed buffer holds them. */
static void digest_parts(const char *label, const char *role, const struct slice *parts, size_t count, uint8_t out[64])
{
	uint8_t buffer[512];
	struct writer w = wr_of(buffer, sizeof buffer);
	br_sha512_context c;

	CHECK(cbor_put_array(&w, count + (role != NULL ? 2 : 1)) == OK);
	CHECK(cbor_put_text(&w, slice_text(label)) == OK);
	CHECK(role == NULL || cbor_put_text(&w, slice_text(role)) == OK);
	for (size_t i = 0; i < count; i++)
		CHECK(cbor_put_bytes(&w, parts[i]) == OK);
	br_sha512_init(&c);
	br_sha512_update(&c, buffer, wr_used(&w));
	br_sha512_out(&c, out);
}

void session_report_data(const uint8_t hash[static SESSION_HASH_SIZE], const uint8_t nonce[static SESSION_NONCE_SIZE],
			 uint8_t out[static 64])
{
	const struct slice parts[] = {slice_of(hash, SESSION_HASH_SIZE), slice_of(nonce, SESSION_NONCE_SIZE)};

	digest_parts("broch-evidence/1", "keep", parts, ARRAY_COUNT(parts), out);
}

void session_workload_report_data(const uint8_t hash[static SESSION_HASH_SIZE], const uint8_t manifest[static 32],
				  struct slice signing_key, struct slice nonce, uint8_t out[static 64])
{
	const struct slice parts[] = {slice_of(hash, SESSION_HASH_SIZE), slice_of(manifest, 32), signing_key, nonce};

	CHECK(signing_key.size <= 128 && nonce.size <= 64);
	digest_parts("broch-workload/1", NULL, parts, ARRAY_COUNT(parts), out);
}
