/* SPDX-License-Identifier: Apache-2.0 */
/* Documents made here under a look-alike root: accepted as they are, refused for each thing changed and for that alone.
 */
#include "client/attest/nitro.h"

#include "lib/cbor/cbor.h"
#include "test/attest/killers.h"
#include "test/attest/recipe.h"

enum { CHAIN = 4, LEAF = CHAIN - 1, NO_FIELD = 99 };

/* What is wrong with the form of the document. */
enum defect {
	NONE,
	ES256,
	TWO_LABELS,
	WRONG_TAG,
	ARRAY_OF_THREE,
	SHORT_SIGNATURE,
	TRAILING_PAYLOAD,
	TRAILING_DOC,
	FIELD_TWICE,
	MODULE_EMPTY,
	DIGEST_256,
	TIME_ZERO,
	NO_PCRS,
	PCR_32,
	PCR_TWICE,
	PCR_40,
	CA_NONE,
	CA_MANY,
	CERT_LONG,
	KEY_LONG,
	DATA_LONG,
	NONCE_LONG,
	NONCE_TEXT,
	OPEN_WITHOUT_END,
	BREAK_FOR_VALUE,
	BREAK_WITHOUT_OPEN,
	TEXT_IN_CHUNKS,
};

struct wish {
	struct recipe_cert certs[CHAIN];
	enum defect defect;
	size_t left_out; /* this field is not there */
	uint8_t pcr0;
	bool no_pcr0, tagged, wrapped;
	bool open; /* maps and arrays of no stated length, as AWS writes the payload */
	enum recipe_key signer;
	void (*spoil)(uint8_t *doc, size_t size);
	bool other_root;
	struct recipe_crl crls[CHAIN - 1]; /* by each authority */
	struct nitro_input in;
};

static void must(enum err err)
{
	assert_int_equal(err, OK);
}

static void good(struct wish *w)
{
	static const enum recipe_key keys[CHAIN] = {KEY_ROOT, KEY_ISSUER, KEY_SMALL, KEY_PLATFORM};
	static const char *const names[CHAIN] = {"root", "region", "machine", "enclave"};
	static const char *const constraints[CHAIN] = {"critical,CA:TRUE", "critical,CA:TRUE,pathlen:1",
	                                               "critical,CA:TRUE,pathlen:0", "critical,CA:FALSE"};

	memset(w, 0, sizeof *w);
	for (int i = 0; i < CHAIN; i++) {
		int up = i == 0 ? 0 : i - 1;

		w->certs[i] =
		        (struct recipe_cert){.key = keys[i],
		                             .serial = 1 + i,
		                             .cn = names[i],
		                             .issuer_cn = names[up],
		                             .from = "20250101000000Z",
		                             .to = "20260101000000Z",
		                             .constraints = constraints[i],
		                             .usage = i == LEAF ? "digitalSignature" : "critical,keyCertSign,cRLSign",
		                             .sign = {keys[up], true, "SHA384", NULL, 0}};
	}
	w->left_out = NO_FIELD;
	w->pcr0 = 0x4d;
	w->signer = KEY_PLATFORM;
	w->in.at = RECIPE_AT;
	for (int i = 0; i < LEAF; i++)
		w->crls[i] = (struct recipe_crl){.present = true,
		                                 .issuer_cn = names[i],
		                                 .from = "20251120000000Z",
		                                 .to = "20251220000000Z",
		                                 .revoked = {77},
		                                 .sign = {keys[i], true, "SHA384", NULL, 0}};
	w->in.crl_required = true;
	w->in.crl_max_age_s = 30 * 86400;
	w->in.max_age_s = 300;
}

/* ---- writing a document ---- */

/* The head of a map (a0) or array (80), and what ends it. */
static void put_head(struct writer *out, const struct wish *w, uint8_t kind, size_t count)
{
	if (w->open)
		must(wr_u8(out, (uint8_t)(kind | 0x1f)));
	else
		must(kind == 0xa0 ? cbor_put_map(out, count) : cbor_put_array(out, count));
}

static void put_end(struct writer *out, const struct wish *w)
{
	if (w->open)
		must(wr_u8(out, 0xff));
}

static void put_name(struct writer *out, const char *name)
{
	must(cbor_put_text(out, slice_text(name)));
}

static void put_filled(struct writer *out, size_t size, uint8_t with)
{
	uint8_t bytes[2048];

	memset(bytes, with, sizeof bytes);
	must(cbor_put_bytes(out, slice_of(bytes, size)));
}

