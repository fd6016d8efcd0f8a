/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements of SGX and TDX, computed from what is launched, and what an enclave's author signed. */
#include "test/attest/kinds.h"

#include "client/attest/sgx_sign.h"
#include "lib/base/rw.h"
#include "lib/measure/sgx.h"
#include "lib/measure/tdx.h"

#include <stdio.h>
#include <stdlib.h>

static bool valid_expected(const struct vector *c)
{
	return strcmp(case_text(json_object_get(c->json, "expect"), "verdict"), "valid") == 0;
}

/* For computations that may only fail as a whole. */
static enum outcome outcome_of(struct vector *c, enum err err, const struct note *n)
{
	if ((err == OK) == valid_expected(c))
		return PASSED;
	snprintf(c->why, sizeof c->why, "%s: %s", err_text(err), n->text);
	return FAILED;
}

/* ---- SGX ---- */

static json_t *sigstruct_facts(const struct sgx_sigstruct *s)
{
	json_t *o = json_object();
	uint8_t mrsigner[32];
	char date[16];

	sgx_mrsigner(s->modulus, mrsigner);
	snprintf(date, sizeof date, "%08x", s->date);
	fact_text(o, "date", slice_text(date));
	fact_number(o, "vendor", s->vendor);
	fact_number(o, "swdefined", s->swdefined);
	fact_hex(o, "mrsigner", slice_of(mrsigner, sizeof mrsigner));
	fact_number(o, "miscselect", s->miscselect);
	fact_number(o, "miscmask", s->miscmask);
	fact_hex(o, "isv_family_id", s->family_id);
	fact_hex(o, "attributes", s->attributes);
	fact_hex(o, "attributemask", s->attribute_mask);
	fact_hex(o, "mrenclave", s->mrenclave);
	fact_hex(o, "isv_ext_prod_id", s->ext_prod_id);
	fact_number(o, "isv_prod_id", s->prod_id);
	fact_number(o, "isv_svn", s->svn);
	return o;
}

static enum outcome sigstruct_case(struct vector *c)
{
	struct sgx_sigstruct_input in = {.sigstruct = case_file(c, "sigstruct")};
	struct sgx_sigstruct s;
	struct verdict v;
	enum outcome o;

	sgx_sigstruct_verify(&in, &v);
	o = case_compare(c, &v);
	if (o != PASSED || !v.ok || sgx_sigstruct_parse(in.sigstruct, &s) != OK)
		return o;
	return case_facts(c, sigstruct_facts(&s));
}

/* The content of a page of a segment: a file, hex, a filler from a seed, or one byte over and over. */
struct content {
	json_t *segment;
	struct slice file;
	size_t pages;
};

