/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/toml.h"
#include "client/config/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct toml *parsed(const char *text)
{
	struct toml *t = NULL;
	struct note n = {""};

	if (toml_parse(slice_text(text), "t.toml", &t, &n) != OK)
		fail_msg("%s\n%s", n.text, text);
	return t;
}

static const struct toml_value *at(const struct toml *t, const char *a, const char *b)
{
	const struct toml_value *v = toml_get(toml_root(t), a);

	return b != NULL ? toml_get(v, b) : v;
}

static void strings_say_what_they_say(void **state)
{
	static const struct {
		const char *toml, *want;
		size_t size;
	} rows[] = {
		{"a = \"\"", "", 0},
		{"a = \"x\\b\\t\\n\\f\\r\\\"\\\\\"", "x\b\t\n\f\r\"\\", 8},
		{"a = \"\\u00e9\\U0001F600\"", "\xc3\xa9\xf0\x9f\x98\x80", 6},
		{"a = \"\\u0000\"", "\0", 1},
		{"a = 'C:\\new\\'", "C:\\new\\", 7},
		{"a = \"\"\"\nx\ny\"\"\"", "x\ny", 3},
		{"a = \"\"\"x\r\ny\"\"\"", "x\ny", 3},
		{"a = \"\"\"x\\\n   \n  y\"\"\"", "xy", 2},
		{"a = \"\"\"\"\"x\"\"\"\"\"", "\"\"x\"\"", 5},
		{"a = '''\n''x''\\'''", "''x''\\", 6},
		{"a = \"\"\"\\\"\"\"\"", "\"", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct toml *t = parsed(rows[i].toml);
		const struct toml_value *v = at(t, "a", NULL);

		assert_int_equal(v->type, TOML_STRING);
		assert_int_equal(v->u.string.size, rows[i].size);
		assert_memory_equal(v->u.string.data, rows[i].want, rows[i].size);
		assert_int_equal(v->u.string.data[rows[i].size], 0);
		toml_free(t);
	}
}

static void numbers_have_their_value(void **state)
{
	static const struct {
		const char *toml;
		int64_t want;
	} integers[] = {
		{"a = 0", 0},          {"a = -0", 0},         {"a = +17", 17},       {"a = 1_000_000", 1000000},
		{"a = 0xDEAD_beef", 0xdeadbeef}, {"a = 0o755", 0755}, {"a = 0b1101", 13}, {"a = 0x00", 0},
		{"a = 9223372036854775807", INT64_MAX}, {"a = -9223372036854775808", INT64_MIN},
	};
	static const struct {
		const char *toml;
		double want;
	} reals[] = {{"a = 1.5", 1.5},   {"a = -0.01", -0.01}, {"a = 5e+22", 5e22},  {"a = 1e06", 1e6},
		     {"a = 6.6e-3", 6.6e-3}, {"a = 9_1.2_5", 91.25}, {"a = +inf", INFINITY}, {"a = -inf", -INFINITY}};
	struct toml *t;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(integers); i++) {
		t = parsed(integers[i].toml);
		assert_int_equal(at(t, "a", NULL)->type, TOML_INTEGER);
		assert_true(at(t, "a", NULL)->u.integer == integers[i].want);
		toml_free(t);
	}
	for (size_t i = 0; i < ARRAY_COUNT(reals); i++) {
		t = parsed(reals[i].toml);
		assert_int_equal(at(t, "a", NULL)->type, TOML_FLOAT);
		assert_true(at(t, "a", NULL)->u.real == reals[i].want);
		toml_free(t);
	}
	t = parsed("a = nan");
	assert_true(isnan(at(t, "a", NULL)->u.real));
	toml_free(t);
}

static void dates_and_times_are_taken_apart(void **state)
{
	struct toml *t = parsed("a = 1979-05-27T00:32:00.123456789012-07:30\nb = 2000-02-29\nc = 23:59:60\nd = 1979-05-27 07:32:00z");
	struct toml_time v = at(t, "a", NULL)->u.time;

	(void)state;
	assert_true(v.has_date && v.has_time && v.has_offset);
	assert_int_equal(v.year, 1979);
	assert_int_equal(v.minute, 32);
	assert_int_equal(v.nanosecond, 123456789);
	assert_int_equal(v.offset_minutes, -450);
	v = at(t, "b", NULL)->u.time;
	assert_true(v.has_date && !v.has_time && !v.has_offset);
	v = at(t, "c", NULL)->u.time;
	assert_true(!v.has_date && v.has_time && v.second == 60);
	assert_true(at(t, "d", NULL)->u.time.has_offset);
	toml_free(t);
}