static void put_pcrs(struct writer *out, const struct wish *w)
{
	size_t count = w->defect == NO_PCRS ? 0 : w->no_pcr0 ? 1 : 2;

	put_head(out, w, 0xa0, count);
	if (count == 2) {
		must(cbor_put_uint(out, w->defect == PCR_32 ? 32 : w->defect == PCR_TWICE ? 1 : 0));
		put_filled(out, w->defect == PCR_40 ? 40 : 48, w->pcr0);
	}
	if (count > 0) {
		must(cbor_put_uint(out, 1));
		put_filled(out, 48, 0x11);
	}
	put_end(out, w);
}

static void put_bundle(struct writer *out, const struct wish *w, const struct slice der[CHAIN])
{
	size_t count = w->defect == CA_NONE ? 0 : w->defect == CA_MANY ? NITRO_CA_MAX + 1 : LEAF;

	put_head(out, w, 0x80, count);
	for (size_t i = 0; i < count; i++)
		must(cbor_put_bytes(out, der[i % LEAF]));
	put_end(out, w);
}

static void put_field(struct writer *out, const struct wish *w, size_t field, const struct slice der[CHAIN])
{
	static const char *const names[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
	                                    "cabundle",  "public_key", "user_data", "nonce"};

	put_name(out, names[field]);
	switch (field) {
	case 0: put_name(out, w->defect == MODULE_EMPTY ? "" : "i-1-enc1"); break;
	case 1: put_name(out, w->defect == DIGEST_256 ? "SHA256" : "SHA384"); break;
	case 2: must(cbor_put_uint(out, w->defect == TIME_ZERO ? 0 : (uint64_t)RECIPE_AT * 1000)); break;
	case 3: put_pcrs(out, w); break;
	case 4:
		if (w->defect == CERT_LONG)
			put_filled(out, 1025, 0x30);
		else
			must(cbor_put_bytes(out, der[LEAF]));
		break;
	case 5: put_bundle(out, w, der); break;
	case 6: put_filled(out, w->defect == KEY_LONG ? 1025 : 1024, 0x6b); break;
	case 7: put_filled(out, w->defect == DATA_LONG ? 513 : 512, 0x75); break;
	default:
		if (w->defect == NONCE_TEXT)
			put_name(out, "nonce");
		else
			put_filled(out, w->defect == NONCE_LONG ? 513 : 20, 0x6e);
	}
}

static void put_payload(struct writer *out, const struct wish *w, const struct slice der[CHAIN])
{
	size_t count = 10u - (w->left_out != NO_FIELD) + (w->defect == FIELD_TWICE);

	put_head(out, w, 0xa0, count);
	put_name(out, "future"); /* a field we do not know */
	must(w->open ? wr_bytes(out, slice_of("\x9f\xc1\x01\xbf\x01\xa0\xff\xf6\xff", 9))
	             : wr_bytes(out, slice_of("\x82\xc1\x01\xf6", 4)));
	for (size_t i = 0; i < 9; i++)
		if (i != w->left_out)
			put_field(out, w, i, der);
	if (w->defect == FIELD_TWICE)
		put_field(out, w, 8, der);
	if (w->defect == TEXT_IN_CHUNKS)
		must(wr_bytes(out, slice_of("\x61x\x7f\x61y\x61z\xff", 7)));
	if (w->defect == BREAK_FOR_VALUE)
		put_name(out, "x");
	if (w->defect != OPEN_WITHOUT_END)
		put_end(out, w);
	if (w->defect == BREAK_WITHOUT_OPEN || w->defect == TRAILING_PAYLOAD)
		must(wr_u8(out, 0xff));
}

static struct slice header_of(const struct wish *w)
{
	if (w->defect == ES256)
		return slice_of("\xa1\x01\x26", 3);
	if (w->defect == TWO_LABELS)
		return slice_of("\xa2\x01\x38\x22\x02\x80", 6);
	return slice_of("\xa1\x01\x38\x22", 4);
}

