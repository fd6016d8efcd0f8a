/* SPDX-License-Identifier: Apache-2.0 */
/* Against BearSSL's, and page by page. */
#include "lib/measure/sha384x4.h"

#include "lib/measure/snp_chain.h"

#include <bearssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 11 };

static uint8_t data[PAGES * SNP_PAGE_SIZE];

static int fill(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	return 0;
}

static void four_are_like_one_by_one(void **state)
{
	static const size_t sizes[] = {0, 128, 256, 1152, SNP_PAGE_SIZE};

	(void)state;
	if (!sha384x4_works())
		skip();
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		uint8_t four[4][SHA384X4_SIZE], one[SHA384X4_SIZE];

		sha384x4(data + 1, sizes[i], four); /* at an odd address */
		for (size_t m = 0; m < 4; m++) {
			br_sha384_context c;

			br_sha384_init(&c);
			br_sha384_update(&c, data + 1 + m * sizes[i], sizes[i]);
			br_sha384_out(&c, one);
			assert_memory_equal(four[m], one, sizeof one);
		}
	}
}

static void pages_are_like_one_by_one(void **state)
{
	(void)state;
	for (size_t count = 0; count <= PAGES; count++) {
		struct snp_chain at_once = {{7}}, single = {{7}};

		snp_chain_add_pages(&at_once, 0x5000, data, count);
		for (size_t i = 0; i < count; i++)
			snp_chain_add(&single, &(struct snp_page){.type = SNP_PAGE_NORMAL,
			                                          .gpa = 0x5000 + i * SNP_PAGE_SIZE,
			                                          .content = data + i * SNP_PAGE_SIZE});
		assert_memory_equal(at_once.digest, single.digest, sizeof single.digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(four_are_like_one_by_one),
	        cmocka_unit_test(pages_are_like_one_by_one),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
