/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs made here open for each recipient and for nobody else, and hold what was asked for. */
#include "client/attest/pef_make.h"

#include "client/attest/pef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static EVP_PKEY *keys[2], *stranger;
static uint8_t blob[PEF_BLOB_MAX];
static size_t size;

static struct pef_plan plan(void)
{
	return (struct pef_plan){
	        keys, 2, slice_text("rtas"), slice_text("kernel"), slice_text("initrd"), slice_text("args")};
}

static void make(void)
{
	const struct pef_plan p = plan();
	struct writer w = wr_of(blob, sizeof blob);
	struct note n = {""};

	assert_int_equal(pef_esm_make(&p, &w, &n), OK);
	size = wr_used(&w);
}

static struct verdict judge(EVP_PKEY *key, const char *kernel, struct esm_digests *d)
{
	static uint8_t room[PEF_DIGESTS_MAX];
	const struct pef_plan p = plan();
	const struct pef_input in = {slice_of(blob, size), key, true, slice_text(kernel), p.initrd, p.bootargs, NULL};
	struct verdict v;

	pef_esm_verify(&in, room, d, &v);
	return v;
}

static void each_recipient_opens_it(void **state)
{
	uint8_t rtas[SHA512_DIGEST_LENGTH];
	struct esm_digests d;

	(void)state;
	make();
	for (size_t i = 0; i < 2; i++)
		assert_true(judge(keys[i], "kernel", &d).ok);
	SHA512((const unsigned char *)"rtas", 4, rtas);
	assert_memory_equal(d.rtas.data, rtas, sizeof rtas);
	assert_int_equal(d.kernel_size, 6);
}

static void nobody_else_does(void **state)
{
	struct esm_digests d;
	struct verdict v;

	(void)state;
	make();
	v = judge(stranger, "kernel", &d);
	assert_string_equal(verdict_reason(&v)->id, "pef.recipient");
	v = judge(keys[1], "another", &d);
	assert_string_equal(verdict_reason(&v)->id, "pef.kernel");
}

static void two_blobs_share_no_secret(void **state)
{
	uint8_t first[PEF_BLOB_MAX];
	struct esm a, b;

	(void)state;
	make();
	memcpy(first, blob, size);
	assert_int_equal(esm_parse(slice_of(first, size), &a), OK);
	make();
	assert_int_equal(esm_parse(slice_of(blob, size), &b), OK);
	assert_false(slice_equal(a.iv, b.iv) || slice_equal(a.ciphertext, b.ciphertext) ||
	             slice_equal(a.lockboxes[0].symkey, b.lockboxes[0].symkey));
}

static void what_cannot_be_made_is_refused(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024);
	EVP_PKEY *wrong[] = {keys[0], ec};
	struct pef_plan p = plan();
	struct writer w = wr_of(blob, sizeof blob);
	struct note n = {""};

	(void)state;
	p.count = 0;
	assert_int_equal(pef_esm_make(&p, &w, &n), ERR_INVALID);
	p.count = ESM_LOCKBOX_MAX + 1;
	assert_int_equal(pef_esm_make(&p, &w, NULL), ERR_INVALID);
	p.count = 2;
	p.recipients = wrong;
	assert_int_equal(pef_esm_make(&p, &w, NULL), ERR_INVALID);
	wrong[1] = small;
	n.text[0] = 0;
	assert_int_equal(pef_esm_make(&p, &w, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "recipient 2"));
	p.recipients = keys;
	for (size_t room = 0; room < size; room += 97) {
		w = wr_of(blob, room);
		assert_int_equal(pef_esm_make(&p, &w, NULL), ERR_SPACE);
	}
	EVP_PKEY_free(ec);
	EVP_PKEY_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_recipient_opens_it),
	        cmocka_unit_test(nobody_else_does),
	        cmocka_unit_test(two_blobs_share_no_secret),
	        cmocka_unit_test(what_cannot_be_made_is_refused),
	};
	int failed;

	keys[0] = EVP_RSA_gen(2048);
	keys[1] = EVP_RSA_gen(2048);
	stranger = EVP_RSA_gen(2048);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	EVP_PKEY_free(stranger);
	return failed;
}
