/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests made here around baked evidence: accepted as they are, refused for each thing changed. */
#include "client/attest/enarx.h"

#include "client/attest/dcap.h"
#include "lib/attest/der.h"
#include "sys/file.h"
#include "test/attest/killers.h"
#include "test/attest/recipe.h"

enum { ROOM = 16384 };

struct buffer {
	uint8_t data[ROOM];
	size_t size;
};

/* One DER element around content; the content may be the buffer's own. */
static void wrap(struct buffer *b, uint8_t tag, const uint8_t *content, size_t size)
{
	uint8_t head[4] = {tag, 0x82, (uint8_t)(size >> 8), (uint8_t)size};
	size_t head_size = size < 0x80 ? 2 : size < 0x100 ? 3 : 4;

	if (size < 0x80)
		head[1] = (uint8_t)size;
	else if (size < 0x100)
		memcpy(head + 1, (uint8_t[]){0x81, (uint8_t)size}, 2);
	assert_true(head_size + size <= ROOM);
	memmove(b->data + head_size, content, size);
	memcpy(b->data, head, head_size);
	b->size = head_size + size;
}

static void append(struct buffer *b, const uint8_t *data, size_t size)
{
	assert_true(b->size + size <= ROOM);
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

struct wish {
	const char *oid, *second_oid; /* second: the same evidence once more */
	bool foreign_crl_first;
	bool another_key;             /* signed by a key that the report does not know */
	void (*spoil)(struct buffer *csr);
};

/* SEQUENCE { SEQUENCE { VCEK, SEQUENCE { SEQUENCE { SEQUENCE { url, CRL }... } } }, OCTET STRING report } */
static void evidence(const struct baked *b, const struct wish *w, struct buffer *out)
{
	static struct buffer crl, list, vouchers, report;

	list.size = vouchers.size = 0;
	wrap(&crl, DER_UTF8, (const uint8_t *)"https://example.org/crl", 23);
	append(&crl, b->crl, b->crl_size);
	wrap(&crl, DER_SEQUENCE, crl.data, crl.size);
	if (w->foreign_crl_first) {
		static const uint8_t junk[] = {0x30, 0x08, 0x0c, 0x01, 'u', 0x30, 0x03, 0x02, 0x01, 0x00};

		append(&list, junk, sizeof junk);
	}
	append(&list, crl.data, crl.size);
	wrap(&list, DER_SEQUENCE, list.data, list.size);
	wrap(&list, DER_SEQUENCE, list.data, list.size);
	append(&vouchers, b->platform, b->platform_size);
	append(&vouchers, list.data, list.size);
	wrap(&vouchers, DER_SEQUENCE, vouchers.data, vouchers.size);
	wrap(&report, DER_OCTETS, b->report, SNP_REPORT_SIZE);
	append(&vouchers, report.data, report.size);
	wrap(out, DER_SEQUENCE, vouchers.data, vouchers.size);
}

static void add_extension(STACK_OF(X509_EXTENSION) * list, const char *oid, const struct buffer *value)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

	assert_int_equal(ASN1_OCTET_STRING_set(s, value->data, (int)value->size), 1);
	assert_true(sk_X509_EXTENSION_push(list, X509_EXTENSION_create_by_OBJ(NULL, o, 0, s)) > 0);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
}

static void make_csr(const struct baked *b, const struct wish *w, EVP_PKEY *key, struct buffer *out)
{
	static struct buffer value;
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_REQ *req = X509_REQ_new();
	unsigned char *p = out->data;

	evidence(b, w, &value);
	add_extension(list, w->oid, &value);
	if (w->second_oid != NULL)
		add_extension(list, w->second_oid, &value);
	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha384()) > 0);
	assert_true(i2d_X509_REQ(req, NULL) <= ROOM);
	out->size = (size_t)i2d_X509_REQ(req, &p);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(req);
}