static void put_message(struct writer *out, const struct wish *w, struct slice payload)
{
	static uint8_t bytes[NITRO_DOC_SIZE_MAX];
	struct writer to_sign = wr_of(bytes, sizeof bytes);
	struct cose_sign1 m = {.protected_header = header_of(w), .payload = payload};
	uint8_t signature[96];

	must(cose_signed_bytes(&m, &to_sign));
	recipe_pair(recipe_keys[w->signer], "SHA384", wr_slice(&to_sign), 48, signature);
	if (w->tagged || w->defect == WRONG_TAG)
		must(wr_u8(out, w->defect == WRONG_TAG ? 0xd1 : 0xd2));
	must(cbor_put_array(out, w->defect == ARRAY_OF_THREE ? 3 : 4));
	must(cbor_put_bytes(out, m.protected_header));
	must(cbor_put_map(out, 0));
	must(cbor_put_bytes(out, payload));
	if (w->defect != ARRAY_OF_THREE)
		must(cbor_put_bytes(out, slice_of(signature, w->defect == SHORT_SIGNATURE ? 95 : 96)));
	if (w->defect == TRAILING_DOC)
		must(wr_u8(out, 0));
}

static struct slice wrap(const struct wish *w, struct slice doc)
{
	static uint8_t bytes[NITRO_DOC_SIZE_MAX];
	struct writer out = wr_of(bytes, sizeof bytes);

	if (!w->wrapped)
		return doc;
	must(cbor_put_map(&out, 1));
	put_name(&out, "Attestation");
	must(cbor_put_map(&out, 1));
	put_name(&out, "document");
	must(cbor_put_bytes(&out, doc));
	return wr_slice(&out);
}

static struct verdict judge(struct wish *w)
{
	static uint8_t payload[NITRO_DOC_SIZE_MAX], doc[NITRO_DOC_SIZE_MAX];
	struct writer p = wr_of(payload, sizeof payload), d = wr_of(doc, sizeof doc);
	uint8_t *certs[CHAIN], root[NITRO_ROOT_SIZE];
	struct slice der[CHAIN], lists[LEAF];
	uint8_t *crls[LEAF] = {NULL};
	struct verdict v;

	for (int i = 0; i < LEAF; i++) {
		size_t size = 0;

		if (w->crls[i].present)
			crls[i] = recipe_crl(&w->crls[i], &size);
		lists[i] = slice_of(crls[i], size);
	}
	w->in.crls = lists;
	w->in.crl_count = LEAF;
	for (int i = 0; i < CHAIN; i++) {
		size_t size;

		certs[i] = recipe_cert(&w->certs[i], NULL, &size);
		der[i] = slice_of(certs[i], size);
	}
	put_payload(&p, w, der);
	put_message(&d, w, wr_slice(&p));
	if (w->spoil != NULL)
		w->spoil(doc, wr_used(&d));
	SHA256(der[0].data, der[0].size, root);
	root[0] ^= w->other_root;
	w->in.root = root;
	w->in.doc = wrap(w, wr_slice(&d));
	nitro_verify(&w->in, &v);
	for (int i = 0; i < CHAIN; i++)
		free(certs[i]);
	for (int i = 0; i < LEAF; i++)
		free(crls[i]);
	return v;
}

static void expect_good(struct wish *w)
{
	struct verdict v = judge(w);

	if (!v.ok)
		fail_msg("refused for %s: %s", verdict_reason(&v)->id, verdict_reason(&v)->found);
}

/* ---- what is accepted ---- */

static void is_accepted(void **state)
{
	struct wish w;
	struct verdict v;

	(void)state;
	good(&w);
	v = judge(&w);
	assert_true(v.ok);
	assert_int_equal(v.measurement_size, 48);
	assert_int_equal(v.measurement[0], 0x4d);
}

static void other_forms_are_accepted(void **state)
{
	struct wish w;

	(void)state;
	good(&w);
	w.tagged = w.wrapped = true;
	expect_good(&w);
	for (size_t field = 6; field < 9; field++) {
		good(&w);
		w.left_out = field;
		expect_good(&w);
	}
	good(&w);
	w.pcr0 = 0;
	w.in.allow_debug = true;
	expect_good(&w);
	good(&w);
	w.open = true;
	expect_good(&w);
}

static void demands_are_met(void **state)
{
	uint8_t pcr[48], nonce[20], data[512], key[1024];
	struct slice n = slice_of(nonce, sizeof nonce), d = slice_of(data, sizeof data), k = slice_of(key, sizeof key);
	struct wish w;

	(void)state;
	memset(pcr, 0x4d, sizeof pcr);
	memset(nonce, 0x6e, sizeof nonce);
	memset(data, 0x75, sizeof data);
	memset(key, 0x6b, sizeof key);
	good(&w);
	w.in.pcrs[0] = slice_of(pcr, sizeof pcr);
	w.in.nonce = &n;
	w.in.user_data = &d;
	w.in.public_key = &k;
	expect_good(&w);
}

