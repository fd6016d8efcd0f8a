/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/sha256.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static uint8_t data[5000];

/* FIPS 180-4 examples, one and two blocks, and a million times "a". */
static void standard_examples(void **state)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t out[32], want[32];
	br_sha256_context c;

	(void)state;
	br_sha256_init(&c);
	sha256_update(&c, sha256_is_fast(), slice_text(two));
	br_sha256_out(&c, out);
	assert_int_equal(hex_decode(slice_text("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"), want, 32), OK);
	assert_memory_equal(out, want, 32);
	memset(data, 'a', sizeof data);
	br_sha256_init(&c);
	for (int i = 0; i < 200; i++)
		sha256_update(&c, sha256_is_fast(), slice_of(data, 5000));
	br_sha256_out(&c, out);
	assert_int_equal(hex_decode(slice_text("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"), want, 32), OK);
	assert_memory_equal(out, want, 32);
}

static void agrees_with_the_portable_one_at_every_cut(void **state)
{
	uint8_t a[32], b[32];
	br_sha256_context fast, plain;

	(void)state;
	if (!sha256_is_fast()) {
		puts("this CPU has no SHA instructions");
		skip();
	}
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * i + i / 7);
	for (size_t first = 0; first < 200; first++) {
		for (size_t second = 0; second < 700; second += 61) {
			br_sha256_init(&fast);
			br_sha256_init(&plain);
			sha256_update(&fast, true, slice_of(data, first));
			sha256_update(&fast, true, slice_of(data + first, second));
			br_sha256_update(&plain, data, first + second);
			br_sha256_out(&fast, a);
			br_sha256_out(&plain, b);
			assert_memory_equal(a, b, 32);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_examples),
		cmocka_unit_test(agrees_with_the_portable_one_at_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