static void content_open(struct vector *c, json_t *segment, struct content *out)
{
	const char *hex = case_text(segment, "hex");

	*out = (struct content){.segment = segment, .pages = case_u32(segment, "pages", 1)};
	out->file = case_input_file(c, segment, "file");
	if (hex[0] != 0) {
		uint8_t *bytes = c->files[c->file_count++] = malloc(strlen(hex) / 2);

		out->file = slice_of(bytes, case_hex(hex, bytes, strlen(hex) / 2));
	}
	if (out->file.size > 0)
		out->pages = (out->file.size + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
}

static void content_page(const struct content *k, size_t at, uint8_t page[static SGX_PAGE_SIZE])
{
	const char *seed = case_text(k->segment, "seed");

	memset(page, (int)case_u32(k->segment, "fill", 0), SGX_PAGE_SIZE);
	if (k->file.size > 0) {
		size_t from = at * SGX_PAGE_SIZE, left = k->file.size - from;

		memset(page, 0, SGX_PAGE_SIZE);
		memcpy(page, k->file.data + from, left < SGX_PAGE_SIZE ? left : SGX_PAGE_SIZE);
		return;
	}
	for (uint32_t i = 0; seed[0] != 0 && i < SGX_PAGE_SIZE / 32; i++) {
		uint8_t bytes[256];
		struct writer w = wr_of(bytes, sizeof bytes);

		if (wr_bytes(&w, slice_text(seed)) != OK || wr_u32le(&w, (uint32_t)at * (SGX_PAGE_SIZE / 32) + i) != OK)
			exit(2);
		SHA256(bytes, wr_used(&w), page + 32 * i);
	}
}

static enum err segment(struct vector *c, struct sgx_measure *m, json_t *s)
{
	uint64_t offset = (uint64_t)json_integer_value(json_object_get(s, "offset"));
	bool measured = case_option(s, "measure", true);
	uint8_t page[SGX_PAGE_SIZE];
	struct content k;

	content_open(c, s, &k);
	for (size_t i = 0; i < k.pages; i++) {
		content_page(&k, i, page);
		TRY(sgx_measure_page(m, offset + i * SGX_PAGE_SIZE, case_u32(s, "flags", 0), measured ? page : NULL));
	}
	return OK;
}

static enum err layout(struct vector *c, uint8_t mrenclave[static 32])
{
	json_t *in = json_object_get(c->json, "input"), *s;
	struct sgx_measure m;
	size_t i;

	TRY(sgx_measure_begin(&m, (uint64_t)json_integer_value(json_object_get(in, "size")), case_u32(in, "ssaframesize", 0)));
	json_array_foreach(json_object_get(in, "segments"), i, s)
		TRY(segment(c, &m, s));
	sgx_measure_end(&m, mrenclave);
	return OK;
}

static enum outcome mrenclave_case(struct vector *c)
{
	struct sgx_sigstruct_input in = {.sigstruct = case_file(c, "sigstruct")};
	struct note n = {""};
	uint8_t mrenclave[32];
	struct verdict v;
	enum err err = layout(c, mrenclave);
	enum outcome o;

	in.mrenclave = slice_of(mrenclave, sizeof mrenclave);
	if (err != OK || in.sigstruct.size == 0) {
		o = outcome_of(c, err, &n);
	} else {
		sgx_sigstruct_verify(&in, &v);
		o = case_compare(c, &v);
	}
	return o != PASSED || err != OK ? o : case_hex_fact(c, "mrenclave", in.mrenclave);
}

/* ---- TDX ---- */

static enum outcome mrtd_case(struct vector *c)
{
	struct slice firmware = case_file(c, "firmware");
	uint8_t linear[TDX_DIGEST_SIZE], two_pass[TDX_DIGEST_SIZE];
	struct note n = {""};
	json_t *facts;
	enum err err = tdx_measure_mrtd(firmware, false, linear, &n);

	if (err == OK)
		err = tdx_measure_mrtd(firmware, true, two_pass, &n);
	if (outcome_of(c, err, &n) != PASSED || err != OK)
		return outcome_of(c, err, &n);
	facts = json_object();
	fact_hex(facts, "mrtd", slice_of(linear, sizeof linear));
	fact_hex(facts, "mrtd_two_pass", slice_of(two_pass, sizeof two_pass));
	return case_facts(c, facts);
}

static enum err replay_json(struct vector *c, uint8_t rtmr[static TDX_RTMR_COUNT][TDX_DIGEST_SIZE], size_t *events)
{
	struct slice text = case_file(c, "events");
	json_t *list = json_loadb((const char *)text.data, text.size, 0, NULL), *e;
	uint8_t digest[TDX_DIGEST_SIZE];
	size_t i;
	enum err err = list == NULL ? ERR_FORMAT : OK;

	memset(rtmr, 0, TDX_RTMR_COUNT * sizeof *rtmr);
	json_array_foreach(list, i, e) {
		if (case_u32(e, "imr", 99) >= TDX_RTMR_COUNT)
			err = ERR_RANGE;
		if (err != OK)
			break;
		case_hex(case_text(e, "digest"), digest, sizeof digest);
		tdx_rtmr_extend(rtmr[case_u32(e, "imr", 99)], digest);
	}
	*events = i;
	json_decref(list);
	return err;
}

/* RTMR0..3 of a quote, versions 4 and 5. */
static enum err quote_rtmrs(struct slice quote, struct slice out[static TDX_RTMR_COUNT])
{
	enum { HEADER = 48, BODY_HEAD = 6, RTMR = 328 };
	struct reader r = rd_of(quote);
	uint16_t version;

	TRY(rd_u16le(&r, &version));
	TRY(rd_skip(&r, HEADER - 2 + (version == 5 ? BODY_HEAD : 0) + RTMR));
	for (unsigned i = 0; i < TDX_RTMR_COUNT; i++)
		TRY(rd_bytes(&r, TDX_DIGEST_SIZE, &out[i]));
	return OK;
}

static enum outcome rtmr_case(struct vector *c)
{
	static const char *const names[TDX_RTMR_COUNT] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	struct slice log = case_file(c, "ccel"), quote = case_file(c, "quote"), want[TDX_RTMR_COUNT];
	uint8_t rtmr[TDX_RTMR_COUNT][TDX_DIGEST_SIZE];
	struct note n = {""};
	size_t events = 0;
	json_t *facts;
	enum err err = log.size > 0 ? tdx_replay_ccel(log, rtmr, &events, &n) : replay_json(c, rtmr, &events);

	if (err == OK && quote.size > 0)
		err = quote_rtmrs(quote, want);
	for (unsigned i = 0; err == OK && quote.size > 0 && i < TDX_RTMR_COUNT; i++)
		if (!slice_equal(want[i], slice_of(rtmr[i], TDX_DIGEST_SIZE)))
			err = ERR_DIGEST;
	if (outcome_of(c, err, &n) != PASSED || err != OK)
		return outcome_of(c, err, &n);
	facts = json_object();
	for (unsigned i = 0; i < TDX_RTMR_COUNT; i++)
		fact_hex(facts, names[i], slice_of(rtmr[i], TDX_DIGEST_SIZE));
	fact_number(facts, "events", events);
	return case_facts(c, facts);
}

/* ---- tables ---- */

static const struct kind kinds[] = {
	{"sgx_sigstruct", sigstruct_case},
	{"sgx_mrenclave", mrenclave_case},
	{"tdx_mrtd", mrtd_case},
	{"tdx_rtmr", rtmr_case},
	{NULL, NULL},
};

static const struct reason reasons[] = {
	{"sigstruct-size", "sgx.sigstruct.read"},
	{"sigstruct-header", "sgx.sigstruct.headers"},
	{"sigstruct-header2", "sgx.sigstruct.headers"},
	{"sigstruct-exponent", "sgx.sigstruct.exponent"},
	{"sigstruct-signature-range", "sgx.sigstruct.range"},
	{"sigstruct-q", "sgx.sigstruct.quotients"},
	{"sigstruct-signature", "sgx.sigstruct.signature"},
	{"mrenclave-mismatch", "sgx.sigstruct.mrenclave"},
	{NULL, NULL},
};

const struct kind_set measure_set = {kinds, reasons};
