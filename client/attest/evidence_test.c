/* SPDX-License-Identifier: Apache-2.0 */
/* Baked evidence as files come: any armour, any order and company of collateral; what is not there is missed. */
#include "client/attest/evidence.h"

#include "lib/base/hex.h"
#include "test/attest/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct recipe r;
static struct baked *b;

static int set_up(void **state)
{
	(void)state;
	if (!recipe_load_keys())
		return -1;
	recipe_good(&r);
	b = bake(&r);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	baked_free(b);
	recipe_free_keys();
	return 0;
}

static struct slice root(void)
{
	return slice_of(b->root, b->root_size);
}

static struct slice issuer(void)
{
	return slice_of(b->issuer, b->issuer_size);
}

static struct slice platform(void)
{
	return slice_of(b->platform, b->platform_size);
}

static struct slice crl(void)
{
	return slice_of(b->crl, b->crl_size);
}

static struct slice report(void)
{
	return slice_of(b->report, sizeof b->report);
}

static void add(struct collateral *c, struct slice s)
{
	struct note n = {""};

	if (collateral_add(c, s, "piece", &n) != OK)
		fail_msg("%s", n.text);
}

static void judge(struct slice file, const struct collateral *set, struct verdict *v)
{
	struct evidence e;
	struct note n = {""};
	struct evidence_input in = {.evidence = &e, .collateral = set, .policy = &r.policy, .at = RECIPE_AT};

	if (evidence_open(file, &e, &n) != OK)
		fail_msg("%s", n.text);
	if (evidence_takes_report_data(e.kind))
		in.report_data = slice_of(r.want_data, 64);
	evidence_verify(&in, v);
	evidence_close(&e);
}

static void accepted(struct slice file, const struct collateral *set)
{
	struct verdict v;
	const struct check *why;

	judge(file, set, &v);
	why = verdict_reason(&v);
	if (!v.ok)
		fail_msg("refused: %s: %s", why != NULL ? why->id : "", why != NULL ? why->found : "");
}

static void refused(struct slice file, const struct collateral *set, const char *id)
{
	struct verdict v;

	judge(file, set, &v);
	assert_false(v.ok);
	for (size_t i = 0; i < v.check_count; i++)
		if (v.checks[i].result == CHECK_FAIL && strcmp(v.checks[i].id, id) == 0)
			return;
	fail_msg("refused, but not for %s but for %s", id, verdict_reason(&v)->id);
}

static struct collateral *all(void)
{
	struct collateral *c = collateral_new();

	add(c, crl());
	add(c, platform());
	add(c, root());
	add(c, issuer());
	return c;
}

/* ---- a report with collateral ---- */

static void collateral_comes_in_any_order(void **state)
{
	struct slice pieces[] = {root(), issuer(), platform(), crl()};

	(void)state;
	for (size_t first = 0; first < 4; first++) {
		struct collateral *c = collateral_new();

		for (size_t i = 0; i < 4; i++)
			add(c, pieces[(first + i) % 4]);
		accepted(report(), c);
		collateral_free(c);
	}
}

static void each_piece_is_missed(void **state)
{
	static const char *const ids[] = {"snp.root.read", "snp.ca.read", "snp.key.read", "snp.crl.read"};
	struct slice pieces[] = {root(), issuer(), platform(), crl()};

	(void)state;
	for (size_t without = 0; without < 4; without++) {
		struct collateral *c = collateral_new();

		for (size_t i = 0; i < 4; i++)
			if (i != without)
				add(c, pieces[i]);
		refused(report(), c, ids[without]);
		collateral_free(c);
	}
	refused(report(), NULL, "snp.key.read");
}

/* Another chip's key stands before ours, another issuer of the same name, another product's list. */
static void what_fits_is_chosen(void **state)
{
	struct recipe other = r;
	struct baked *o;
	struct collateral *c = collateral_new();

	(void)state;
	other.platform.key = KEY_P256;
	other.issuer.key = KEY_SMALL;
	other.platform.sign.by = KEY_SMALL;
	other.crl.from = "20250101000000Z";
	o = bake(&other);
	add(c, slice_of(o->platform, o->platform_size));
	add(c, slice_of(o->issuer, o->issuer_size));
	add(c, slice_text("a note of somebody's"));
	add(c, slice_of(o->crl, o->crl_size));
	add(c, crl());
	add(c, platform());
	add(c, issuer());
	add(c, root());
	accepted(report(), c);
	baked_free(o);
	collateral_free(c);
}