static struct verdict judge(const struct wish *w, struct recipe *r)
{
	static struct buffer csr;
	EVP_PKEY *key = EVP_EC_gen("P-384"), *other = EVP_EC_gen("P-384");
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(key, &spki);
	struct enarx_input in = {.policy = &r->policy, .at = RECIPE_AT};
	struct verdict v;
	struct baked *b;

	memset(r->data, 0, sizeof r->data);
	SHA384(spki, (size_t)size, r->data);
	b = bake(r);
	make_csr(b, w, w->another_key ? other : key, &csr);
	if (w->spoil != NULL)
		w->spoil(&csr);
	in.csr = slice_of(csr.data, csr.size);
	in.ark = slice_of(b->root, b->root_size);
	in.ask = slice_of(b->issuer, b->issuer_size);
	enarx_csr_verify(&in, &v);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	baked_free(b);
	return v;
}

#define SNP_OID "1.3.6.1.4.1.58270.1.3"

static struct verdict judged(struct wish w)
{
	static struct recipe r;

	recipe_good(&r);
	return judge(&w, &r);
}

static void a_good_request_is_accepted(void **state)
{
	struct verdict v = judged((struct wish){.oid = SNP_OID});

	(void)state;
	if (!v.ok)
		fail_msg("%s: %s", verdict_reason(&v)->id, verdict_reason(&v)->found);
	assert_true(judged((struct wish){.oid = SNP_OID, .foreign_crl_first = true}).ok);
}

static void flip_signature(struct buffer *csr)
{
	csr->data[csr->size - 3] ^= 1;
}

static void add_byte(struct buffer *csr)
{
	csr->data[csr->size++] = 0;
}

static void no_snp(struct recipe *r)
{
	r->policy.snp.accepted = false;
}

static const struct {
	struct wish wish;
	void (*change)(struct recipe *r);
	const char *id;
} killers[] = {
	{{.oid = SNP_OID}, no_snp, "enarx.csr.tee"},
	{{.oid = SNP_OID, .another_key = true}, NULL, "snp.report_data"},
	{{.oid = SNP_OID, .spoil = flip_signature}, NULL, "enarx.csr.signature"},
	{{.oid = SNP_OID, .spoil = add_byte}, NULL, "enarx.csr.read"},
	{{.oid = SNP_OID, .second_oid = "1.3.6.1.4.1.58270.1.2"}, NULL, "enarx.csr.read"},
	{{.oid = SNP_OID, .second_oid = SNP_OID}, NULL, "enarx.csr.read"},
	{{.oid = "1.3.6.1.4.1.58270.1.2"}, NULL, "enarx.csr.read"},
	{{.oid = "1.3.6.1.4.1.58270.1.4"}, NULL, "enarx.csr.read"},
	{{.oid = "1.3.6.1.4.1.58270.2.3"}, NULL, "enarx.csr.read"},
};

static const char *id_of(size_t i)
{
	return i < ARRAY_COUNT(killers) ? killers[i].id : NULL;
}

/* What cannot be read is of no TEE that a policy could name, or of one that is not. */
static void each_change_fails_its_check_alone(void **state)
{
	static struct recipe r;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct verdict v;
		char name[24];

		recipe_good(&r);
		r.policy.sgx.accepted = true;
		if (killers[i].change != NULL)
			killers[i].change(&r);
		v = judge(&killers[i].wish, &r);
		snprintf(name, sizeof name, "case %zu", i);
		killed_only(&v, killers[i].id, NULL, name);
	}
}

static void no_check_is_without_a_killer(void **state)
{
	struct verdict v = judged((struct wish){.oid = SNP_OID});

	(void)state;
	all_have_killers(&v, "enarx.", id_of);
}

static void the_policy_is_asked(void **state)
{
	static struct recipe r;
	struct verdict v;

	(void)state;
	recipe_good(&r);
	r.crl.to = "20251101000000Z";
	v = judge(&(struct wish){.oid = SNP_OID}, &r);
	assert_string_equal(verdict_reason(&v)->id, "snp.crl.time");
}

