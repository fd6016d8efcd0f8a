/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes of every form made here: each field is found where it was put, and each length that is one off is refused. */
#include "lib/attest/quote.h"

#include "lib/base/rw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ROOM = 4096, AUTH_SIZE = 5, CERTS_SIZE = 11 };

/* What is different; zeroed: nothing. */
struct wish {
	uint16_t version, body_type;
	uint32_t tee;
	int body_size_by, signature_size_by, inner_size_by, auth_size_by, certs_size_by;
	uint16_t inner_type;
	size_t zeros, ones; /* behind the certificates, inside the signature data */
	size_t padding;
};

static void must(enum err err)
{
	assert_int_equal(err, OK);
}

/* 0, 1, 2...: so that every field has bytes of its own. */
static void put_counting(struct writer *w, size_t size, uint8_t from)
{
	for (size_t i = 0; i < size; i++)
		must(wr_u8(w, (uint8_t)(from + i)));
}

static size_t body_size(const struct wish *w)
{
	if (w->tee == QUOTE_TEE_SGX)
		return SGX_REPORT_BODY_SIZE;
	return w->version == 5 && w->body_type == QUOTE_BODY_TD15 ? TD_REPORT_15_SIZE : TD_REPORT_10_SIZE;
}

static void put_qe(struct writer *out, const struct wish *w)
{
	put_counting(out, SGX_REPORT_BODY_SIZE, 0x30);
	put_counting(out, QUOTE_POINT_SIZE, 0x31);
	must(wr_u16le(out, (uint16_t)(AUTH_SIZE + w->auth_size_by)));
	put_counting(out, AUTH_SIZE, 0x32);
	must(wr_u16le(out, QUOTE_CERT_PCK_CHAIN));
	must(wr_u32le(out, (uint32_t)(CERTS_SIZE + w->certs_size_by)));
	put_counting(out, CERTS_SIZE, 0x33);
	must(wr_zero(out, w->zeros));
	for (size_t i = 0; i < w->ones; i++)
		must(wr_u8(out, 1));
}

static struct slice make(const struct wish *w, uint8_t room[static ROOM])
{
	uint8_t parts[ROOM], qe[ROOM];
	struct writer out = wr_of(room, ROOM), s = wr_of(parts, sizeof parts), q = wr_of(qe, sizeof qe);

	must(wr_u16le(&out, w->version));
	must(wr_u16le(&out, QUOTE_KEY_ECDSA_P256));
	must(wr_u32le(&out, w->tee));
	put_counting(&out, 4, 0xf0);
	put_counting(&out, 16, 0x10);
	put_counting(&out, 20, 0x20);
	if (w->version == 5) {
		must(wr_u16le(&out, w->body_type));
		must(wr_u32le(&out, (uint32_t)((int)body_size(w) + w->body_size_by)));
	}
	put_counting(&out, body_size(w), 0);
	put_counting(&s, QUOTE_POINT_SIZE, 0x40);
	put_counting(&s, QUOTE_POINT_SIZE, 0x50);
	put_qe(&q, w);
	if (w->version > 3) {
		must(wr_u16le(&s, w->inner_type != 0 ? w->inner_type : QUOTE_CERT_QE_REPORT));
		must(wr_u32le(&s, (uint32_t)((int)wr_used(&q) + w->inner_size_by)));
	}
	must(wr_bytes(&s, wr_slice(&q)));
	must(wr_u32le(&out, (uint32_t)((int)wr_used(&s) + w->signature_size_by)));
	must(wr_bytes(&out, wr_slice(&s)));
	put_counting(&out, w->padding, 0x77);
	return wr_slice(&out);
}

static const struct wish forms[] = {
        {.version = 3, .tee = QUOTE_TEE_SGX},
        {.version = 4, .tee = QUOTE_TEE_SGX},
        {.version = 4, .tee = QUOTE_TEE_TDX},
        {.version = 5, .tee = QUOTE_TEE_SGX, .body_type = QUOTE_BODY_SGX},
        {.version = 5, .tee = QUOTE_TEE_TDX, .body_type = QUOTE_BODY_TD10},
        {.version = 5, .tee = QUOTE_TEE_TDX, .body_type = QUOTE_BODY_TD15},
};

