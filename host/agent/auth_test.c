/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/auth.h"
#include "host/agent/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ONE "0123456789abcdef0123456789abcdef"

static void tokens_are_known(void **state)
{
	struct client c = {0};
	struct note n = {0};
	struct tokens *t;

	(void)state;
	assert_int_equal(tokens_parse(slice_text("# comment\r\n\r\n  ci\t" ONE "  \r\nabcdefabcdefabcdef"), &t, &n),
	                 OK);
	assert_true(tokens_check(t, slice_text("Bearer " ONE), &c));
	assert_string_equal(c.name, "token:ci");
	assert_true(c.known);
	assert_false(c.operator);
	assert_true(tokens_check(t, slice_text("bearer abcdefabcdefabcdef"), &c));
	assert_int_equal(strlen(c.name), strlen("token:") + 8);
	assert_null(strstr(c.name, "abcdefabcdef"));
	tokens_free(t);
}

/* Each bit of the token flipped, a character more, one less. */
static void near_tokens_are_unknown(void **state)
{
	char header[] = "Bearer " ONE "x";
	struct client c = {0};
	struct note n = {0};
	struct tokens *t;

	(void)state;
	assert_int_equal(tokens_parse(slice_text("ci " ONE), &t, &n), OK);
	assert_false(tokens_check(t, slice_of(header, sizeof header - 1), &c));
	assert_false(tokens_check(t, slice_of(header, sizeof header - 3), &c));
	for (size_t bit = 7 * 8; bit < (sizeof header - 2) * 8; bit++) {
		header[bit / 8] = (char)(header[bit / 8] ^ (1 << (bit % 8)));
		assert_false(tokens_check(t, slice_of(header, sizeof header - 2), &c));
		header[bit / 8] = (char)(header[bit / 8] ^ (1 << (bit % 8)));
	}
	assert_true(tokens_check(t, slice_of(header, sizeof header - 2), &c));
	assert_false(tokens_check(t, slice_text(""), &c));
	assert_false(tokens_check(t, slice_text("Bearer"), &c));
	assert_false(tokens_check(t, slice_text("Bearer "), &c));
	tokens_free(t);
}

static void bad_token_files(void **state)
{
	static const char *const texts[] = {"",
	                                    "#\n",
	                                    "a short",
	                                    "a " ONE " b",
	                                    "a " ONE "\nb " ONE,
	                                    "a " ONE "\na fedcba9876543210",
	                                    "a 0123456789abc\001ef",
	                                    ONE "\n" ONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		struct tokens *t = NULL;
		struct note n = {0};

		assert_int_not_equal(tokens_parse(slice_text(texts[i]), &t, &n), OK);
		assert_true(n.text[0] != 0);
		assert_null(strstr(n.text, "0123456789"));
	}
}

static void address(uint8_t out[static 16], unsigned number)
{
	memset(out, 0, 16);
	memcpy(out, &number, sizeof number);
}

static void guessing_is_slowed_and_forgiven(void **state)
{
	struct peers *p = calloc(1, sizeof *p);
	uint8_t a[16], b[16];
	struct peer *one, *two;

	(void)state;
	assert_non_null(p);
	address(a, 1);
	address(b, 2);
	one = peer_enter(p, a, 1000);
	two = peer_enter(p, b, 1000);
	for (int i = 0; i < PEER_FAILURES_MAX; i++) {
		assert_false(peer_blocked(one, 1000));
		peer_failed(one, 1000);
	}
	assert_true(peer_blocked(one, 1000));
	assert_false(peer_blocked(two, 1000));
	/* leaving and coming back does not help */
	peer_leave(one);
	one = peer_enter(p, a, 1001);
	assert_true(peer_blocked(one, 1000 + PEER_FORGIVE_MS - 1));
	assert_false(peer_blocked(one, 1000 + PEER_FORGIVE_MS));
	peer_failed(one, 1000 + PEER_FORGIVE_MS);
	assert_true(peer_blocked(one, 1000 + PEER_FORGIVE_MS));
	assert_false(peer_blocked(one, 1000 + 1000 * (uint64_t)PEER_FORGIVE_MS));
	free(p);
}

static void connections_are_counted(void **state)
{
	struct peers *p = calloc(1, sizeof *p);
	struct peer *last = NULL;
	uint8_t a[16];

	(void)state;
	assert_non_null(p);
	address(a, 1);
	for (int i = 0; i < PEER_CONNECTIONS_MAX; i++)
		assert_non_null(last = peer_enter(p, a, 1));
	assert_null(peer_enter(p, a, 1));
	peer_leave(last);
	assert_non_null(peer_enter(p, a, 1));
	free(p);
}

/* Whoever has many addresses cannot wash a guilty one clean, nor displace one that is connected. */
static void the_table_holds_who_matters(void **state)
{
	struct peers *p = calloc(1, sizeof *p);
	struct peer *guilty, *busy;
	uint8_t a[16];

	(void)state;
	assert_non_null(p);
	address(a, 1);
	guilty = peer_enter(p, a, 1);
	for (int i = 0; i < PEER_FAILURES_MAX; i++)
		peer_failed(guilty, 1);
	peer_leave(guilty);
	address(a, 2);
	busy = peer_enter(p, a, 1);
	for (unsigned i = 3; i < 3 + 3 * PEERS_MAX; i++) {
		address(a, i);
		peer_leave(peer_enter(p, a, 2));
	}
	address(a, 1);
	assert_true(peer_blocked(peer_enter(p, a, 3), 3));
	address(a, 2);
	assert_ptr_equal(peer_enter(p, a, 3), busy);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(tokens_are_known),        cmocka_unit_test(near_tokens_are_unknown),
	        cmocka_unit_test(bad_token_files),         cmocka_unit_test(guessing_is_slowed_and_forgiven),
	        cmocka_unit_test(connections_are_counted), cmocka_unit_test(the_table_holds_who_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
