/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wasm/wasm.h"
#include "sys/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARENA = 4 << 20, BYTES = WASM_PAGE_SIZE };

/*
 * (memory (export "m") 1 2) (func (export "f") (result i32) grow by one page)
 * (func (export "d") memory.init 0 (0) (0) (1)), which traps: an active segment is dropped
 * (data (i32.const 65530) "abcdef") (data "passive") (data (i32.const 4) "wxyz") (data (i32.const 6) "!")
 */
static const uint8_t good[] = {
	0, 'a', 's', 'm', 1, 0, 0, 0,
	1, 8, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0,
	3, 3, 2, 0, 1,
	5, 4, 1, 1, 1, 2,
	7, 9, 2, 1, 'f', 0, 0, 1, 'd', 0, 1,
	12, 1, 4,
	10, 21, 2, 6, 0, 0x41, 1, 0x40, 0, 0x0b, 12, 0, 0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8, 0, 0, 0x0b,
	11, 38, 4, 0, 0x41, 0xfa, 0xff, 3, 0x0b, 6, 'a', 'b', 'c', 'd', 'e', 'f', 1, 7, 'p', 'a', 's', 's', 'i', 'v', 'e',
	0, 0x41, 4, 0x0b, 4, 'w', 'x', 'y', 'z', 0, 0x41, 6, 0x0b, 1, '!',
};
/* (memory 1) (data (i32.const 65536) "x") */
static const uint8_t outside[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 5, 3, 1, 0, 1, 11, 9, 1, 0, 0x41, 0x80, 0x80, 4, 0x0b, 1, 'x'};
/* (import "h" "g" (global i32)) (memory 1) (data (global.get 0) "x") */
static const uint8_t by_global[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 2, 8, 1, 1, 'h', 1, 'g', 3, 0x7f, 0,
				    5, 3, 1, 0, 1, 11, 7, 1, 0, 0x23, 0, 0x0b, 1, 'x'};
/* (import "h" "t" (table 1 funcref)) (memory 1) (data (i32.const 0) "x") */
static const uint8_t with_table[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 2, 9, 1, 1, 'h', 1, 't', 1, 0x70, 0, 1,
				     5, 3, 1, 0, 1, 11, 7, 1, 0, 0x41, 0, 0x0b, 1, 'x'};
/* (import "h" "m" (memory 1)) (data (i32.const 0) "x") */
static const uint8_t with_memory[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 2, 8, 1, 1, 'h', 1, 'm', 2, 0, 1,
				      11, 7, 1, 0, 0x41, 0, 0x0b, 1, 'x'};

struct instance {
	void *memory;
	struct arena arena;
	struct wasm_store *store;
	struct wasm_instance *instance;
	struct code_linear linear;
};

static struct wasm_module *load(struct arena *a, const uint8_t *bytes, size_t size)
{
	const struct wasm_limits limits = wasm_default_limits();
	struct wasm_module *m = NULL;
	struct note n = {{0}};

	if (wasm_load(a, a, slice_of(bytes, size), &limits, &m, &n) != OK)
		fail_msg("%s", n.text);
	return m;
}

static void begin(struct instance *i, const struct wasm_module *m, int image)
{
	const struct wasm_limits limits = wasm_default_limits();
	struct note n = {{0}};

	*i = (struct instance){.memory = malloc(ARENA), .linear = {.image = image}};
	assert_non_null(i->memory);
	i->arena = arena_of(i->memory, ARENA);
	assert_int_equal(wasm_store_new(&i->arena, &limits, code_linear_ops(&i->linear), (struct wasm_poll){0}, &i->store), OK);
	assert_int_equal(wasm_instantiate(i->store, &i->arena, m, NULL, &i->instance, &n), OK);
}

static void end(struct instance *i)
{
	code_linear_free(i->linear.base);
	free(i->memory);
}

static enum err call(struct instance *i, const char *name, uint32_t *result)
{
	union wasm_value v = {0};
	struct note n = {{0}};
	enum err err = wasm_call(i->store, wasm_export(i->instance, slice_text(name)), &v, &n);

	*result = v.i32;
	return err;
}

static void an_image_is_what_the_data_makes(void **state)
{
	static uint8_t memory[ARENA];
	struct arena a = arena_of(memory, sizeof memory);
	struct wasm_module *m = load(&a, good, sizeof good);
	struct instance plain, one, two;
	uint32_t result;
	uint64_t size;
	int image = code_image_new(m);

	(void)state;
	assert_true(wasm_memory_image(m, &size));
	assert_int_equal(size, 65536);
	assert_true(image >= 0);
	begin(&plain, m, -1);
	begin(&one, m, image);
	assert_memory_equal(plain.linear.base + 4, "wx!z", 4);
	assert_memory_equal(one.linear.base, plain.linear.base, BYTES);
	memset(one.linear.base, 0xaa, BYTES); /* is nobody else's */
	begin(&two, m, image);
	assert_memory_equal(two.linear.base, plain.linear.base, BYTES);
	assert_int_equal(call(&two, "f", &result), OK);
	assert_int_equal(result, 1);
	two.linear.base[BYTES + 7] = 1;
	assert_memory_equal(two.linear.base, plain.linear.base, BYTES);
	assert_int_equal(call(&plain, "d", &result), ERR_TRAP);
	assert_int_equal(call(&two, "d", &result), ERR_TRAP);
	end(&plain);
	end(&one);
	end(&two);
	close(image);
}

static void what_the_module_alone_does_not_say_has_no_image(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t size;
	} modules[] = {
		{outside, sizeof outside},
		{by_global, sizeof by_global},
		{with_table, sizeof with_table},
		{with_memory, sizeof with_memory},
	};
	static uint8_t memory[ARENA];
	struct arena a = arena_of(memory, sizeof memory);
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(modules); i++) {
		struct wasm_module *m = load(&a, modules[i].bytes, modules[i].size);

		if (wasm_memory_image(m, &size) || code_image_new(m) >= 0)
			fail_msg("module %zu has an image", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_what_the_data_makes),
		cmocka_unit_test(what_the_module_alone_does_not_say_has_no_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
