/* SPDX-License-Identifier: Apache-2.0 */
/* A firmware image and an event log made here; published values are the business of the vectors. */
#include "lib/measure/tdx.h"

#include "lib/base/rw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <bearssl.h>
#include <cmocka.h>

enum { IMAGE = 8192, META_FROM_END = 2048, META = IMAGE - META_FROM_END, TABLE_END = IMAGE - 32 };

static uint8_t image[IMAGE];
static struct note n;

static void put(size_t at, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

static void section(unsigned i, uint32_t offset, uint32_t raw, uint64_t gpa, uint64_t size, uint32_t attributes)
{
	size_t at = META + 16 + 32 * i;

	put(at, offset, 4);
	put(at + 4, raw, 4);
	put(at + 8, gpa, 8);
	put(at + 16, size, 8);
	put(at + 28, attributes, 4);
}

/* Footer, one entry that says where the metadata is, and two sections: code that is measured, memory that is not. */
static void make_image(void)
{
	static const uint8_t footer[16] = {0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
	static const uint8_t tdx[16] = {0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2};

	memset(image, 0, sizeof image);
	memset(image, 0xcc, 4096);
	memcpy(image + TABLE_END - 16, footer, 16);
	put(TABLE_END - 18, 18 + 22, 2);
	memcpy(image + TABLE_END - 34, tdx, 16);
	put(TABLE_END - 36, 22, 2);
	put(TABLE_END - 40, META_FROM_END, 4);
	memcpy(image + META, "TDVF", 4);
	put(META + 4, 16 + 64, 4);
	put(META + 8, 1, 4);
	put(META + 12, 2, 4);
	section(0, 0, 4000, 0xfffff000, 4096, TDVF_EXTEND);
	section(1, 0, 0, 0x800000, 8192, 0);
	n.text[0] = 0;
}

static struct slice all(void)
{
	return slice_of(image, sizeof image);
}

static void expected(uint8_t out[static TDX_DIGEST_SIZE])
{
	uint8_t record[128], page[4096] = {0};
	br_sha384_context c;

	br_sha384_init(&c);
	memcpy(page, image, 4000);
	for (unsigned i = 0; i < 1 + 16 + 2; i++) {
		uint64_t gpa = i == 0 ? 0xfffff000 : i <= 16 ? 0xfffff000 + 256 * (i - 1) : 0x800000 + 4096 * (i - 17);

		memset(record, 0, sizeof record);
		memcpy(record, i >= 1 && i <= 16 ? "MR.EXTEND" : "MEM.PAGE.ADD", i >= 1 && i <= 16 ? 9 : 12);
		for (unsigned k = 0; k < 8; k++)
			record[16 + k] = (uint8_t)(gpa >> (8 * k));
		br_sha384_update(&c, record, sizeof record);
		if (i >= 1 && i <= 16)
			br_sha384_update(&c, page + 256 * (i - 1), 256);
	}
	br_sha384_out(&c, out);
}

static void an_image_is_measured(void **state)
{
	uint8_t want[TDX_DIGEST_SIZE], got[TDX_DIGEST_SIZE], other[TDX_DIGEST_SIZE];

	(void)state;
	make_image();
	expected(want);
	assert_int_equal(tdx_measure_mrtd(all(), false, got, &n), OK);
	assert_memory_equal(got, want, sizeof want);
	assert_int_equal(tdx_measure_mrtd(all(), true, other, &n), OK);
	assert_memory_equal(got, other, sizeof got); /* one page a measured section: no difference */
	section(1, 0, 0, 0x800000, 8192, TDVF_EXTEND);
	assert_int_equal(tdx_measure_mrtd(all(), false, got, &n), OK);
	assert_int_equal(tdx_measure_mrtd(all(), true, other, &n), OK);
	assert_memory_not_equal(got, other, sizeof got);
	section(1, 0, 0, 0x800000, UINT64_C(1) << 40, TDVF_AUG);
	assert_int_equal(tdx_measure_mrtd(all(), false, got, &n), OK);
}

static void damage(size_t at, uint64_t v, size_t size, enum err want)
{
	uint8_t out[TDX_DIGEST_SIZE];

	make_image();
	put(at, v, size);
	assert_int_equal(tdx_measure_mrtd(all(), false, out, &n), want);
	assert_true(n.text[0] != 0);
}

static void damaged_images_are_refused(void **state)
{
	(void)state;
	damage(TABLE_END - 20, 0, 2, ERR_FORMAT);              /* another GUID: no metadata */
	damage(TABLE_END - 40, 0xffffffff, 4, ERR_FORMAT);     /* before the image */
	damage(TABLE_END - 40, 40, 4, ERR_FORMAT);             /* no TDVF there */
	damage(META + 8, 2, 4, ERR_FORMAT);                    /* version */
	damage(META + 12, 65, 4, ERR_FORMAT);                  /* too many sections */
	damage(META + 4, 16 + 63, 4, ERR_FORMAT);              /* smaller than its sections */
	damage(META + 16, 8192, 4, ERR_FORMAT);                /* bytes behind the image */
	damage(META + 16 + 4, 4097, 4, ERR_FORMAT);            /* more bytes than the section has */
	damage(META + 16 + 8, 0xfffff001, 4, ERR_FORMAT);      /* not on a page */
	damage(META + 16 + 16, 4095, 8, ERR_FORMAT);           /* not whole pages */
	damage(META + 16 + 16, UINT64_C(1) << 40, 8, ERR_LIMIT);
	damage(META + 16 + 8, 0xfffffffffffff000, 8, ERR_LIMIT); /* past the last address */
}

/* ---- event logs ---- */

static uint8_t log_bytes[512];
static struct writer w;

static void event(uint32_t reg, uint32_t type, uint16_t alg, uint8_t fill, uint32_t data)
{
	uint8_t digest[64];

	memset(digest, fill, sizeof digest);
	assert_int_equal(wr_u32le(&w, reg), OK);
	assert_int_equal(wr_u32le(&w, type), OK);
	assert_int_equal(wr_u32le(&w, 1), OK);
	assert_int_equal(wr_u16le(&w, alg), OK);
	assert_int_equal(wr_bytes(&w, slice_of(digest, alg == 12 ? 48 : 32)), OK);
	assert_int_equal(wr_u32le(&w, data), OK);
	assert_int_equal(wr_zero(&w, data), OK);
}

static void first(void)
{
	w = wr_of(log_bytes, sizeof log_bytes);
	assert_int_equal(wr_u32le(&w, 0), OK);
	assert_int_equal(wr_u32le(&w, 3), OK);
	assert_int_equal(wr_zero(&w, 20), OK);
	assert_int_equal(wr_u32le(&w, 33), OK);
	assert_int_equal(wr_bytes(&w, slice_of("Spec ID Event03", 16)), OK);
	assert_int_equal(wr_zero(&w, 17), OK);
}

static enum err replay(uint8_t fill, uint8_t rtmr[static 4][48], size_t *events)
{
	size_t used = wr_used(&w);

	memset(log_bytes + used, fill, sizeof log_bytes - used);
	n.text[0] = 0;
	return tdx_replay_ccel(slice_of(log_bytes, sizeof log_bytes), rtmr, events, &n);
}

static void a_log_is_replayed(void **state)
{
	uint8_t rtmr[4][48], want[48] = {0}, digest[48];
	size_t events;

	(void)state;
	first();
	event(1, 8, 12, 0x11, 0);
	event(3, 13, 12, 0x22, 7);
	event(0, 3, 12, 0x33, 5); /* says something, extends nothing */
	for (unsigned fill = 0; fill < 256; fill += 255) {
		assert_int_equal(replay((uint8_t)fill, rtmr, &events), OK);
		assert_int_equal(events, 2);
		memset(want, 0, sizeof want);
		memset(digest, 0x22, sizeof digest);
		tdx_rtmr_extend(want, digest);
		assert_memory_equal(rtmr[2], want, 48);
		memset(want, 0, sizeof want);
		assert_memory_equal(rtmr[1], want, 48);
		assert_memory_equal(rtmr[3], want, 48);
		assert_memory_not_equal(rtmr[0], want, 48);
	}
}

static void damaged_logs_are_refused(void **state)
{
	uint8_t rtmr[4][48];
	size_t events, used;

	(void)state;
	first();
	event(5, 8, 12, 1, 0);
	assert_int_equal(replay(0, rtmr, &events), ERR_RANGE);
	first();
	event(0, 8, 12, 1, 0);
	assert_int_equal(replay(0, rtmr, &events), ERR_RANGE);
	first();
	event(1, 8, 11, 1, 0); /* no SHA-384 */
	assert_int_equal(replay(0, rtmr, &events), ERR_FORMAT);
	first();
	event(1, 8, 99, 1, 0);
	assert_int_equal(replay(0, rtmr, &events), ERR_UNSUPPORTED);
	first();
	event(1, 8, 12, 1, 0);
	used = wr_used(&w);
	assert_int_equal(replay(7, rtmr, &events), ERR_FORMAT); /* neither events nor filling */
	for (size_t cut = 1; cut < used; cut++) {
		enum err err = tdx_replay_ccel(slice_of(log_bytes, cut), rtmr, &events, &n);

		assert_true(err != OK || cut == used - 66); /* the end of the first event */
	}
	log_bytes[32] ^= 1;
	assert_int_equal(replay(0, rtmr, &events), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_measured),
		cmocka_unit_test(damaged_images_are_refused),
		cmocka_unit_test(a_log_is_replayed),
		cmocka_unit_test(damaged_logs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
