/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/base64url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void published(void **state)
{
	/* RFC 4648 section 10, the padding taken off; RFC 7515 appendix C. */
	static const struct {
		const char *bytes, *text;
	} cases[] = {{"", ""},
	             {"f", "Zg"},
	             {"fo", "Zm8"},
	             {"foo", "Zm9v"},
	             {"foob", "Zm9vYg"},
	             {"fooba", "Zm9vYmE"},
	             {"foobar", "Zm9vYmFy"},
	             {"\x03\xec\xff\xe0\xc1", "A-z_4ME"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char *text = base64url_encode(slice_text(cases[i].bytes));
		uint8_t bytes[8];
		size_t size;

		assert_non_null(text);
		assert_string_equal(text, cases[i].text);
		free(text);
		assert_int_equal(base64url_decode(cases[i].text, bytes, sizeof bytes, &size), OK);
		assert_int_equal(size, strlen(cases[i].bytes));
		assert_memory_equal(bytes, cases[i].bytes, size);
	}
}

static void every_byte_at_every_place(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4 * 256; i++) {
		uint8_t bytes[4] = {0x5a, 0xa5, 0x3c, 0xc3}, back[4];
		char *text;
		size_t size;

		bytes[i / 256] = (uint8_t)i;
		text = base64url_encode(slice_of(bytes, i / 256 + 1));
		assert_non_null(text);
		assert_int_equal(base64url_decode(text, back, sizeof back, &size), OK);
		assert_int_equal(size, i / 256 + 1);
		assert_memory_equal(back, bytes, size);
		free(text);
	}
}

static void no_other_text(void **state)
{
	/* A letter alone, bits that no byte has, padding, the other alphabet, blanks. */
	static const char *const bad[] = {"Z", "Zm9vY", "Zh", "Zm9", "Zg==", "+z_4", "/z_4", "Zm 8", "Zm8\n", "\xc3\xa9"};
	uint8_t bytes[8];
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(base64url_decode(bad[i], bytes, sizeof bytes, &size), ERR_FORMAT);
}

static void no_more_than_there_is_room_for(void **state)
{
	uint8_t bytes[4] = {0, 0, 0, 0xee};
	size_t size;

	(void)state;
	assert_int_equal(base64url_decode("Zm9v", bytes, 3, &size), OK);
	assert_int_equal(base64url_decode("Zm9vYg", bytes, 3, &size), ERR_RANGE);
	assert_int_equal(bytes[3], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(published),
	        cmocka_unit_test(every_byte_at_every_place),
	        cmocka_unit_test(no_other_text),
	        cmocka_unit_test(no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