static void starts_with(struct slice s, size_t size, unsigned first)
{
	assert_int_equal(s.size, size);
	assert_int_equal(s.data[0], first & 0xff);
	assert_int_equal(s.data[size - 1], (first + size - 1) & 0xff);
}

/* The bytes of the body count from 0, so a field begins with its offset. */
static void sgx_fields(const struct sgx_report *r, unsigned from)
{
	starts_with(r->cpusvn, 16, from);
	assert_int_equal(r->miscselect & 0xff, (from + 16) & 0xff);
	starts_with(r->ext_prod_id, 16, from + 32);
	starts_with(r->attributes, 16, from + 48);
	starts_with(r->mrenclave, 32, from + 64);
	starts_with(r->mrsigner, 32, from + 128);
	starts_with(r->config_id, 64, from + 192);
	assert_int_equal(r->prod_id & 0xff, (from + 256) & 0xff);
	assert_int_equal(r->svn & 0xff, (from + 258) & 0xff);
	assert_int_equal(r->config_svn & 0xff, (from + 260) & 0xff);
	starts_with(r->family_id, 16, from + 304);
	starts_with(r->report_data, 64, from + 320);
}

static void td_fields(const struct td_report *r, bool td15)
{
	starts_with(r->tee_tcb_svn, 16, 0);
	starts_with(r->mrseam, 48, 16);
	starts_with(r->mrsignerseam, 48, 64);
	starts_with(r->seam_attributes, 8, 112);
	assert_int_equal(r->attributes & 0xff, 120);
	assert_int_equal(r->xfam & 0xff, 128);
	starts_with(r->mrtd, 48, 136);
	starts_with(r->mrconfigid, 48, 184);
	starts_with(r->mrowner, 48, 232);
	starts_with(r->mrownerconfig, 48, 280);
	for (unsigned i = 0; i < 4; i++)
		starts_with(r->rtmr[i], 48, 328 + 48 * i);
	starts_with(r->report_data, 64, 520);
	if (!td15) {
		assert_int_equal(r->tee_tcb_svn2.size + r->mrservicetd.size, 0);
		return;
	}
	starts_with(r->tee_tcb_svn2, 16, 584);
	starts_with(r->mrservicetd, 48, 600);
}

static void each_field_is_where_it_was_put(void **state)
{
	uint8_t room[ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
		struct wish w = forms[i];
		struct slice in;
		struct quote q;

		w.padding = i;
		w.zeros = i;
		in = make(&w, room);
		must(quote_parse(in, &q, NULL));
		assert_int_equal(q.version, w.version);
		assert_int_equal(q.tee, w.tee);
		starts_with(q.qe_vendor, 16, 0x10);
		starts_with(q.user_data, 20, 0x20);
		if (q.body == QUOTE_BODY_SGX)
			sgx_fields(&q.sgx, 0);
		else
			td_fields(&q.td, q.body == QUOTE_BODY_TD15);
		assert_true(q.signed_part.data == room);
		assert_int_equal(q.signed_part.size, 48u + (w.version == 5 ? 6u : 0u) + body_size(&w));
		starts_with(q.signature, 64, 0x40);
		starts_with(q.key, 64, 0x50);
		starts_with(q.qe_report, SGX_REPORT_BODY_SIZE, 0x30);
		sgx_fields(&q.qe, 0x30);
		starts_with(q.qe_signature, 64, 0x31);
		starts_with(q.qe_auth, AUTH_SIZE, 0x32);
		assert_int_equal(q.cert_type, QUOTE_CERT_PCK_CHAIN);
		starts_with(q.cert_data, CERTS_SIZE, 0x33);
		assert_int_equal(q.padding.size, i);
	}
}

