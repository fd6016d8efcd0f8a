/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void names_are_judged(void **state)
{
	static const char *const good[] = {"a", "db.example.org", "x-1_y.z", "1.a", "xn--bcher-kva.example", "0x"};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "A", "a b", "a/b", "*", "*.a", "127.1", "10.0.0.1", "1", "0x7f000001",
	                                  "0x7f.1", "a\xc3\xa4", "a:1", "[::1]"};
	char longest[NETWORK_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(good); i++)
		if (!network_name_ok(slice_text(good[i])) != (i == 5)) /* the last one is a number to some */
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (network_name_ok(slice_text(bad[i])))
			fail_msg("%s", bad[i]);
	memset(longest, 'a', sizeof longest);
	for (size_t i = 50; i < sizeof longest; i += 50)
		longest[i] = '.';
	assert_true(network_name_ok(slice_of(longest, NETWORK_NAME_MAX)));
	assert_false(network_name_ok(slice_of(longest, NETWORK_NAME_MAX + 1)));
	memset(longest, 'a', sizeof longest);
	assert_true(network_name_ok(slice_of(longest, 63)));
	assert_false(network_name_ok(slice_of(longest, 64)));
	assert_true(network_pattern_ok(slice_text("*")) && network_pattern_ok(slice_text("*.a.b")));
	assert_false(network_pattern_ok(slice_text("*.")) || network_pattern_ok(slice_text("*a")) ||
	             network_pattern_ok(slice_text("a.*")) || network_pattern_ok(slice_text("**")));
}

static void addresses_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		uint8_t bytes[16];
	} good[] = {
	        {"10.0.0.1", 4, {10, 0, 0, 1}},
	        {"0.0.0.0", 4, {0}},
	        {"255.255.255.255", 4, {255, 255, 255, 255}},
	        {"::", 16, {0}},
	        {"::1", 16, {[15] = 1}},
	        {"1::", 16, {0, 1}},
	        {"fe80::a:B", 16, {0xfe, 0x80, [13] = 0xa, [15] = 0xb}},
	        {"1:2:3:4:5:6:7:8", 16, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}},
	        {"1:2:3:4:5:6:7::", 16, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}},
	        {"::2:3:4:5:6:7:8", 16, {0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}},
	};
	static const char *const bad[] = {"",         "1",       "1.2.3",   "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1..3.4",
	                                  "1.2.3.",   ":",       ":1",      "1:",        "1::2::3",   ":::",      "12345::",  "g::",
	                                  "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1%1", "[::1]", "::ffff:1.2.3.4",
	                                  "0x7f.0.0.1", "+1.2.3.4"};
	uint8_t bytes[NETWORK_ADDRESS_MAX];
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		if (network_address(slice_text(good[i].text), bytes, &size) != OK)
			fail_msg("%s", good[i].text);
		assert_int_equal(size, good[i].size);
		assert_memory_equal(bytes, good[i].bytes, size);
	}
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (network_address(slice_text(bad[i]), bytes, &size) == OK)
			fail_msg("%s", bad[i]);
}

static void hosts_become_small(void **state)
{
	char out[NETWORK_NAME_MAX];
	size_t size;

	(void)state;
	assert_int_equal(network_host(slice_text("DB.Example"), out, &size), OK);
	assert_true(slice_is(slice_of(out, size), "db.example"));
	assert_int_equal(network_host(slice_text("FE80::1"), out, &size), OK);
	assert_true(slice_is(slice_of(out, size), "fe80::1"));
	assert_int_equal(network_host(slice_text(""), out, &size), ERR_INVALID);
	assert_int_equal(network_host(slice_text("127.1"), out, &size), ERR_INVALID);
	assert_int_equal(network_host(slice_text("a:1"), out, &size), ERR_INVALID);
}

static const uint8_t ten[] = {10, 0, 0, 0}, odd[] = {192, 168, 0x50, 0}, fd00[16] = {0xfd};
static struct manifest_egress rules[] = {
        {.host = {(const uint8_t *)"db.example.org", 14}, .first = 5432, .last = 5432},
        {.host = {(const uint8_t *)"*.example.org", 13}, .first = 443, .last = 445},
        {.address = {ten, 4}, .prefix = 8, .first = 1, .last = 65535},
        {.address = {odd, 4}, .prefix = 20, .first = 80, .last = 80},
        {.address = {fd00, 16}, .prefix = 7, .first = 80, .last = 80},
        {.host = {(const uint8_t *)"*", 1}, .first = 53, .last = 53},
};

static void the_first_rule_that_fits_decides(void **state)
{
	static const struct {
		const char *host;
		uint32_t port;
		int rule;
	} rows[] = {
	        {"db.example.org", 5432, 0}, {"db.example.org", 5433, -1}, {"xdb.example.org", 5432, -1},
	        {"db.example.org", 444, 1},  {"a.b.example.org", 445, 1},  {"a.example.org", 446, -1},
	        {"example.org", 443, -1},    {".example.org", 443, -1},    {"badexample.org", 443, -1},
	        {"10.255.1.2", 7, 2},        {"11.0.0.1", 7, -1},          {"ten", 7, -1},
	        {"192.168.95.1", 80, 3},     {"192.168.96.1", 80, -1},     {"192.168.79.255", 80, -1},
	        {"fdff::1", 80, 4},          {"fe00::1", 80, -1},          {"fd00::1", 81, -1},
	        {"anything", 53, 5},         {"1.2.3.4", 53, 5},           {"db.example.org", 53, 5},
	};
	const struct manifest_network n = {.egress = rules, .egress_count = ARRAY_COUNT(rules)};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct manifest_egress *want = rows[i].rule < 0 ? NULL : &rules[rows[i].rule];

		if (network_egress(&n, slice_text(rows[i].host), rows[i].port) != want)
			fail_msg("%s:%u", rows[i].host, rows[i].port);
	}
	assert_null(network_egress(&(struct manifest_network){0}, slice_text("a"), 1));
}

static void ports_to_listen_on(void **state)
{
	struct manifest_ports ports[] = {{80, 80}, {8000, 8010}};
	const struct manifest_network n = {.ingress = ports, .ingress_count = 2};

	(void)state;
	assert_true(network_ingress(&n, 80) && network_ingress(&n, 8000) && network_ingress(&n, 8010));
	assert_false(network_ingress(&n, 79) || network_ingress(&n, 81) || network_ingress(&n, 7999) || network_ingress(&n, 8011));
	assert_false(network_ingress(&(struct manifest_network){0}, 80));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_are_judged),
	        cmocka_unit_test(addresses_are_read),
	        cmocka_unit_test(hosts_become_small),
	        cmocka_unit_test(the_first_rule_that_fits_decides),
	        cmocka_unit_test(ports_to_listen_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
