/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/messages.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* Each message: a sample, and its codec behind one signature, so that one test body serves all. */
static const uint8_t key[65] = {4}, hash[64] = {9};
static const struct msg_challenge challenge = {{1, 2, 3}};
static const struct msg_verdict verdict = {true, {(const uint8_t *)"fine", 4}};
static const struct msg_start start = {UINT64_C(1700000000000000000)};
static const struct msg_resume resume = {{7}};
static const struct msg_ready ready = {{5}, false, true};
static const struct msg_ask_evidence ask_evidence = {{key, 64}};
static const struct msg_workload_evidence workload_evidence = {
	{key, 3}, {key, 65}, {key, 0}, {hash, 64}, {key, 0}};
static const struct msg_stdin_pull stdin_pull = {65000};
static const struct msg_exit exit_message = {WORKLOAD_TRAPPED, 134, {(const uint8_t *)"unreachable", 11}, 3, UINT64_MAX};
static const struct msg_error error = {{(const uint8_t *)"no", 2}};
static const struct msg_attach attach = {true, false};

#define CODEC(name)                                                                                                    \
	static enum err name##_enc(const void *m, void *out, size_t capacity, size_t *size)                            \
	{                                                                                                              \
		return msg_##name##_encode(m, out, capacity, size);                                                    \
	}                                                                                                              \
	static enum err name##_dec(struct slice body, void *out)                                                       \
	{                                                                                                              \
		return msg_##name##_decode(body, out);                                                                 \
	}
#define M(name) CODEC(name)
SESSION_MESSAGES(M)
#undef M

static const struct codec {
	const char *name;
	const void *sample;
	size_t size;
	enum err (*encode)(const void *m, void *out, size_t capacity, size_t *size);
	enum err (*decode)(struct slice body, void *out);
} codecs[] = {
	{"challenge", &challenge, sizeof challenge, challenge_enc, challenge_dec},
	{"verdict", &verdict, sizeof verdict, verdict_enc, verdict_dec},
	{"start", &start, sizeof start, start_enc, start_dec},
	{"resume", &resume, sizeof resume, resume_enc, resume_dec},
	{"ready", &ready, sizeof ready, ready_enc, ready_dec},
	{"ask_evidence", &ask_evidence, sizeof ask_evidence, ask_evidence_enc, ask_evidence_dec},
	{"workload_evidence", &workload_evidence, sizeof workload_evidence, workload_evidence_enc,
	 workload_evidence_dec},
	{"stdin_pull", &stdin_pull, sizeof stdin_pull, stdin_pull_enc, stdin_pull_dec},
	{"exit", &exit_message, sizeof exit_message, exit_enc, exit_dec},
	{"error", &error, sizeof error, error_enc, error_dec},
	{"attach", &attach, sizeof attach, attach_enc, attach_dec},
};
#define M(name) +1
static_assert(ARRAY_COUNT(codecs) == 0 SESSION_MESSAGES(M), "every message is tested");
#undef M

static uint64_t back[64]; /* aligned for every message */

static void all_come_back_and_only_whole(void **state)
{
	uint8_t out[512], again[512];
	size_t size, size2;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(codecs); i++) {
		const struct codec *c = &codecs[i];

		assert_int_equal(c->encode(c->sample, out, sizeof out - 1, &size), OK);
		assert_int_equal(c->decode(slice_of(out, size), back), OK);
		assert_int_equal(c->encode(back, again, sizeof again, &size2), OK);
		assert_int_equal(size2, size);
		assert_memory_equal(out, again, size);
		for (size_t cut = 0; cut < size; cut++) {
			assert_int_not_equal(c->decode(slice_of(out, cut), back), OK);
			assert_int_equal(c->encode(c->sample, again, cut, &size2), ERR_SPACE);
		}
		out[size] = 0;
		assert_int_equal(c->decode(slice_of(out, size + 1), back), ERR_TRAILING);
	}
}

/* A body with any bit flipped is refused, or is the one encoding of another message. */
static void mutations_stay_canonical(void **state)
{
	uint8_t out[512], bad[512], again[512];
	size_t size, size2;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(codecs); i++) {
		const struct codec *c = &codecs[i];

		assert_int_equal(c->encode(c->sample, out, sizeof out, &size), OK);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			memcpy(bad, out, size);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (c->decode(slice_of(bad, size), back) != OK)
				continue;
			assert_int_equal(c->encode(back, again, sizeof again, &size2), OK);
			assert_int_equal(size2, size);
			assert_memory_equal(bad, again, size);
		}
	}
}

static void ranges_hold(void **state)
{
	static const uint8_t long_text[600];
	struct msg_exit e = exit_message;
	struct msg_error m = {slice_of(long_text, 513)};
	struct msg_workload_evidence w = workload_evidence;
	struct msg_stdin_pull pull = {0};
	uint8_t out[1024];
	size_t size;

	(void)state;
	e.end = WORKLOAD_REFUSED + 1;
	assert_int_equal(msg_exit_encode(&e, out, sizeof out, &size), ERR_RANGE);
	assert_int_equal(msg_error_encode(&m, out, sizeof out, &size), ERR_RANGE);
	m.message = slice_of("\xff", 1);
	assert_int_equal(msg_error_encode(&m, out, sizeof out, &size), ERR_RANGE);
	w.signing_key.size = 64;
	assert_int_equal(msg_workload_evidence_encode(&w, out, sizeof out, &size), ERR_RANGE);
	assert_int_equal(msg_stdin_pull_encode(&pull, out, sizeof out, &size), ERR_RANGE);
	assert_int_equal(msg_exit_decode(slice_of("\xa5\1\5\2\0\3\x60\4\0\5\0", 11), &e), ERR_RANGE);
	assert_int_equal(msg_exit_decode(slice_of("\xa5\1\4\2\0\3\x60\4\0\5\0", 11), &e), OK);
	assert_int_equal(msg_exit_decode(slice_of("\xa5\1\4\3\0\4\x60\5\0\6\0", 11), &e), ERR_FORMAT);
	assert_int_equal(msg_exit_decode(slice_of("\xa6\1\4\2\0\3\x60\4\0\5\0\6\0", 13), &e), ERR_TRAILING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_back_and_only_whole),
		cmocka_unit_test(mutations_stay_canonical),
		cmocka_unit_test(ranges_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
