/* SPDX-License-Identifier: Apache-2.0 */
/* A small image with tables like those of OVMF, made here; what it measures to was computed by another program. */
#include "lib/measure/launch.h"

#include "lib/base/hex.h"
#include "lib/base/rw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { IMAGE_SIZE = 2 * 4096, METADATA_FROM_END = 0x400 };

static uint8_t image[IMAGE_SIZE];
static size_t table_at; /* entries are put before here */

static void put(size_t at, uint32_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

static void put_entry(const char *guid_hex, uint32_t value)
{
	assert_int_equal(hex_decode(slice_text(guid_hex), image + table_at - 16, 16), OK);
	put(table_at - 18, 22, 2);
	put(table_at - 22, value, 4);
	table_at -= 22;
}

#define HASHES   "1f3755723b3a044b927b1da6efa8d454"
#define RESET    "de71f7007e1acb4f890e68c77e2fb44e"
#define METADATA "666588dc4a989847a75e5585a7bf67cc"
#define FOOTER   "de82b596b21ff745baeaa366c55a082d"

static void put_section(unsigned i, uint32_t gpa, uint32_t size, uint32_t type)
{
	size_t at = IMAGE_SIZE - METADATA_FROM_END + 16 + 12 * i;

	put(at, gpa, 4);
	put(at + 4, size, 4);
	put(at + 8, type, 4);
}

static void put_footer(void)
{
	assert_int_equal(hex_decode(slice_text(FOOTER), image + IMAGE_SIZE - 32 - 16, 16), OK);
	put(IMAGE_SIZE - 32 - 18, (uint32_t)(IMAGE_SIZE - 32 - table_at), 2);
}

static void good(void)
{
	size_t m = IMAGE_SIZE - METADATA_FROM_END;

	memset(image, 0x90, sizeof image);
	table_at = IMAGE_SIZE - 32 - 18;
	put_entry(HASHES, 0x810c00);
	put_entry(RESET, 0x80b004);
	put_entry(METADATA, METADATA_FROM_END);
	put_footer();
	memcpy(image + m, "ASEV", 4);
	put(m + 4, 16 + 12 * 5, 4);
	put(m + 8, 1, 4);
	put(m + 12, 5, 4);
	put_section(0, 0x800000, 0x2000, OVMF_SEC_MEMORY);
	put_section(1, 0x80d000, 0x1000, OVMF_SECRETS);
	put_section(2, 0x80e000, 0x1000, OVMF_CPUID);
	put_section(3, 0x80f000, 0x1000, OVMF_SVSM_CAA);
	put_section(4, 0x810000, 0x2000, OVMF_KERNEL_HASHES);
}

static struct launch base(void)
{
	return (struct launch){.vmm = LAUNCH_QEMU, .firmware = slice_of(image, sizeof image), .vcpus = 2,
			       .vcpu_signature = launch_cpu_signature(25, 1, 1), .features = 1};
}

static void tables_are_read(void **state)
{
	struct ovmf t;

	(void)state;
	good();
	assert_int_equal(ovmf_parse(slice_of(image, sizeof image), &t, NULL), OK);
	assert_int_equal(t.hash_gpa, 0x810c00);
	assert_int_equal(t.reset_eip, 0x80b004);
	assert_int_equal(t.section_count, 5);
	assert_int_equal(t.sections[4].gpa, 0x810000);
	assert_int_equal(t.sections[4].type, OVMF_KERNEL_HASHES);
}

static void refused(enum err want, const char *words)
{
	struct ovmf t;
	struct note n = {""};
	enum err err = ovmf_parse(slice_of(image, sizeof image), &t, &n);

	if (err != want || strstr(n.text, words) == NULL)
		fail_msg("%s: %s, expected %s: %s", err_text(err), n.text, err_text(want), words);
}

static void damaged_tables_are_refused(void **state)
{
	(void)state;
	good();
	image[IMAGE_SIZE - 40] ^= 1;
	refused(ERR_FORMAT, "no firmware table");
	good();
	put(IMAGE_SIZE - 32 - 18, 17, 2);
	refused(ERR_FORMAT, "which is not its size");
	good();
	put(IMAGE_SIZE - 32 - 18, 0xffff, 2);
	refused(ERR_FORMAT, "which is not its size");
	good();
	put(IMAGE_SIZE - 32 - 18 - 18, 17, 2); /* the first entry */
	refused(ERR_FORMAT, "does not fit");
	good();
	put(IMAGE_SIZE - 32 - 18 - 18, 500, 2);
	refused(ERR_FORMAT, "does not fit");
	good();
	put_entry(RESET, 1);
	put_footer();
	refused(ERR_FORMAT, "there twice");
	for (unsigned i = 0; i < 3; i++) { /* magic, version, count */
		good();
		put(IMAGE_SIZE - METADATA_FROM_END + (i == 0 ? 0 : 4 + 4 * i), 200, 4);
		refused(ERR_FORMAT, "metadata is damaged");
	}
	good();
	table_at = IMAGE_SIZE - 32 - 18;
	put_entry(METADATA, IMAGE_SIZE + 1);
	put_footer();
	refused(ERR_FORMAT, "metadata is damaged");
	for (size_t size = 0; size < 200; size++) { /* only the end of the image: no read before its start */
		struct ovmf t;

		good();
		assert_int_equal(ovmf_parse(slice_of(image + IMAGE_SIZE - size, size), &t, NULL), ERR_FORMAT);
	}
}

static void assert_digest(const uint8_t *digest, size_t size, const char *want)
{
	char text[2 * 48 + 1];

	hex_encode(slice_of(digest, size), text);
	assert_string_equal(text, want);
}

#include "lib/measure/launch_test_values.h"

static void digests_are_those_of_another_program(void **state)
{
	struct launch_kernel k;
	uint8_t digest[48];

	(void)state;
	good();
	memset(&k, 0xaa, sizeof k.kernel);
	memset(k.initrd, 0xbb, sizeof k.initrd);
	memset(k.cmdline, 0xcc, sizeof k.cmdline);
	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		struct launch l = base();

		l.vmm = values[i].vmm;
		l.kernel = values[i].kernel ? &k : NULL;
		if (values[i].mode == 's') {
			assert_int_equal(launch_measure_snp(&l, digest, NULL), OK);
			assert_digest(digest, 48, values[i].digest);
		} else {
			assert_int_equal(launch_measure_sev(&l, values[i].mode == 'e', digest, NULL), OK);
			assert_digest(digest, 32, values[i].digest);
		}
	}
}

