/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/snp_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Every byte tells its own place, so a field read from elsewhere is noticed. */
static void fill(uint8_t *b, uint8_t version)
{
	for (size_t i = 0; i < SNP_REPORT_SIZE; i++)
		b[i] = (uint8_t)(i * 7 + (i >> 8));
	memcpy(b, (uint8_t[]){version, 0, 0, 0}, 4);
}

static void fields_are_where_the_specification_puts_them(void **state)
{
	uint8_t b[SNP_REPORT_SIZE];
	struct snp_report r;

	(void)state;
	fill(b, 5);
	b[0x48] = 0x07; /* author key, mask, signing key 1 */
	assert_int_equal(snp_report_parse(slice_of(b, sizeof b), &r, NULL), OK);
	assert_int_equal(r.version, 5);
	assert_int_equal(r.guest_svn & 0xff, b[4]);
	assert_int_equal(r.policy >> 56, b[0xf]);
	assert_int_equal(r.vmpl & 0xff, b[0x30]);
	assert_int_equal(r.signature_algo >> 24, b[0x37]);
	assert_int_equal(r.platform_info >> 56, b[0x47]);
	assert_true(r.author_key_en && r.mask_chip_key);
	assert_int_equal(r.signing_key, SNP_KEY_VLEK);
	const struct {
		struct slice s;
		size_t at, size;
	} runs[] = {{r.family_id, 0x10, 16},  {r.image_id, 0x20, 16},      {r.current_tcb, 0x38, 8},
		    {r.report_data, 0x50, 64}, {r.measurement, 0x90, 48},   {r.host_data, 0xc0, 32},
		    {r.id_key_digest, 0xe0, 48}, {r.author_key_digest, 0x110, 48}, {r.report_id, 0x140, 32},
		    {r.report_id_ma, 0x160, 32}, {r.reported_tcb, 0x180, 8}, {r.chip_id, 0x1a0, 64},
		    {r.committed_tcb, 0x1e0, 8}, {r.launch_tcb, 0x1f0, 8},  {r.r, 0x2a0, 72}, {r.s, 0x2e8, 72}};
	for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
		assert_ptr_equal(runs[i].s.data, b + runs[i].at);
		assert_int_equal(runs[i].s.size, runs[i].size);
	}
	assert_int_equal(r.cpu_family, b[0x188]);
	assert_int_equal(r.cpu_model, b[0x189]);
	assert_int_equal(r.cpu_stepping, b[0x18a]);
	assert_int_equal(r.current.build, b[0x1e8]);
	assert_int_equal(r.current.major, b[0x1ea]);
	assert_int_equal(r.committed.minor, b[0x1ed]);
	assert_int_equal(r.launch_mit & 0xff, b[0x1f8]);
	assert_int_equal(r.current_mit & 0xff, b[0x200]);
}

static void only_known_sizes_and_versions_are_read(void **state)
{
	uint8_t b[SNP_REPORT_SIZE + 1] = {0};
	struct snp_report r;

	(void)state;
	for (unsigned v = 0; v < 300; v++) {
		memcpy(b, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8), 0, 0}, 4);
		assert_int_equal(snp_report_parse(slice_of(b, SNP_REPORT_SIZE), &r, NULL), v >= 2 && v <= 5 ? OK : ERR_VERSION);
	}
	b[0] = 2;
	b[1] = 0;
	assert_int_equal(snp_report_parse(slice_of(b, SNP_REPORT_SIZE - 1), &r, NULL), ERR_TRUNCATED);
	assert_int_equal(snp_report_parse(slice_of(b, SNP_REPORT_SIZE + 1), &r, NULL), ERR_TRAILING);
	assert_int_equal(snp_report_parse(slice_of(NULL, 0), &r, NULL), ERR_TRUNCATED);
}

static bool reserved(size_t at, unsigned version)
{
	return (at >= 0x49 && at < 0x50) || (at >= (version < 3 ? 0x188u : 0x18bu) && at < 0x1a0) || at == 0x1eb || at == 0x1ef ||
	       (at >= (version < 5 ? 0x1f8u : 0x208u) && at < 0x2a0) || at >= 0x330;
}

static void each_reserved_byte_is_noticed(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 5; version++) {
		uint8_t b[SNP_REPORT_SIZE] = {(uint8_t)version};
		struct snp_report r;

		for (size_t i = 4; i < sizeof b; i++) {
			b[i] = 1;
			assert_int_equal(snp_report_parse(slice_of(b, sizeof b), &r, NULL), OK);
			if ((r.reserved_at != 0) != reserved(i, version))
				fail_msg("byte %zxh, version %u", i, version);
			b[i] = 0;
		}
		b[0x48] = 0x20;
		assert_int_equal(snp_report_parse(slice_of(b, sizeof b), &r, NULL), OK);
		assert_int_equal(r.reserved_at, 0x48);
	}
}

static void what_is_written_is_read(void **state)
{
	uint8_t b[SNP_REPORT_SIZE], copy[SNP_REPORT_SIZE];
	struct snp_report r;

	(void)state;
	fill(b, 5);
	for (size_t i = 0; i < sizeof b; i++)
		if (reserved(i, 5))
			b[i] = 0;
	assert_int_equal(snp_report_parse(slice_of(b, sizeof b), &r, NULL), OK);
	assert_int_equal(snp_report_write(&r, copy), OK);
	assert_memory_equal(copy, b, sizeof b);
	r.chip_id.size = 8;
	assert_int_equal(snp_report_write(&r, copy), ERR_INVALID);
}

static void tcb_is_compared_by_component(void **state)
{
	static const uint8_t raw[8] = {1, 2, 3, 4, 5, 6, 7, 8}, newer[8] = {1, 2, 3, 4, 5, 6, 8, 8}, mixed[8] = {0, 2, 3, 4, 5, 6, 9, 9};
	struct snp_tcb m = snp_tcb_of(slice_of(raw, 8), SNP_TCB_MILAN), t = snp_tcb_of(slice_of(raw, 8), SNP_TCB_TURIN);
	struct snp_tcb n = snp_tcb_of(slice_of(newer, 8), SNP_TCB_MILAN), x = snp_tcb_of(slice_of(mixed, 8), SNP_TCB_MILAN);

	(void)state;
	assert_memory_equal(m.part, ((uint8_t[]){1, 2, 7, 8, 0}), 5);
	assert_memory_equal(t.part, ((uint8_t[]){2, 3, 4, 8, 1}), 5);
	assert_true(snp_tcb_le(&m, &m) && snp_tcb_le(&m, &n) && !snp_tcb_le(&n, &m));
	assert_false(snp_tcb_le(&m, &x) || snp_tcb_le(&x, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_where_the_specification_puts_them),
		cmocka_unit_test(only_known_sizes_and_versions_are_read),
		cmocka_unit_test(each_reserved_byte_is_noticed),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(tcb_is_compared_by_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
