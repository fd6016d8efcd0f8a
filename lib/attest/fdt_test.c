/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/fdt.h"
#include "lib/attest/fdt_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ROOM = 1024 };

/* Root with property "one", node "a" in it with "two". */
static size_t tree(uint8_t out[static ROOM])
{
	uint8_t room[ROOM];
	struct fdt_writer t;
	struct writer w = wr_of(out, ROOM);

	assert_int_equal(fdt_begin(&t, room, sizeof room), OK);
	assert_int_equal(fdt_text(&t, "one", "1"), OK);
	assert_int_equal(fdt_node(&t, "a"), OK);
	assert_int_equal(fdt_text(&t, "two", "2"), OK);
	assert_int_equal(fdt_close(&t), OK);
	assert_int_equal(fdt_finish(&t, &w), OK);
	return wr_used(&w);
}

static enum err note_names(void *context, const char *path, struct slice name, struct slice value)
{
	char *seen = context;

	assert_true(name.size == 3 && value.size == 2);
	strcat(seen, path);
	strncat(seen, (const char *)name.data, name.size);
	return OK;
}

static enum err walk(const uint8_t *bytes, size_t size, char seen[static 64])
{
	seen[0] = 0;
	return fdt_walk(slice_of(bytes, size), note_names, seen);
}

static void every_property_is_seen(void **state)
{
	uint8_t bytes[ROOM];
	const size_t size = tree(bytes);
	char seen[64];

	(void)state;
	assert_int_equal(walk(bytes, size, seen), OK);
	assert_string_equal(seen, "/one/atwo");
	for (size_t i = 0; i < size; i++)
		assert_int_not_equal(walk(bytes, i, seen), OK);
}

static uint8_t *found(uint8_t *bytes, size_t size, const char *name)
{
	uint8_t *p = memmem(bytes, size, name, strlen(name) + 1);

	assert_non_null(p);
	return p;
}

static void names_can_be_printed(void **state)
{
	static const uint8_t bad[] = {0x01, 0x0a, 0x1b, 0x7f, 0x80, 0xff};
	uint8_t bytes[ROOM];
	const size_t size = tree(bytes);
	char seen[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad; i++) {
		*found(bytes, size, "two") = bad[i];
		assert_int_equal(walk(bytes, size, seen), ERR_FORMAT);
		tree(bytes);
		/* The one node's name stands in a word of its own. */
		*found(bytes, size, "a\0\0") = bad[i];
		assert_int_equal(walk(bytes, size, seen), ERR_FORMAT);
		tree(bytes);
	}
	*found(bytes, size, "a\0\0") = '/';
	assert_int_equal(walk(bytes, size, seen), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_property_is_seen),
	        cmocka_unit_test(names_can_be_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