/* Whatever is told to the launch changes the digest. */
static void everything_counts(void **state)
{
	uint8_t first[48], other[48];
	struct launch l = base();

	(void)state;
	good();
	assert_int_equal(launch_measure_snp(&l, first, NULL), OK);
	for (int i = 0; i < 7; i++) {
		good();
		l = base();
		switch (i) {
		case 0: l.vcpus = 3; break;
		case 1: l.vcpu_signature++; break;
		case 2: l.features |= 32; break;
		case 3: l.vmsa_gpa = 0x1000; break;
		case 4: image[0] ^= 1; break;
		case 5: put_section(3, 0x80f000, 0x1000, OVMF_SEC_MEMORY); break; /* also changes the image */
		default: l.vmm = LAUNCH_GCE; break;
		}
		assert_int_equal(launch_measure_snp(&l, other, NULL), OK);
		assert_memory_not_equal(first, other, sizeof first);
	}
}

static void what_would_not_be_measured_is_refused(void **state)
{
	struct launch_kernel k = {{0}, {0}, {0}};
	struct launch l = base();
	struct note n = {""};
	uint8_t digest[48];

	(void)state;
	l.kernel = &k;
	good();
	put_section(4, 0x810000, 0x1000, OVMF_SVSM_CAA);
	assert_int_equal(launch_measure_snp(&l, digest, &n), ERR_UNSUPPORTED);
	assert_non_null(strstr(n.text, "no place for kernel hashes"));
	good();
	put_section(4, 0x820000, 0x1000, OVMF_KERNEL_HASHES);
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_UNSUPPORTED);
	good();
	put_section(0, 0x800000, 0x1000, 9);
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_UNSUPPORTED);
	good();
	put_section(0, 0x800800, 0x1000, OVMF_SEC_MEMORY);
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_FORMAT);
	good();
	put_section(0, 0x800000, 0, OVMF_SEC_MEMORY);
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_FORMAT);
	good();
	table_at = IMAGE_SIZE - 32 - 18;
	put_entry(RESET, 1);
	put_footer();
	assert_int_equal(launch_measure_sev(&l, true, digest, NULL), ERR_UNSUPPORTED);
	l.vcpus = 0;
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_RANGE);
	l.vcpus = LAUNCH_VCPUS_MAX + 1;
	assert_int_equal(launch_measure_snp(&l, digest, NULL), ERR_RANGE);
}

static void cpu_signatures_follow_the_manual(void **state)
{
	(void)state;
	assert_int_equal(launch_cpu_signature(23, 1, 2), 0x800f12);
	assert_int_equal(launch_cpu_signature(25, 17, 1), 0xa10f11);
	assert_int_equal(launch_cpu_signature(6, 0x9e, 9), 0x906e9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_read),
		cmocka_unit_test(damaged_tables_are_refused),
		cmocka_unit_test(digests_are_those_of_another_program),
		cmocka_unit_test(everything_counts),
		cmocka_unit_test(what_would_not_be_measured_is_refused),
		cmocka_unit_test(cpu_signatures_follow_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
