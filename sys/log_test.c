/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"
#include "sys/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char line[8192];

/* What one call writes. */
static const char *logged(bool json, const char *event, const char *value)
{
	int fds[2];
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	LOG((&(struct log){fds[1], LOG_AT_INFO, json}), LOG_AT_INFO, event, log_s("key", value), log_n("n", 7));
	LOG((&(struct log){fds[1], LOG_AT_WARN, json}), LOG_AT_INFO, "not written", log_n("n", 8));
	close(fds[1]);
	got = read(fds[0], line, sizeof line - 1);
	close(fds[0]);
	assert_true(got > CLOCK_TEXT_MAX - 8);
	line[got] = 0;
	assert_int_equal(line[got - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + got - 1); /* one line, whatever the value */
	return line;
}

static void text_lines(void **state)
{
	(void)state;
	assert_string_equal(strstr(logged(false, "it is", "plain"), "info"), "info it is key=plain n=7\n");
	assert_string_equal(strstr(logged(false, "it is", "two words"), "info"), "info it is key=\"two words\" n=7\n");
	assert_string_equal(strstr(logged(false, "it is", "a\nb=\"c\\"), "info"),
	                    "info it is key=\"a\\u000ab=\\\"c\\\\\" n=7\n");
	assert_string_equal(strstr(logged(false, "it is", ""), "info"), "info it is key=\"\" n=7\n");
}

static void json_lines(void **state)
{
	(void)state;
	assert_string_equal(strstr(logged(true, "it is", "a\"\xff"), "\"level"),
	                    "\"level\":\"info\",\"event\":\"it is\",\"key\":\"a\\\"\\u00ff\",\"n\":7}\n");
	assert_int_equal(line[0], '{');
}

/* A value that does not fit is left out whole: the line stays readable. */
static void long_values(void **state)
{
	char value[4000];

	(void)state;
	memset(value, 'x', sizeof value - 1);
	value[sizeof value - 1] = 0;
	assert_string_equal(strstr(logged(true, "long", value), "\"event"), "\"event\":\"long\",\"n\":7}\n");
}

static void times(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	clock_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_text(1709210096789, text);
	assert_string_equal(text, "2024-02-29T12:34:56.789Z");
	clock_text(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_lines),
	        cmocka_unit_test(json_lines),
	        cmocka_unit_test(long_values),
	        cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