static void tables_and_arrays_nest(void **state)
{
	struct toml *t = parsed("a.b = 1\na.\"c d\" = 2\n[x]\ny = {z = [1, [2, 3,], ], w.v = true} # end\n"
				"[[p]]\nq = 1\n[p.r]\ns = 2\n[[p]]\n[[p.t]]\n[x.u]\n");
	const struct toml_value *p = at(t, "p", NULL), *z = toml_get(at(t, "x", "y"), "z");

	(void)state;
	assert_int_equal(at(t, "a", "b")->u.integer, 1);
	assert_int_equal(at(t, "a", "c d")->u.integer, 2);
	assert_int_equal(z->u.array.count, 2);
	assert_int_equal(z->u.array.items[1]->u.array.items[1]->u.integer, 3);
	assert_true(toml_get(toml_get(at(t, "x", "y"), "w"), "v")->u.boolean);
	assert_int_equal(p->u.array.count, 2);
	assert_int_equal(toml_get(toml_get(p->u.array.items[0], "r"), "s")->u.integer, 2);
	assert_null(toml_get(p->u.array.items[1], "r"));
	assert_int_equal(toml_get(p->u.array.items[1], "t")->u.array.count, 1);
	assert_int_equal(at(t, "x", "u")->type, TOML_TABLE);
	assert_null(toml_get(at(t, "a", "b"), "no table"));
	toml_free(t);
}

static void places_are_told(void **state)
{
	struct toml *t = parsed("\n  key = [\n\t1,\n   \"x\"]\n");
	const struct toml_value *v = at(t, "key", NULL);

	(void)state;
	assert_int_equal(toml_root(t)->u.table.pairs[0].line, 2);
	assert_int_equal(toml_root(t)->u.table.pairs[0].column, 3);
	assert_int_equal(v->u.array.items[1]->line, 4);
	assert_int_equal(v->u.array.items[1]->column, 4);
	toml_free(t);
}

static void wrong_texts_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *toml, *place;
	} rows[] = {
		{"a", ":1:2:"},           {"a =", ":1:4:"},           {"= 1", ":1:1:"},          {"a = 1 b = 2", ":1:7:"},
		{"a = 1\na = 2", ":2:1:"}, {"a = \"x", ":1:7:"},      {"a = \"\\x\"", ":1:7:"},  {"a = \"\\ud800\"", ":1:"},
		{"a = 01", ":1:5:"},      {"a = 1__0", ":1:5:"},      {"a = _1", ":1:5:"},       {"a = 1_", ":1:5:"},
		{"a = .5", ":1:5:"},      {"a = 5.", ":1:5:"},        {"a = 1.e3", ":1:5:"},     {"a = +0x1", ":1:5:"},
		{"a = 0xg", ":1:5:"},     {"a = 9223372036854775808", ":1:5:"}, {"a = True", ":1:5:"}, {"a = x", ":1:5:"},
		{"a = 1979-02-29", ":1:5:"}, {"a = 1979-13-01", ":1:5:"}, {"a = 24:00:00", ":1:5:"}, {"a = 1979-05-27T7:00:00", ":1:5:"},
		{"a = 12:00", ":1:5:"},   {"a = [1", ":1:7:"},        {"a = [1 2]", ":1:8:"},    {"a = [,]", ":1:6:"},
		{"a = {b = 1,}", ":1:12:"}, {"a = {b = 1\n}", ":1:11:"}, {"a = {b = 1, b = 2}", ":1:13:"}, {"[a]\n[a]", ":2:2:"},
		{"[a", ":1:3:"},          {"[]", ":1:2:"},            {"[a.]", ":1:4:"},         {"[[a]", ":1:4:"},
		{"a = 1\n[a]", ":2:2:"},  {"a = 1\n[a.b]", ":2:2:"},  {"a = []\n[[a]]", ":2:3:"}, {"[[a]]\n[a]", ":2:2:"},
		{"[a]\n[[a]]", ":2:3:"},  {"a = {}\n[a.b]", ":2:2:"}, {"a = {}\na.b = 1", ":2:1:"}, {"a.b = 1\n[a]", ":2:2:"},
		{"[a.b.c]\n[a]\nb.c.d = 1", ":3:3:"}, {"a.b = 1\na.b.c = 2", ":2:3:"}, {"a = {x = {}}\n[a.x.y]", ":2:2:"},
		{"\"\"\"a\"\"\" = 1", ":1:1:"}, {"a = 1 # \x01", ":1:9:"}, {"a = \"\x01\"", ":1:"}, {"a = \"\x7f\"", ":1:"},
		{"a = 1\rb = 2", ":1:6:"}, {"a = 1\n# \xff", ":2:3:"}, {"a = '''x", ":1:9:"},     {"a b = 1", ":1:3:"},      {"a = \"\"\"x\"\"", ":1:11:"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct toml *t = NULL;
		struct note n = {""};

		if (toml_parse(slice_text(rows[i].toml), "t.toml", &t, &n) != ERR_FORMAT)
			fail_msg("accepted: %s", rows[i].toml);
		if (strncmp(n.text, "t.toml", 6) != 0 || strncmp(n.text + 6, rows[i].place, strlen(rows[i].place)) != 0)
			fail_msg("%s: %s, expected %s", rows[i].toml, n.text, rows[i].place);
	}
}