/* The newest list that is not from the future counts: an old one that knows of no revocation does not help. */
static void the_newest_list_counts(void **state)
{
	struct recipe revoking = r;
	struct baked *o;
	struct collateral *c = all();

	(void)state;
	revoking.crl.from = "20250901000000Z";
	revoking.crl.revoked[0] = r.issuer.serial;
	o = bake(&revoking);
	add(c, slice_of(o->crl, o->crl_size));
	refused(report(), c, "snp.crl.ca");
	collateral_free(c);
	baked_free(o);
	revoking.crl.from = "20260101000000Z"; /* after RECIPE_AT */
	o = bake(&revoking);
	c = collateral_new();
	add(c, slice_of(o->crl, o->crl_size));
	add(c, root());
	add(c, issuer());
	add(c, platform());
	refused(report(), c, "snp.crl.time");
	add(c, crl());
	accepted(report(), c);
	collateral_free(c);
	baked_free(o);
}

/* ---- armour and containers ---- */

static size_t pem(char *out, size_t room, const char *label, struct slice der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	size_t size;

	PEM_write_bio(bio, label, "", der.data, (long)der.size);
	size = (size_t)BIO_get_mem_data(bio, &data);
	assert_true(size < room);
	memcpy(out, data, size);
	BIO_free(bio);
	return size;
}

static void pem_holds_several(void **state)
{
	static char text[32768];
	struct collateral *c = collateral_new();
	size_t n = 0;

	(void)state;
	n += pem(text + n, sizeof text - n, "CERTIFICATE", issuer());
	n += pem(text + n, sizeof text - n, "CERTIFICATE", root());
	n += pem(text + n, sizeof text - n, "X509 CRL", crl());
	add(c, slice_of(text, n));
	assert_int_equal(c->count, 3);
	assert_string_equal(c->piece[1].name, "ARK-Milan");
	add(c, platform());
	accepted(report(), c);
	collateral_free(c);
}

static void a_report_may_be_text(void **state)
{
	char hex[2 * SNP_REPORT_SIZE + 1];
	unsigned char base64[2 * SNP_REPORT_SIZE];
	struct collateral *c = all();

	(void)state;
	hex_encode(report(), hex);
	accepted(slice_text(hex), c);
	EVP_EncodeBlock(base64, b->report, SNP_REPORT_SIZE);
	accepted(slice_text((const char *)base64), c);
	collateral_free(c);
}