static void no_beginning_of_a_quote_is_one(void **state)
{
	uint8_t room[ROOM];
	struct quote q;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
		struct slice whole = make(&forms[i], room);

		for (size_t n = 0; n < whole.size; n++)
			assert_int_not_equal(quote_parse(slice_of(room, n), &q, NULL), OK);
	}
}

static enum err parsed(const struct wish *w)
{
	uint8_t room[ROOM];
	struct note n = {""};
	struct quote q;
	enum err err = quote_parse(make(w, room), &q, &n);

	assert_true(err == OK || n.text[0] != 0);
	return err;
}

static void each_length_is_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(forms); i++)
		for (int by = -1; by <= 1; by += 2) {
			struct wish w = forms[i];

			if (w.version == 5) {
				w.body_size_by = by;
				assert_int_equal(parsed(&w), ERR_FORMAT);
			}
			w = forms[i];
			w.signature_size_by = by;
			assert_int_not_equal(parsed(&w), OK);
			w = forms[i];
			w.auth_size_by = by;
			assert_int_not_equal(parsed(&w), OK);
			w = forms[i];
			w.certs_size_by = by;
			assert_int_not_equal(parsed(&w), OK);
			w = forms[i];
			w.inner_size_by = by;
			if (w.version > 3)
				assert_int_not_equal(parsed(&w), OK);
			w = forms[i];
			w.zeros = 3;
			w.ones = 1;
			assert_int_not_equal(parsed(&w), OK);
		}
}

static void what_does_not_go_together_is_refused(void **state)
{
	static const struct wish wrong[] = {
	        {.version = 2, .tee = QUOTE_TEE_SGX},
	        {.version = 6, .tee = QUOTE_TEE_SGX, .body_type = QUOTE_BODY_SGX},
	        {.version = 0, .tee = QUOTE_TEE_SGX},
	        {.version = 3, .tee = QUOTE_TEE_TDX},
	        {.version = 4, .tee = 1},
	        {.version = 5, .tee = QUOTE_TEE_SGX, .body_type = 0},
	        {.version = 5, .tee = QUOTE_TEE_SGX, .body_type = 4},
	        {.version = 5, .tee = QUOTE_TEE_SGX, .body_type = QUOTE_BODY_TD10},
	        {.version = 5, .tee = QUOTE_TEE_TDX, .body_type = QUOTE_BODY_SGX},
	        {.version = 5, .tee = 0x80, .body_type = QUOTE_BODY_TD10},
	        {.version = 4, .tee = QUOTE_TEE_SGX, .inner_type = QUOTE_CERT_PCK_CHAIN},
	        {.version = 5, .tee = QUOTE_TEE_TDX, .body_type = QUOTE_BODY_TD15, .inner_type = 7},
	};
	static uint8_t large[QUOTE_SIZE_MAX + 1];
	struct quote q;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
		assert_int_not_equal(parsed(&wrong[i]), OK);
	assert_int_equal(quote_parse(slice_of(large, sizeof large), &q, NULL), ERR_LIMIT);
	assert_int_not_equal(quote_parse(slice_of(NULL, 0), &q, NULL), OK);
}

static void reports_alone_have_one_size(void **state)
{
	uint8_t bytes[TD_REPORT_15_SIZE + 1] = {0};
	struct sgx_report s;
	struct td_report t;

	(void)state;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		assert_int_equal(sgx_report_parse(slice_of(bytes, n), &s) == OK, n == SGX_REPORT_BODY_SIZE);
		assert_int_equal(td_report_parse(slice_of(bytes, n), &t) == OK,
		                 n == TD_REPORT_10_SIZE || n == TD_REPORT_15_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_field_is_where_it_was_put),
	        cmocka_unit_test(no_beginning_of_a_quote_is_one),
	        cmocka_unit_test(each_length_is_exact),
	        cmocka_unit_test(what_does_not_go_together_is_refused),
	        cmocka_unit_test(reports_alone_have_one_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
