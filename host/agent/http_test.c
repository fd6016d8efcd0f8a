/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/http.h"
#include "host/agent/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char good[] = "POST /v1/keeps HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

static void head_is_whole_or_not(void **state)
{
	size_t size = sizeof good - 1 - 2;

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(http_head_size(slice_of(good, cut)), 0);
	for (size_t cut = size; cut < sizeof good; cut++)
		assert_int_equal(http_head_size(slice_of(good, cut)), size);
}

static unsigned status_of(const char *text)
{
	struct http_request r;
	struct fault f = {0};

	if (http_parse(slice_text(text), &r, &f) == OK)
		return 0;
	assert_true(f.error[0] != 0);
	return f.status;
}

static void request_is_read(void **state)
{
	struct http_request r;
	struct fault f = {0};

	(void)state;
	assert_int_equal(
	        http_parse(
	                slice_text(
	                        "POST /a?b HTTP/1.1\r\nhOST: x\r\nContent-Length: 65536\r\nConnection: foo , CLOSE\r\n"
	                        "Authorization:  Bearer t \r\n\r\n"),
	                &r, &f),
	        OK);
	assert_int_equal(r.method, HTTP_POST);
	assert_true(slice_is(r.target, "/a?b"));
	assert_int_equal(r.body_size, 65536);
	assert_true(slice_is(r.authorization, "Bearer t"));
	assert_true(r.close);
	assert_int_equal(r.upgrade.size, 0);
}

static void upgrade_wants_both_headers(void **state)
{
	struct http_request r;
	struct fault f = {0};

	(void)state;
	assert_int_equal(http_parse(slice_text("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: broch-session\r\n\r\n"), &r, &f),
	                 OK);
	assert_int_equal(r.upgrade.size, 0);
	assert_int_equal(
	        http_parse(
	                slice_text(
	                        "GET / HTTP/1.1\r\nUpgrade: broch-session\r\nHost: x\r\nConnection: upgrade\r\n\r\n"),
	                &r, &f),
	        OK);
	assert_true(slice_is(r.upgrade, "broch-session"));
}

static void ambiguity_is_refused(void **state)
{
	static const struct {
		unsigned status;
		const char *text;
	} rows[] = {
	        {400, "\r\n\r\n"},
	        {400, "GET\r\nHost: x\r\n\r\n"},
	        {400, " / HTTP/1.1\r\nHost: x\r\n\r\n"},
	        {505, "GET / HTTP/1.10\r\nHost: x\r\n\r\n"},
	        {505, "GET / x HTTP/1.1\r\nHost: x\r\n\r\n"},
	        {400, "GET /\001 HTTP/1.1\r\nHost: x\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\n: x\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\nHost\t: x\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"},
	        {411, "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n"},
	        {413, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n"},
	        {413, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n"},
	        {400, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: a\r\n\r\n"},
	        {0, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		assert_int_equal(status_of(rows[i].text), rows[i].status);
}

static unsigned route_status(enum http_method method, const char *target, struct route *r)
{
	struct fault f = {0};

	return route_find(method, slice_text(target), r, &f) == OK ? 0 : f.status;
}

static void routes_are_found(void **state)
{
	struct route r;

	(void)state;
	assert_int_equal(route_status(HTTP_GET, "/v1/%6beeps", &r), 0);
	assert_int_equal(r.call, CALL_KEEP_LIST);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/w%2Deb/events?follow=1", &r), 0);
	assert_int_equal(r.call, CALL_KEEP_EVENTS);
	assert_string_equal(r.keep, "w-eb");
	assert_true(r.follow);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/web/events?follow=0", &r), 0);
	assert_false(r.follow);
}

static void wrong_routes_are_named(void **state)
{
	struct route r;

	(void)state;
	assert_int_equal(route_status(HTTP_OTHER, "/metrics", &r), 405);
	assert_int_equal(route_status(HTTP_GET, "/", &r), 404);
	assert_int_equal(route_status(HTTP_GET, "/v1%2fkeeps", &r), 404);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/", &r), 400);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/a%2Fb", &r), 400);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/%", &r), 400);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/%4", &r), 400);
	assert_int_equal(route_status(HTTP_GET, "/v1/keeps/%4g", &r), 400);
	assert_int_equal(route_status(HTTP_GET, "/a/b/c/d/e/f", &r), 404);
	assert_int_equal(route_status(HTTP_GET, "/metrics?a=b", &r), 400);
}

static void names_and_ids(void **state)
{
	(void)state;
	assert_true(name_valid(slice_text("0.a_b-c")));
	assert_false(name_valid(slice_text("")));
	assert_false(name_valid(slice_text(".a")));
	assert_false(name_valid(slice_text("a b")));
	assert_true(id_valid(slice_text("0123456789ab")));
	assert_false(id_valid(slice_text("0123456789aB")));
	assert_false(id_valid(slice_text("0123456789a")));
	assert_false(id_valid(slice_text("0123456789abc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(head_is_whole_or_not),
	        cmocka_unit_test(request_is_read),
	        cmocka_unit_test(upgrade_wants_both_headers),
	        cmocka_unit_test(ambiguity_is_refused),
	        cmocka_unit_test(routes_are_found),
	        cmocka_unit_test(wrong_routes_are_named),
	        cmocka_unit_test(names_and_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