/* One row a certificate: GUID, offset, size. The GUIDs are not believed, so one serves. */
static size_t table(uint8_t *out, const struct slice *pieces, size_t count)
{
	static const uint8_t guid[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
	                                 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
	size_t at = (count + 1) * 24;

	memset(out, 0, at);
	for (size_t i = 0; i < count; i++) {
		uint8_t *row = out + i * 24;

		memcpy(row, guid, sizeof guid);
		for (unsigned k = 0; k < 4; k++) {
			row[16 + k] = (uint8_t)(at >> (8 * k));
			row[20 + k] = (uint8_t)(pieces[i].size >> (8 * k));
		}
		memcpy(out + at, pieces[i].data, pieces[i].size);
		at += pieces[i].size;
	}
	return at;
}

static void a_report_may_bring_its_table(void **state)
{
	static uint8_t file[32768];
	const struct slice pieces[] = {root(), issuer(), platform(), crl()};
	size_t size;

	(void)state;
	memcpy(file, b->report, SNP_REPORT_SIZE);
	size = SNP_REPORT_SIZE + table(file + SNP_REPORT_SIZE, pieces, 4);
	accepted(slice_of(file, size), NULL);
	refused(slice_of(file, size - 1), NULL, "snp.crl.read"); /* the last piece points outside: cut off */
	file[SNP_REPORT_SIZE + 16 + 3] = 0x7f;                   /* the first one's offset */
	refused(slice_of(file, size), NULL, "snp.root.read");
}

static void an_envelope_is_judged_alone_or_with_more(void **state)
{
	struct slice file = slice_of(b->envelope, b->envelope_size);
	struct collateral *c = collateral_new();
	struct recipe bare = r;
	struct baked *o;

	(void)state;
	accepted(file, NULL);
	add(c, slice_text("nothing of use"));
	accepted(file, c);
	bare.crl.present = false;
	o = bake(&bare);
	refused(slice_of(o->envelope, o->envelope_size), c, "snp.crl.read");
	add(c, crl());
	add(c, file); /* what is stapled to one serves another */
	collateral_free(c);
	baked_free(o);
}

/* ---- demands, limits, strangers ---- */

static void the_binding_is_asked(void **state)
{
	struct collateral *c = all();
	struct evidence e;
	struct verdict v;
	uint8_t wrong[64] = {1};
	const struct slice nonce = slice_text("nonce");
	struct evidence_input in = {.evidence = &e, .collateral = c, .policy = &r.policy, .at = RECIPE_AT};

	(void)state;
	assert_int_equal(evidence_open(report(), &e, NULL), OK);
	in.report_data = slice_of(wrong, sizeof wrong);
	evidence_verify(&in, &v);
	assert_false(v.ok);
	in.report_data = slice_of(r.want_data, 64);
	in.nonce = &nonce;
	evidence_verify(&in, &v);
	assert_false(v.ok);
	assert_string_equal(v.checks[v.check_count - 1].id, "evidence.nonce");
	evidence_close(&e);
	collateral_free(c);
}

static void a_policy_that_does_not_name_it_refuses(void **state)
{
	static const struct {
		const char *file;
		size_t size;
		enum evidence_kind kind;
	} rows[] = {
	        {"\xd2\x84\x44\xa1\x01\x38\x22\xa0", 8, EVIDENCE_NITRO},
	        {"HCLA\x02\0\0\0", 8, EVIDENCE_VTPM},
	        {"\x04\0\x02\0\x81\0\0\0                                                  ", 56, EVIDENCE_QUOTE},
	        {"\x03\0\x02\0\0\0\0\0                                                  ", 56, EVIDENCE_QUOTE},
	};
	struct policy none = {.measurements = {0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct evidence e;
		struct verdict v;
		struct evidence_input in = {.evidence = &e, .policy = &none, .at = RECIPE_AT};

		assert_int_equal(evidence_open(slice_of(rows[i].file, rows[i].size), &e, NULL), OK);
		assert_int_equal(e.kind, rows[i].kind);
		evidence_verify(&in, &v);
		assert_false(v.ok);
		assert_string_equal(v.checks[0].id, "evidence.tee");
		assert_int_equal(v.checks[0].result, CHECK_FAIL);
		evidence_close(&e);
	}
}

static void strangers_are_no_evidence(void **state)
{
	static const char *const files[] = {
	        "",
	        "x",
	        "tee = [\"snp\"]\n",
	        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
	        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		struct evidence e;
		struct note n = {""};

		assert_int_equal(evidence_open(slice_text(files[i]), &e, &n), ERR_FORMAT);
		assert_non_null(strstr(n.text, "no evidence that is known"));
	}
}

static void a_set_has_its_limits(void **state)
{
	struct collateral *c = collateral_new();
	struct note n = {""};
	static uint8_t big[COLLATERAL_SIZE_MAX];
	char text[20];
	int i;

	(void)state;
	for (i = 0; i < COLLATERAL_PIECES_MAX; i++) {
		snprintf(text, sizeof text, "%d", i);
		add(c, slice_text(text));
		add(c, slice_text(text)); /* twice the same is once */
	}
	assert_int_equal(collateral_add(c, slice_text("more"), "last", &n), ERR_LIMIT);
	assert_non_null(strstr(n.text, "last: more than 192 pieces"));
	collateral_free(c);
	c = collateral_new();
	n.text[0] = 0;
	add(c, slice_text("one"));
	assert_int_equal(collateral_add(c, slice_of(big, sizeof big), "big", &n), ERR_LIMIT);
	assert_non_null(strstr(n.text, "big: more than"));
	assert_int_equal(collateral_add_path(c, "/nonexistent", &n), ERR_NOT_FOUND);
	collateral_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(collateral_comes_in_any_order),
	        cmocka_unit_test(each_piece_is_missed),
	        cmocka_unit_test(what_fits_is_chosen),
	        cmocka_unit_test(the_newest_list_counts),
	        cmocka_unit_test(pem_holds_several),
	        cmocka_unit_test(a_report_may_be_text),
	        cmocka_unit_test(a_report_may_bring_its_table),
	        cmocka_unit_test(an_envelope_is_judged_alone_or_with_more),
	        cmocka_unit_test(the_binding_is_asked),
	        cmocka_unit_test(a_policy_that_does_not_name_it_refuses),
	        cmocka_unit_test(strangers_are_no_evidence),
	        cmocka_unit_test(a_set_has_its_limits),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
