/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports and quotes are made here with a key of ours: the judge of the hardware refuses them at the end, and each
 * mutation has to fail before, for its own reason.
 */
#include "client/attest/vtpm.h"

#include "client/attest/policy_rules.h"
#include "lib/attest/hcl.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DATA = 32 + HCL_HARDWARE_SIZE, KEYS = DATA + 20, HCL_ROOM = KEYS + 2048, MESSAGE_ROOM = 256 };

static EVP_PKEY *key;

struct evidence {
	uint8_t hcl[HCL_ROOM], message[MESSAGE_ROOM], signature[256], pcrs[VTPM_PCRS][32];
	size_t hcl_size, message_size;
};

static void base64url(const BIGNUM *n, char *out)
{
	uint8_t bytes[256];
	int size = BN_bn2bin(n, bytes);
	size_t length = (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, size);

	for (; length > 0 && out[length - 1] == '='; length--)
		out[length - 1] = 0;
	for (; *out != 0; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

static void put32(uint8_t *at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

/* The report's data once more over the keys. */
static void digest_keys(struct evidence *e)
{
	SHA256(e->hcl + KEYS, e->hcl_size - KEYS, e->hcl + 32 + 0x50);
}

static void set_keys(struct evidence *e, const char *id, int copies)
{
	BIGNUM *n = NULL;
	char number[400], one[600], keys[1400] = "{\"keys\":[";

	assert_true(EVP_PKEY_get_bn_param(key, "n", &n));
	base64url(n, number);
	BN_free(n);
	snprintf(one, sizeof one, "{\"kid\":\"%s\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", id, number);
	for (int i = 0; i < copies; i++)
		snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", i > 0 ? "," : "", one);
	snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "]}");
	e->hcl_size = KEYS + strlen(keys);
	memcpy(e->hcl + KEYS, keys, strlen(keys));
	put32(e->hcl + DATA + 16, (uint32_t)strlen(keys));
	digest_keys(e);
}

static void sign(struct evidence *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = sizeof e->signature;

	assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestSign(ctx, e->signature, &size, e->message, e->message_size) == 1);
	EVP_MD_CTX_free(ctx);
}

/* PCRs 0 to 23 of one bank, asked over "fresh". */
static void make(struct evidence *e)
{
	static const uint8_t message[] = {0xff, 'T', 'C', 'G', 0x80, 0x18, 0,   2,  'i',
	                                  'd',  0,   5,   'f', 'r',  'e',  's', 'h'};
	static const uint8_t selection[] = {0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0xff, 0xff, 0, 32};

	memset(e, 0, sizeof *e);
	memcpy(e->hcl, "HCLA", 4);
	put32(e->hcl + DATA + 4, 1);
	put32(e->hcl + DATA + 8, HCL_SNP);
	put32(e->hcl + DATA + 12, 1);
	set_keys(e, "HCLAkPub", 1);
	for (unsigned i = 0; i < VTPM_PCRS; i++)
		memset(e->pcrs[i], (int)i, 32);
	memcpy(e->message, message, sizeof message);
	memcpy(e->message + sizeof message + 25, selection, sizeof selection);
	e->message_size = sizeof message + 25 + sizeof selection + 32;
	SHA256(e->pcrs[0], sizeof e->pcrs, e->message + e->message_size - 32);
	sign(e);
}

static void is(const char *id, const struct evidence *e, const char *nonce, struct policy *p)
{
	const struct slice asked = slice_text(nonce);
	struct policy none = {.snp.accepted = true};
	struct vtpm_input in = {.hcl = slice_of(e->hcl, e->hcl_size),
	                        .message = slice_of(e->message, e->message_size),
	                        .signature = slice_of(e->signature, sizeof e->signature),
	                        .pcrs = e->pcrs,
	                        .nonce = &asked,
	                        .policy = p != NULL ? p : &none,
	                        .at = 1750000000};
	struct verdict v;

	vtpm_verify(&in, &v);
	assert_false(v.ok);
	if (strcmp(id, "snp.") == 0)
		assert_int_equal(strncmp(verdict_reason(&v)->id, "snp.", 4), 0);
	else
		assert_string_equal(verdict_reason(&v)->id, id);
}

static void a_right_one_gets_to_the_hardware(void **state)
{
	struct evidence e;

	(void)state;
	make(&e);
	is("snp.", &e, "fresh", NULL);
}

static void each_check_can_fail(void **state)
{
	struct evidence e;
	struct policy p = {0};

	(void)state;
	make(&e);
	is("vtpm.tpm.nonce", &e, "stale", NULL);
	is("vtpm.tee", &e, "fresh", &p);
	p.tdx.accepted = true;
	put32(e.hcl + DATA + 8, HCL_TDX);
	memcpy(e.hcl + 32 + 128, e.hcl + 32 + 0x50, 32);
	memset(e.hcl + 32 + 128 + 32, 0, 32);
	is("vtpm.td.report_data", &e, "fresh", &p);
	make(&e);
	e.hcl[32 + 0x50 + 40] = 1; /* behind the digest is nothing */
	is("vtpm.hcl.report_data", &e, "fresh", NULL);
	make(&e);
	e.hcl[KEYS] ^= 1;
	is("vtpm.hcl.report_data", &e, "fresh", NULL);
	make(&e);
	set_keys(&e, "HCLEkPub", 1);
	is("vtpm.ak.read", &e, "fresh", NULL);
	set_keys(&e, "HCLAkPub", 2);
	is("vtpm.ak.read", &e, "fresh", NULL);
	make(&e);
	e.signature[7] ^= 1;
	is("vtpm.tpm.signature", &e, "fresh", NULL);
	make(&e);
	e.pcrs[23][0] ^= 1;
	is("vtpm.tpm.pcrs", &e, "fresh", NULL);
	make(&e);
	e.message[17 + 25 + 5] = 4; /* SHA-1 */
	sign(&e);
	is("vtpm.tpm.bank", &e, "fresh", NULL);
	make(&e);
	e.message[5] = 0x17;
	sign(&e);
	is("vtpm.tpm.read", &e, "fresh", NULL);
	make(&e);
	e.message[e.message_size++] = 0;
	sign(&e);
	is("vtpm.tpm.read", &e, "fresh", NULL);
}

static void what_is_cut_is_refused(void **state)
{
	struct evidence e, cut;

	(void)state;
	make(&e);
	for (size_t n = 0; n < e.hcl_size; n += 7) {
		cut = e;
		cut.hcl_size = n;
		is("vtpm.hcl.read", &cut, "fresh", NULL);
	}
	for (size_t n = 0; n < e.message_size; n++) {
		cut = e;
		cut.message_size = n;
		is("vtpm.tpm.read", &cut, "fresh", NULL);
	}
}

/* A TD report needs a quote that nobody can make: a real one, and the report beside it changed. */
static void a_td_quote_is_of_this_td(void **state)
{
	static const char *const names[] = {"hcl.bin", "quote.msg", "quote.sig", "td-quote.bin"};
	struct policy p = {.tdx.accepted = true};
	struct slice files[ARRAY_COUNT(names)];
	struct vtpm_input in = {.policy = &p, .at = 1717200000};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		char path[128];

		snprintf(path, sizeof path, "../shared/vectors/vtpm/tdx-806f05/%s", names[i]);
		if (file_read(path, 65536, &files[i], NULL) != OK) {
			print_message("SKIPPED, nothing is tested: no %s\n", path);
			skip();
		}
	}
	in.hcl = files[0];
	in.message = files[1];
	in.signature = files[2];
	in.td_quote = files[3];
	vtpm_verify(&in, &v);
	for (size_t i = 0; i < v.check_count; i++)
		assert_false(strncmp(v.checks[i].id, "vtpm.", 5) == 0 && v.checks[i].result == CHECK_FAIL);
	((uint8_t *)(uintptr_t)files[0].data)[32 + 528] ^= 1;
	vtpm_verify(&in, &v);
	assert_string_equal(verdict_reason(&v)->id, "vtpm.td.mrtd");
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		free((void *)(uintptr_t)files[i].data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_right_one_gets_to_the_hardware),
	        cmocka_unit_test(each_check_can_fail),
	        cmocka_unit_test(what_is_cut_is_refused),
	        cmocka_unit_test(a_td_quote_is_of_this_td),
	};
	int failed;

	key = EVP_RSA_gen(2048);
	if (key == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