static void only_utf8_is_text(void **state)
{
	static const char *const rows[] = {"a = \"\xff\"", "a = \"\xc3\"", "# \xc0\x80", "# \xed\xa0\x80", "# \xf4\x90\x80\x80",
					   "# \xe0\x9f\xbf", "# \xf0\x8f\xbf\xbf"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct toml *t = NULL;

		assert_int_equal(toml_parse(slice_text(rows[i]), "t", &t, NULL), ERR_FORMAT);
	}
	toml_free(parsed("\xef\xbb\xbf# \xf4\x8f\xbf\xbf \xed\x9f\xbf"));
}

/* Depth, count and size of what a file can make us hold have an end. */
static void greed_is_refused(void **state)
{
	static char text[TOML_SIZE_MAX + 2];
	struct toml *t = NULL;
	size_t used = 4;

	(void)state;
	memcpy(text, "a = ", 4);
	memset(text + 4, '[', 100000);
	assert_int_equal(toml_parse(slice_of(text, 100004), "t", &t, NULL), ERR_FORMAT);
	memcpy(text, "a = [", 5);
	for (used = 5; used < 100000; used += 2)
		memcpy(text + used, "1,", 2);
	assert_int_equal(toml_parse(slice_of(text, used), "t", &t, NULL), ERR_LIMIT);
	for (used = 0; used < 1000; used += 2)
		memcpy(text + used, "a.", 2);
	memcpy(text + used, "a=1", 3);
	assert_int_equal(toml_parse(slice_of(text, used + 3), "t", &t, NULL), ERR_FORMAT);
	memset(text, '#', sizeof text - 1);
	assert_int_equal(toml_parse(slice_of(text, TOML_SIZE_MAX + 1), "t", &t, NULL), ERR_LIMIT);
	assert_int_equal(toml_parse(slice_of(NULL, 0), "t", &t, NULL), OK);
	assert_int_equal(toml_root(t)->u.table.count, 0);
	toml_free(t);
}

static void units_are_exact(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		uint64_t want;
	} sizes[] = {{"0", OK, 0}, {"512", OK, 512}, {"1kB", OK, 1000}, {"1KiB", OK, 1024}, {"2 GiB", OK, UINT64_C(2) << 30},
		     {"16777216TiB", ERR_RANGE, 0}, {"99999999999999999999", ERR_RANGE, 0}, {"", ERR_FORMAT, 0}, {"GiB", ERR_FORMAT, 0},
		     {"1G", ERR_FORMAT, 0}, {"1gib", ERR_FORMAT, 0}, {"-1", ERR_FORMAT, 0}, {"1.5GiB", ERR_FORMAT, 0}, {"1GiB ", ERR_FORMAT, 0}},
	  durations[] = {{"250ms", OK, 250000000}, {"1h", OK, UINT64_C(3600000000000)}, {"30d", OK, UINT64_C(2592000000000000)},
			 {"10", ERR_FORMAT, 0}, {"300000d", ERR_RANGE, 0}, {"1 hour", ERR_FORMAT, 0}};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		assert_int_equal(units_size(slice_text(sizes[i].text), &v), sizes[i].err);
		assert_true(sizes[i].err != OK || v == sizes[i].want);
	}
	for (size_t i = 0; i < ARRAY_COUNT(durations); i++) {
		assert_int_equal(units_duration(slice_text(durations[i].text), &v), durations[i].err);
		assert_true(durations[i].err != OK || v == durations[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_say_what_they_say),
		cmocka_unit_test(numbers_have_their_value),
		cmocka_unit_test(dates_and_times_are_taken_apart),
		cmocka_unit_test(tables_and_arrays_nest),
		cmocka_unit_test(places_are_told),
		cmocka_unit_test(wrong_texts_are_refused_with_their_place),
		cmocka_unit_test(only_utf8_is_text),
		cmocka_unit_test(greed_is_refused),
		cmocka_unit_test(units_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
