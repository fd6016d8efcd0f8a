/* SPDX-License-Identifier: Apache-2.0 */
/* ID blocks made here are good to the judge, say what was asked, and nothing is made of keys or policies that do not
 * fit. */
#include "client/attest/snp_id_sign.h"

#include "client/attest/snp_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t digest[48] = {1, 2, 3}, family[16] = {4}, image[16] = {5};
static uint8_t block[SNP_ID_BLOCK_SIZE], auth[SNP_ID_AUTH_SIZE];
static EVP_PKEY *id, *author, *other;

static struct snp_id_block fields(uint64_t policy)
{
	return (struct snp_id_block){.launch_digest = slice_of(digest, 48),
	                             .family_id = slice_of(family, 16),
	                             .image_id = slice_of(image, 16),
	                             .guest_svn = 7,
	                             .policy = policy};
}

static enum err make(EVP_PKEY *id_key, EVP_PKEY *author_key, uint64_t policy, struct note *n)
{
	const struct snp_id_block f = fields(policy);

	return snp_id_sign(&f, id_key, author_key, block, auth, n);
}

static struct verdict judge(bool with_author, struct snp_id_digests *d)
{
	struct snp_id_input in = {slice_of(block, sizeof block), slice_of(auth, sizeof auth), with_author};
	struct verdict v;

	snp_id_verify(&in, d, &v);
	return v;
}

static void key_digest_is(EVP_PKEY *key, const uint8_t want[static 48])
{
	uint8_t bytes[SNP_ID_KEY_SIZE], got[48];

	assert_int_equal(snp_id_key_bytes(key, bytes), OK);
	assert_int_equal(snp_id_key_digest(slice_of(bytes, sizeof bytes), got), OK);
	assert_memory_equal(got, want, 48);
}

static void a_block_with_an_author_is_good(void **state)
{
	struct snp_id_digests d;
	struct snp_id_block b;
	struct note n = {""};

	(void)state;
	assert_int_equal(make(id, author, 0x30000, &n), OK);
	assert_true(judge(true, &d).ok);
	key_digest_is(id, d.id_key);
	key_digest_is(author, d.author_key);
	assert_int_equal(snp_id_block_parse(slice_of(block, sizeof block), &b), OK);
	assert_true(slice_equal(b.launch_digest, slice_of(digest, 48)) &&
	            slice_equal(b.family_id, slice_of(family, 16)) && slice_equal(b.image_id, slice_of(image, 16)));
	assert_true(b.version == 1 && b.guest_svn == 7 && b.policy == 0x30000);
}

static void without_an_author_its_place_is_zero(void **state)
{
	static const uint8_t zero[SNP_ID_AUTH_SIZE - 1664];
	static const uint8_t none[48];
	struct snp_id_digests d;
	struct note n = {""};

	(void)state;
	assert_int_equal(make(id, NULL, 0x30000, &n), OK);
	assert_true(judge(false, &d).ok);
	assert_false(judge(true, &d).ok);
	judge(false, &d);
	assert_memory_equal(d.author_key, none, 48);
	assert_memory_equal(auth + 1664, zero, sizeof zero);
}

static void a_changed_block_is_not_signed(void **state)
{
	struct snp_id_digests d;
	struct note n = {""};

	(void)state;
	assert_int_equal(make(id, author, 0x30000, &n), OK);
	for (size_t i = 0; i < sizeof block; i += 5) {
		block[i] ^= 1;
		assert_false(judge(true, &d).ok);
		block[i] ^= 1;
	}
	assert_true(judge(true, &d).ok);
}

static void what_does_not_fit_is_refused_in_words(void **state)
{
	struct note n = {""};

	(void)state;
	assert_int_equal(make(other, NULL, 0x30000, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "id key"));
	n.text[0] = 0;
	assert_int_equal(make(id, other, 0x30000, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "author key"));
	n.text[0] = 0;
	assert_int_equal(make(id, NULL, 0x10000, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "bit 17"));
	n.text[0] = 0;
	assert_int_equal(make(id, NULL, 0x4030000, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "policy"));
}

static void a_field_of_another_size_is_refused(void **state)
{
	struct snp_id_block f = fields(0x30000);
	struct note n = {""};

	(void)state;
	f.launch_digest.size = 47;
	assert_int_equal(snp_id_sign(&f, id, NULL, block, auth, &n), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_block_with_an_author_is_good),
	        cmocka_unit_test(without_an_author_its_place_is_zero),
	        cmocka_unit_test(a_changed_block_is_not_signed),
	        cmocka_unit_test(what_does_not_fit_is_refused_in_words),
	        cmocka_unit_test(a_field_of_another_size_is_refused),
	};
	int failed;

	id = EVP_EC_gen("P-384");
	author = EVP_EC_gen("P-384");
	other = EVP_EC_gen("P-256");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(id);
	EVP_PKEY_free(author);
	EVP_PKEY_free(other);
	return failed;
}
