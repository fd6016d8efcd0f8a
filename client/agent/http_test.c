/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum err parse(const char *text, struct http_head *h, size_t *used)
{
	struct note n = {0};
	enum err err = http_head_parse(slice_text(text), "broch-session", h, used, &n);

	if (err != OK && err != ERR_AGAIN)
		assert_true(n.text[0] != 0);
	return err;
}

static void heads_are_read(void **state)
{
	struct http_head h;
	size_t used;

	(void)state;
	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nrest", &h, &used), OK);
	assert_int_equal(h.status, 200);
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_int_equal(h.length, 12);
	assert_false(h.close || h.upgrade);
	assert_int_equal(used, 39);
	assert_int_equal(parse("HTTP/1.1 200\nCONTENT-LENGTH:\t7 \n\n", &h, &used), OK);
	assert_int_equal(h.length, 7);
	assert_int_equal(parse("HTTP/1.0 200 x\r\nContent-Length: 0\r\n\r\n", &h, &used), OK);
	assert_true(h.close);
	assert_int_equal(parse("HTTP/1.1 204 x\r\n\r\n", &h, &used), OK);
	assert_int_equal(h.length, 0);
	assert_int_equal(parse("HTTP/1.1 200 x\r\nTransfer-Encoding: Chunked\r\nConnection: a, Close\r\n\r\n", &h, &used), OK);
	assert_int_equal(h.framing, HTTP_CHUNKED);
	assert_true(h.close);
	assert_int_equal(parse("HTTP/1.1 200 x\r\n\r\n", &h, &used), OK);
	assert_int_equal(h.framing, HTTP_UNTIL_CLOSE);
	assert_true(h.close);
	assert_int_equal(parse("HTTP/1.1 101 x\r\nUpgrade: broch-session\r\nConnection: Upgrade\r\n\r\n\1\2", &h, &used), OK);
	assert_true(h.upgrade);
}

static void every_beginning_of_a_head_waits_for_more(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y\r\n\r\n";
	struct http_head h;
	size_t used;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof text; i++)
		assert_int_equal(http_head_parse(slice_of(text, i), NULL, &h, &used, NULL), ERR_AGAIN);
	assert_int_equal(http_head_parse(slice_of(text, sizeof text - 1), NULL, &h, &used, NULL), OK);
}

static void wrong_heads_are_refused(void **state)
{
	static const char *const wrong[] = {
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"http/1.1 200 OK\r\n\r\n",
		"\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: nothing\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 101 x\r\n\r\n",
		"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
	};
	struct http_head h;
	size_t used;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
		if (parse(wrong[i], &h, &used) != ERR_HOST)
			fail_msg("taken: %s", wrong[i]);
}

static void a_head_has_a_maximum(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct http_head h;
	size_t used;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
	assert_int_equal(http_head_parse(slice_of(text, HTTP_HEAD_MAX - 1), NULL, &h, &used, NULL), ERR_AGAIN);
	assert_int_equal(http_head_parse(slice_of(text, sizeof text), NULL, &h, &used, NULL), ERR_HOST);
}

/* The body as it comes out when the input comes in pieces of `step` bytes. */
static enum err collect(const char *head, const char *body, size_t step, char *out, size_t *out_size)
{
	struct http_head h;
	struct http_body b;
	size_t used, at = 0, size = strlen(body);

	assert_int_equal(parse(head, &h, &used), OK);
	http_body_begin(&b, &h);
	*out_size = 0;
	while (!b.done && at < size) {
		size_t end = at + step < size ? at + step : size;

		while (at < end && !b.done) {
			struct slice content;

			TRY(http_body_feed(&b, slice_of(body + at, end - at), &content, &used, NULL));
			if (content.size > 0) /* else there may be no data to point at */
				memcpy(out + *out_size, content.data, content.size);
			*out_size += content.size;
			at += used;
		}
	}
	return b.done ? OK : http_body_end(&b, NULL);
}

static void bodies_come_in_any_pieces(void **state)
{
	static const struct {
		const char *head, *body;
	} cases[] = {
		{"HTTP/1.1 200 x\r\nContent-Length: 11\r\n\r\n", "hello worldNEXT"},
		{"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n06;a=b\r\n world\r\n0\r\n\r\nNEXT"},
		{"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", "B\nhello world\n0\n\nNEXT"},
		{"HTTP/1.1 200 x\r\n\r\n", "hello world"},
	};
	char out[64];
	size_t size;

	(void)state;
	for (size_t c = 0; c < ARRAY_COUNT(cases); c++)
		for (size_t step = 1; step < 40; step++) {
			assert_int_equal(collect(cases[c].head, cases[c].body, step, out, &size), OK);
			assert_int_equal(size, 11);
			assert_memory_equal(out, "hello world", 11);
		}
}

static void wrong_bodies_are_refused(void **state)
{
	static const char chunked[] = "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char *const wrong[] = {"x\r\n", "\r\n", ";\r\n", "5\r\nhelloX\r\n", "5\r\nhello\r\r\n", "0\r\nX: y\r\n\r\n",
					    "10000000000000000\r\n", "-1\r\n", "5x\r\nhello"};
	char out[64];
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
		if (collect(chunked, wrong[i], 100, out, &size) != ERR_HOST)
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(collect(chunked, "5\r\nhel", 100, out, &size), ERR_CLOSED);
	assert_int_equal(collect("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", "hell", 100, out, &size), ERR_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_read),
		cmocka_unit_test(every_beginning_of_a_head_waits_for_more),
		cmocka_unit_test(wrong_heads_are_refused),
		cmocka_unit_test(a_head_has_a_maximum),
		cmocka_unit_test(bodies_come_in_any_pieces),
		cmocka_unit_test(wrong_bodies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
