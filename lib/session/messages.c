/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body is a CBOR map with the keys 1, 2, 3... in order and nothing else. Each message is a table of its fields, which
 * one encoder and one decoder walk, so that the two cannot drift apart.
 */
#include "lib/session/messages.h"

#include "lib/cbor/cbor.h"

#include <assert.h>

enum kind { FIXED, BYTES, TEXT, U64, U32, BOOL };

struct field {
	enum kind kind;
	size_t offset;
	uint64_t least, most; /* size of strings, value of numbers; FIXED: most is the size */
};

static_assert(sizeof(enum workload_end) == sizeof(uint32_t), "msg_exit.end is read as a u32");

enum { REASON_MAX = 512, EVIDENCE_MAX = 48 * 1024, KEY_MAX = 65 };

#define AT(message, member) offsetof(struct msg_##message, member)
static const struct field challenge_fields[] = {{FIXED, AT(challenge, nonce), 0, SESSION_NONCE_SIZE}};
static const struct field verdict_fields[] = {{BOOL, AT(verdict, ok), 0, 0}, {TEXT, AT(verdict, reason), 0, REASON_MAX}};
static const struct field start_fields[] = {{U64, AT(start, wall_ns), 0, INT64_MAX}};
static const struct field resume_fields[] = {{FIXED, AT(resume, proof), 0, 32}};
static const struct field ready_fields[] = {
	{FIXED, AT(ready, secret), 0, SESSION_SECRET_SIZE},
	{BOOL, AT(ready, resumed), 0, 0},
	{BOOL, AT(ready, running), 0, 0},
};
static const struct field ask_evidence_fields[] = {{BYTES, AT(ask_evidence, nonce), 0, 64}};
static const struct field workload_evidence_fields[] = {
	{BYTES, AT(workload_evidence, envelope), 1, EVIDENCE_MAX},
	{BYTES, AT(workload_evidence, signing_key), KEY_MAX, KEY_MAX},
	{BYTES, AT(workload_evidence, manifest), 0, SESSION_BODY_MAX},
	{BYTES, AT(workload_evidence, hash), SESSION_HASH_SIZE, SESSION_HASH_SIZE},
	{BYTES, AT(workload_evidence, nonce), 0, 64},
};
static const struct field stdin_pull_fields[] = {{U64, AT(stdin_pull, size), 1, UINT32_MAX}};
static const struct field exit_fields[] = {
	{U32, AT(exit, end), 0, WORKLOAD_REFUSED},
	{U32, AT(exit, code), 0, UINT32_MAX},
	{TEXT, AT(exit, message), 0, REASON_MAX},
	{U64, AT(exit, load_ns), 0, UINT64_MAX},
	{U64, AT(exit, run_ns), 0, UINT64_MAX},
};
static const struct field error_fields[] = {{TEXT, AT(error, message), 0, REASON_MAX}};
static const struct field attach_fields[] = {{BOOL, AT(attach, follow), 0, 0}, {BOOL, AT(attach, from_start), 0, 0}};

static enum err put(struct writer *w, const struct field *f, const void *message)
{
	const uint8_t *at = (const uint8_t *)message + f->offset;
	struct slice s = slice_of(at, (size_t)f->most);
	uint64_t v = 0;
	uint32_t v32;
	bool b;

	switch (f->kind) {
	case FIXED: return cbor_put_bytes(w, s);
	case BYTES:
	case TEXT:
		memcpy(&s, at, sizeof s);
		if (s.size < f->least || s.size > f->most || (f->kind == TEXT && !utf8_valid(s)))
			return ERR_RANGE;
		return f->kind == TEXT ? cbor_put_text(w, s) : cbor_put_bytes(w, s);
	case BOOL: memcpy(&b, at, sizeof b); return cbor_put_bool(w, b);
	case U32:
		memcpy(&v32, at, sizeof v32);
		v = v32;
		break;
	case U64: memcpy(&v, at, sizeof v); break;
	}
	return v < f->least || v > f->most ? ERR_RANGE : cbor_put_uint(w, v);
}

static enum err get_number(struct reader *r, const struct field *f, uint8_t *at)
{
	uint64_t v;
	uint32_t v32;

	TRY(cbor_uint(r, &v));
	if (v < f->least || v > f->most)
		return ERR_RANGE;
	v32 = (uint32_t)v;
	if (f->kind == U32)
		memcpy(at, &v32, sizeof v32);
	else
		memcpy(at, &v, sizeof v);
	return OK;
}

static enum err get(struct reader *r, const struct field *f, void *message)
{
	uint8_t *at = (uint8_t *)message + f->offset;
	struct slice s;
	bool b;

	switch (f->kind) {
	case FIXED:
		TRY(cbor_bytes(r, &s));
		if (s.size != f->most)
			return ERR_RANGE;
		memcpy(at, s.data, s.size);
		return OK;
	case BYTES:
	case TEXT:
		TRY(f->kind == TEXT ? cbor_text(r, &s) : cbor_bytes(r, &s));
		if (s.size < f->least || s.size > f->most)
			return ERR_RANGE;
		memcpy(at, &s, sizeof s);
		return OK;
	case BOOL:
		TRY(cbor_bool(r, &b));
		memcpy(at, &b, sizeof b);
		return OK;
	case U32:
	case U64: return get_number(r, f, at);
	}
	return ERR_INVALID;
}

static enum err encode(const struct field *fields, size_t count, const void *message, void *out, size_t capacity,
		       size_t *size)
{
	struct writer w = wr_of(out, capacity);

	TRY(cbor_put_map(&w, count));
	for (size_t i = 0; i < count; i++) {
		TRY(cbor_put_uint(&w, i + 1));
		TRY(put(&w, &fields[i], message));
	}
	*size = wr_used(&w);
	return OK;
}

static enum err decode(const struct field *fields, size_t count, struct slice body, void *message)
{
	struct reader r = rd_of(body);
	struct cbor_map m;
	uint64_t key;

	TRY(cbor_map(&r, &m));
	for (size_t i = 0; i < count; i++) {
		if (m.left == 0)
			return ERR_TRUNCATED;
		TRY(cbor_key_uint(&r, &m, &key));
		if (key != i + 1)
			return ERR_FORMAT;
		TRY(get(&r, &fields[i], message));
	}
	return m.left > 0 ? ERR_TRAILING : rd_end(&r);
}

#define M(name)                                                                                                        \
	enum err msg_##name##_encode(const struct msg_##name *m, void *out, size_t capacity, size_t *size)             \
	{                                                                                                              \
		return encode(name##_fields, ARRAY_COUNT(name##_fields), m, out, capacity, size);                      \
	}                                                                                                              \
	enum err msg_##name##_decode(struct slice body, struct msg_##name *out)                                        \
	{                                                                                                              \
		return decode(name##_fields, ARRAY_COUNT(name##_fields), body, out);                                   \
	}
SESSION_MESSAGES(M)
#undef M