/* ---- what is refused ---- */

static const struct slice empty = {NULL, 0};
static const uint8_t other[48] = {1};

static void flip_payload(uint8_t *doc, size_t size)
{
	(void)size;
	for (uint8_t *p = doc; p < doc + 200; p++) /* inside the name of the enclave: nothing else notices */
		if (memcmp(p, "i-1-enc1", 8) == 0)
			*p = 'j';
}

static void flip_signature(uint8_t *doc, size_t size)
{
	doc[size - 5] ^= 1;
}

static void zero_signature(uint8_t *doc, size_t size)
{
	memset(doc + size - 96, 0, 96);
}

/* p - n of P-384 is far below p: R + n fits 48 bytes only for few R; all ones is out of range for certain. */
static void huge_signature(uint8_t *doc, size_t size)
{
	memset(doc + size - 96, 0xff, 48);
}

static void root_other(struct wish *w)
{
	w->other_root = true;
}
static void leaf_malformed(struct wish *w)
{
	w->certs[LEAF].twice_oid = "1.2.3.4";
}
static void no_lists(struct wish *w)
{
	w->in.crl_required = false;
	for (int i = 0; i < LEAF; i++)
		w->crls[i].present = false;
}
static void at_early(struct wish *w)
{
	w->in.max_age_s = 0;
	no_lists(w);
	w->in.at = 1735689599;
}
static void at_late(struct wish *w)
{
	w->in.max_age_s = 0;
	no_lists(w);
	w->in.at = 1767225601;
}
static void middle_expired(struct wish *w)
{
	w->certs[1].to = "20251130000000Z";
}
static void key_p256(struct wish *w)
{
	w->certs[1].key = w->certs[2].sign.by = w->crls[1].sign.by = KEY_P256;
}
static void hash_256(struct wish *w)
{
	w->certs[2].sign.hash = "SHA256";
}
static void middle_no_ca(struct wish *w)
{
	w->certs[2].constraints = "critical,CA:FALSE";
}
static void middle_usage(struct wish *w)
{
	w->certs[2].usage = "critical,digitalSignature";
	no_lists(w);
}
static void path_short(struct wish *w)
{
	w->certs[1].constraints = "critical,CA:TRUE,pathlen:0";
}
static void leaf_ca(struct wish *w)
{
	w->certs[LEAF].constraints = "critical,CA:TRUE";
}
static void critical(struct wish *w)
{
	w->certs[LEAF].critical_oid = "1.2.3.4";
}
static void issuer_name(struct wish *w)
{
	w->certs[LEAF].issuer_cn = "another";
}
static void issuer_key(struct wish *w)
{
	w->certs[LEAF].sign.by = KEY_ROOT;
}
static void list_absent(struct wish *w)
{
	w->crls[1].present = false;
}
static void list_forged(struct wish *w)
{
	w->crls[0].sign.by = KEY_PLATFORM;
}
static void list_of_another_only(struct wish *w)
{
	w->crls[2].issuer_cn = "another";
}
static void list_stale(struct wish *w)
{
	w->crls[2].to = "20251130000000Z";
}
static void list_too_old(struct wish *w)
{
	w->in.crl_max_age_s = 86400;
}
static void list_names_leaf(struct wish *w)
{
	w->crls[2].revoked[0] = 4;
}
static void list_names_region_unasked(struct wish *w)
{
	w->in.crl_required = false;
	w->crls[0].revoked[1] = 2;
}
static void doc_old(struct wish *w)
{
	w->in.at = RECIPE_AT + 301;
}
static void doc_of_the_future(struct wish *w)
{
	w->in.at = RECIPE_AT - 1;
}
static void doc_signer(struct wish *w)
{
	w->signer = KEY_SMALL;
}
static void doc_payload(struct wish *w)
{
	w->spoil = flip_payload;
}
static void doc_signature(struct wish *w)
{
	w->spoil = flip_signature;
}
static void doc_zero(struct wish *w)
{
	w->spoil = zero_signature;
}
static void doc_huge(struct wish *w)
{
	w->spoil = huge_signature;
}
static void pcr0_zero(struct wish *w)
{
	w->pcr0 = 0;
}
static void pcr0_missing(struct wish *w)
{
	w->no_pcr0 = true;
}
static void pcr_other(struct wish *w)
{
	w->in.pcrs[1] = slice_of(other, 48);
}
static void pcr_absent(struct wish *w)
{
	w->in.pcrs[4] = slice_of(other, 48);
}
static void nonce_other(struct wish *w)
{
	w->in.nonce = &empty;
}
static void data_other(struct wish *w)
{
	w->in.user_data = &empty;
}
static void key_other(struct wish *w)
{
	w->in.public_key = &empty;
}