static void no_prefix_of_a_request_is_one(void **state)
{
	static struct buffer csr;
	static struct recipe r;
	EVP_PKEY *key = EVP_EC_gen("P-384");
	struct enarx_csr out;
	struct baked *b;

	(void)state;
	recipe_good(&r);
	b = bake(&r);
	make_csr(b, &(struct wish){.oid = SNP_OID}, key, &csr);
	assert_int_equal(enarx_csr_read(slice_of(csr.data, csr.size), &out, NULL), OK);
	assert_int_equal(out.crl_count, 1);
	for (size_t size = 0; size < csr.size; size++)
		assert_int_equal(enarx_csr_read(slice_of(csr.data, size), &out, NULL), ERR_FORMAT);
	EVP_PKEY_free(key);
	baked_free(b);
}

/* ---- SGX: a real request; nobody can make another ---- */

#define SGX_REQUEST "../shared/vectors/sgx/enarx/icelake-xeon.csr"
enum { SGX_AT = 1675209600 /* 2023-02-01 */, SGX_LATE = 1678406400 /* 2023-03-10: revocation lists have ended */ };

static struct policy sgx_policy(void)
{
	struct policy p = {0};

	p.sgx = (struct dcap_rules){
	        .accepted = true,
	        .any_advisory = true,
	        .any_measurement = true,
	        .no_qe_identity = true,
	        .statuses = UINT32_MAX & ~(1u << TCB_REVOKED),
	        .roots = intel_roots,
	        .root_count = INTEL_ROOT_COUNT,
	};
	return p;
}

static void sgx_is(const char *id, struct slice csr, const struct policy *p, int64_t at)
{
	struct enarx_input in = {.csr = csr, .policy = p, .at = at};
	struct verdict v;

	enarx_csr_verify(&in, &v);
	if (id == NULL && !v.ok)
		fail_msg("%s: %s", verdict_reason(&v)->id, verdict_reason(&v)->found);
	if (id == NULL)
		return;
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, id);
}

static void sgx_requests_are_judged(void **state)
{
	struct policy p = sgx_policy();
	struct slice file;
	struct buffer spoilt;

	(void)state;
	if (file_read(SGX_REQUEST, ROOM, &file, NULL) != OK) {
		print_message("SKIPPED, nothing is tested: no " SGX_REQUEST "\n");
		skip();
	}
	sgx_is(NULL, file, &p, SGX_AT);
	sgx_is("dcap.pck_crl.time", file, &p, SGX_LATE);
	memcpy(spoilt.data, file.data, file.size);
	spoilt.size = file.size;
	flip_signature(&spoilt);
	sgx_is("enarx.csr.signature", slice_of(spoilt.data, spoilt.size), &p, SGX_AT);
	p.sgx.no_qe_identity = false; /* as any policy file */
	sgx_is("dcap.qe_signer.read", file, &p, SGX_AT);
	p = sgx_policy();
	p.sgx.accepted = false;
	p.snp.accepted = true;
	sgx_is("enarx.csr.tee", file, &p, SGX_AT);
	p = sgx_policy();
	p.sgx.statuses = 0;
	sgx_is("dcap.tcb.status", file, &p, SGX_AT);
	free((void *)(uintptr_t)file.data);
}

static int keys_in(void **state)
{
	(void)state;
	return recipe_load_keys() ? 0 : -1;
}

static int keys_out(void **state)
{
	(void)state;
	recipe_free_keys();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request_is_accepted),
		cmocka_unit_test(each_change_fails_its_check_alone),
		cmocka_unit_test(no_check_is_without_a_killer),
		cmocka_unit_test(the_policy_is_asked),
		cmocka_unit_test(no_prefix_of_a_request_is_one),
		cmocka_unit_test(sgx_requests_are_judged),
	};

	return cmocka_run_group_tests(tests, keys_in, keys_out);
}