static const struct mutation {
	const char *name, *check;
	void (*change)(struct wish *w);
} mutations[] = {
#define M(what, check)                                                                                                 \
	{                                                                                                              \
#what, check, what                                                                                     \
	}
        M(root_other, "nitro.root.pinned"),
        M(leaf_malformed, "nitro.chain.read"),
        M(at_early, "nitro.chain.time"),
        M(at_late, "nitro.chain.time"),
        M(middle_expired, "nitro.chain.time"),
        M(key_p256, "nitro.chain.key"),
        M(hash_256, "nitro.chain.algorithm"),
        M(middle_no_ca, "nitro.chain.use"),
        M(middle_usage, "nitro.chain.use"),
        M(path_short, "nitro.chain.use"),
        M(leaf_ca, "nitro.chain.use"),
        M(critical, "nitro.chain.use"),
        M(issuer_name, "nitro.chain.issuer"),
        M(issuer_key, "nitro.chain.signature"),
        M(list_absent, "nitro.chain.revocation"),
        M(list_forged, "nitro.chain.revocation"),
        M(list_of_another_only, "nitro.chain.revocation"),
        M(list_stale, "nitro.chain.revocation"),
        M(list_too_old, "nitro.chain.revocation"),
        M(list_names_leaf, "nitro.chain.revocation"),
        M(list_names_region_unasked, "nitro.chain.revocation"),
        M(doc_old, "nitro.doc.age"),
        M(doc_of_the_future, "nitro.doc.age"),
        M(doc_signer, "nitro.doc.signature"),
        M(doc_payload, "nitro.doc.signature"),
        M(doc_signature, "nitro.doc.signature"),
        M(doc_zero, "nitro.doc.signature"),
        M(doc_huge, "nitro.doc.signature"),
        M(pcr0_zero, "nitro.debug"),
        M(pcr0_missing, "nitro.debug"),
        M(pcr_other, "nitro.pcrs"),
        M(pcr_absent, "nitro.pcrs"),
        M(nonce_other, "nitro.nonce"),
        M(data_other, "nitro.user_data"),
        M(key_other, "nitro.public_key"),
};

static const char *id_of(size_t i)
{
	if (i == ARRAY_COUNT(mutations))
		return "nitro.doc.read"; /* the defects of form */
	return i < ARRAY_COUNT(mutations) ? mutations[i].check : NULL;
}

static void no_check_is_without_a_killer(void **state)
{
	struct wish w;
	struct verdict v;

	(void)state;
	good(&w);
	v = judge(&w);
	all_have_killers(&v, "nitro.", id_of);
}

static void each_change_fails_its_check_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(mutations); i++) {
		struct wish w;
		struct verdict v;

		good(&w);
		mutations[i].change(&w);
		v = judge(&w);
		killed_only(&v, mutations[i].check, NULL, mutations[i].name);
	}
}

static void each_defect_of_form_is_refused(void **state)
{
	(void)state;
	for (enum defect d = ES256; d <= TEXT_IN_CHUNKS; d++) {
		struct wish w;
		struct verdict v;
		char name[20];

		good(&w);
		w.defect = d;
		w.open = d == OPEN_WITHOUT_END || d == BREAK_FOR_VALUE || d == TEXT_IN_CHUNKS;
		v = judge(&w);
		snprintf(name, sizeof name, "defect %d", (int)d);
		killed_only(&v, "nitro.doc.read", NULL, name);
	}
	for (size_t field = 0; field < 6; field++) {
		struct wish w;
		struct verdict v;

		good(&w);
		w.left_out = field;
		v = judge(&w);
		killed_only(&v, "nitro.doc.read", NULL, "a field left out");
	}
}

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_COUNT; i++)
		recipe_keys[i] = EVP_EC_gen(i == KEY_P256 ? "P-256" : "P-384");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	recipe_free_keys();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(is_accepted),
	        cmocka_unit_test(other_forms_are_accepted),
	        cmocka_unit_test(demands_are_met),
	        cmocka_unit_test(each_change_fails_its_check_alone),
	        cmocka_unit_test(no_check_is_without_a_killer),
	        cmocka_unit_test(each_defect_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
