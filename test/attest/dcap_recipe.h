/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of Intel's TEEs baked to order, as recipe.h does for AMD's: a root, the CA of PCK certificates, a PCK
 * certificate with its SGX extension, revocation lists, signed statements, and a quote of version 3, 4 or 5. Everything
 * is properly signed unless the recipe says otherwise. Tests change one thing in a good recipe.
 */
#ifndef BROCH_TEST_DCAP_RECIPE_H
#define BROCH_TEST_DCAP_RECIPE_H

#include "client/attest/dcap.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"
#include "lib/base/rw.h"
#include "test/attest/recipe.h"

enum { DCAP_AT = 1768435200 /* 2026-01-15 */, DCAP_CERTS = 5, DCAP_LISTS = 2, DCAP_STATEMENTS = 2 };
enum { MAKE_ROOT, MAKE_CA, MAKE_PCK, MAKE_TCB_SIGNER, MAKE_QE_SIGNER };
enum { MAKE_ROOT_CRL, MAKE_PCK_CRL };
enum { MAKE_TCB, MAKE_QE };

/* Where the fields of the reports are. */
enum {
	AT_SGX_MISC = 16,
	AT_SGX_EXT_PROD = 32,
	AT_SGX_ATTRIBUTES = 48,
	AT_SGX_MRENCLAVE = 64,
	AT_SGX_MRSIGNER = 128,
	AT_SGX_PRODUCT = 256,
	AT_SGX_SVN = 258,
	AT_SGX_DATA = 320,
	AT_TD_SVN = 0,
	AT_TD_MRSIGNERSEAM = 64,
	AT_TD_SEAM_ATTRIBUTES = 112,
	AT_TD_ATTRIBUTES = 120,
	AT_TD_XFAM = 128,
	AT_TD_MRTD = 136,
	AT_TD_DATA = 520,
	AT_TD_SVN2 = 584,
	AT_TD_MRSERVICETD = 600,
};

/* What the SGX extension of a PCK certificate says. */
struct pck_said {
	uint8_t ppid[16], components[16], cpusvn[16], pceid[2], fmspc[6], instance[16];
	unsigned pcesvn, sgx_type;
	bool no_instance, no_configuration;
	unsigned left_out, twice;         /* an arc; 0: none */
	unsigned tcb_left_out, tcb_twice; /* below arc 2 */
	int component_of_two_bytes;       /* this component says 256; -1: none */
	bool component_negative, component_long /* a zero too many */, octets_short, boolean_one, unknown, trailing;
};

struct dcap_statement_recipe {
	bool absent;
	const char *id, *issued, *next, *fmspc, *pceid, *status, *advisories, *text; /* text: instead of all that */
	unsigned version, evaluation, svn; /* svn: of the one level, of every component or of the QE */
	unsigned prod_id;
	const char *miscselect, *attributes, *mrsigner;
	const char *module_mrsigner, *module_attributes, *module_status;
	unsigned module_svn, module_major;
	bool no_module, wrapped; /* wrapped: as the service answers */
	int signer;              /* a key; the signature is by it */
	const char *signature;   /* instead of a good one */
};

struct dcap_recipe {
	bool tdx;
	struct recipe_cert cert[DCAP_CERTS];
	struct recipe_crl crl[DCAP_LISTS];
	struct pck_said pck;
	bool no_ext;
	struct dcap_statement_recipe statement[DCAP_STATEMENTS];
	bool chain_without_root, chain_beside, crl_chain_of_signer, signer_with_stranger[DCAP_STATEMENTS],
	        signer_absent[DCAP_STATEMENTS],
	        signer_root_forged[DCAP_STATEMENTS]; /* the root's key and name, but another's signature */
	uint16_t version, key_type;
	uint8_t vendor[16], body[TD_REPORT_15_SIZE], qe[SGX_REPORT_BODY_SIZE], auth[32];
	enum recipe_key qe_by, quote_by, key_said; /* key_said: the quote names this attestation key */
	bool spoil_binding;
	size_t cut;  /* bytes off the end of the quote */
	size_t flip; /* this byte of the quote is changed afterwards; 0: none */
	struct dcap_rules rules;
	bool other_root;
	uint8_t root[1][SPKI_DIGEST_SIZE]; /* the root's key, known after baking */
	int64_t at;
	struct slice want_data;
};

struct dcap_baked {
	uint8_t *der[DCAP_CERTS + DCAP_LISTS];
	size_t der_size[DCAP_CERTS + DCAP_LISTS];
	char *pem[DCAP_CERTS], *lists[4], *text[DCAP_STATEMENTS];
	char signature[DCAP_STATEMENTS][129];
	uint8_t quote[QUOTE_SIZE_MAX];
	struct envelope e;
};

/* ---- the good recipe ---- */

static inline void dcap_fill(uint8_t *at, size_t size, uint8_t with)
{
	memset(at, with, size);
}

static inline void dcap_good_certs(struct dcap_recipe *r)
{
	static const char *const names[DCAP_CERTS] = {"Intel SGX Root CA", "Intel SGX PCK Platform CA",
	                                              "Intel SGX PCK Certificate", "Intel SGX TCB Signing",
	                                              "Intel SGX TCB Signing"};
	static const enum recipe_key keys[DCAP_CERTS] = {KEY_ROOT, KEY_ISSUER, KEY_PLATFORM, KEY_SIGNER, KEY_SIGNER};
	static const int issuers[DCAP_CERTS] = {MAKE_ROOT, MAKE_ROOT, MAKE_CA, MAKE_ROOT, MAKE_ROOT};
	static const int list_issuers[DCAP_LISTS] = {MAKE_ROOT, MAKE_CA};

	for (int i = 0; i < DCAP_CERTS; i++)
		r->cert[i] = (struct recipe_cert){
		        .key = keys[i],
		        .serial = 100 + i,
		        .cn = names[i],
		        .issuer_cn = names[issuers[i]],
		        .from = "20250101000000Z",
		        .to = "20350101000000Z",
		        .constraints = i == MAKE_ROOT ? "critical,CA:TRUE,pathlen:1"
		                       : i == MAKE_CA ? "critical,CA:TRUE,pathlen:0"
		                                      : "critical,CA:FALSE",
		        .usage = i <= MAKE_CA ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature",
		        .sign = {keys[issuers[i]], true, "SHA256", NULL, 0},
		};
	for (int i = 0; i < DCAP_LISTS; i++)
		r->crl[i] = (struct recipe_crl){.present = true,
		                                .issuer_cn = names[list_issuers[i]],
		                                .from = "20260101000000Z",
		                                .to = "20260201000000Z",
		                                .sign = {keys[list_issuers[i]], true, "SHA256", NULL, 0}};
}

static inline void dcap_good_statements(struct dcap_recipe *r)
{
	struct dcap_statement_recipe *t = &r->statement[MAKE_TCB], *q = &r->statement[MAKE_QE];

	*t = (struct dcap_statement_recipe){
	        .id = r->tdx ? "TDX" : "SGX",
	        .issued = "2026-01-01T00:00:00Z",
	        .next = "2026-02-01T00:00:00Z",
	        .fmspc = "0102030405AA",
	        .pceid = "0000",
	        .status = "UpToDate",
	        .advisories = "",
	        .version = 3,
	        .evaluation = 17,
	        .svn = 3,
	        .module_mrsigner = "000000000000000000000000000000000000000000000000"
	                           "000000000000000000000000000000000000000000000000",
	        .module_attributes = "0000000000000000",
	        .module_status = "UpToDate",
	        .module_svn = 3,
	        .module_major = 1,
	        .signer = KEY_SIGNER,
	};
	*q = *t;
	q->id = r->tdx ? "TD_QE" : "QE";
	q->version = 2;
	q->svn = 8;
	q->prod_id = 1;
	q->miscselect = "00000000";
	q->attributes = "11000000000000000000000000000000";
	q->mrsigner = "5151515151515151515151515151515151515151515151515151515151515151";
}

static inline void dcap_good_reports(struct dcap_recipe *r)
{
	dcap_fill(r->qe + AT_SGX_MRSIGNER, 32, 0x51);
	r->qe[AT_SGX_ATTRIBUTES] = 0x11;
	r->qe[AT_SGX_PRODUCT] = 1;
	r->qe[AT_SGX_SVN] = 8;
	dcap_fill(r->auth, sizeof r->auth, 0xa0);
	if (!r->tdx) {
		r->body[AT_SGX_ATTRIBUTES] = 5;
		dcap_fill(r->body + AT_SGX_MRENCLAVE, 32, 0x3e);
		dcap_fill(r->body + AT_SGX_MRSIGNER, 32, 0x35);
		r->body[AT_SGX_PRODUCT] = 7;
		r->body[AT_SGX_SVN] = 2;
		dcap_fill(r->body + AT_SGX_DATA, 64, 0xda);
		return;
	}
	dcap_fill(r->body + AT_TD_SVN, 16, 4);
	r->body[AT_TD_SVN + 1] = 1;
	r->body[AT_TD_ATTRIBUTES + 3] = 0x10; /* SEPT_VE_DISABLE */
	r->body[AT_TD_XFAM] = 0xe7;
	dcap_fill(r->body + AT_TD_MRTD, 48, 0x3d);
	dcap_fill(r->body + AT_TD_DATA, 64, 0xda);
	dcap_fill(r->body + AT_TD_SVN2, 16, 4);
	r->body[AT_TD_SVN2 + 1] = 1;
}

static inline void dcap_good(struct dcap_recipe *r, bool tdx)
{
	static const uint8_t intel[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	                                  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	static const uint8_t fmspc[6] = {1, 2, 3, 4, 5, 0xaa};
	static uint8_t data[64];

	memset(r, 0, sizeof *r);
	memset(data, 0xda, sizeof data);
	r->tdx = tdx;
	r->version = tdx ? 4 : 3;
	r->key_type = 2;
	dcap_good_certs(r);
	dcap_good_statements(r);
	dcap_good_reports(r);
	dcap_fill(r->pck.ppid, 16, 0x99);
	dcap_fill(r->pck.components, 16, 5);
	dcap_fill(r->pck.instance, 16, 0x17);
	memcpy(r->pck.fmspc, fmspc, sizeof fmspc);
	r->pck.pcesvn = 11;
	r->pck.component_of_two_bytes = -1;
	memcpy(r->vendor, intel, sizeof intel);
	r->qe_by = KEY_PLATFORM;
	r->quote_by = r->key_said = KEY_ATTESTATION;
	r->at = DCAP_AT;
	r->want_data = slice_of(data, sizeof data);
	r->rules = (struct dcap_rules){.accepted = true,
	                               .root_count = 1,
	                               .any_measurement = true,
	                               .statuses = 1u << TCB_UP_TO_DATE,
	                               .svn_set = true};
}

/* ---- the SGX extension ---- */

static inline void dcap_der(struct writer *w, uint8_t tag, struct slice content)
{
	recipe_must(wr_u8(w, tag) == OK);
	if (content.size < 0x80)
		recipe_must(wr_u8(w, (uint8_t)content.size) == OK);
	else if (content.size < 0x100)
		recipe_must(wr_u8(w, 0x81) == OK && wr_u8(w, (uint8_t)content.size) == OK);
	else
		recipe_must(wr_u8(w, 0x82) == OK && wr_u16be(w, (uint16_t)content.size) == OK);
	recipe_must(wr_bytes(w, content) == OK);
}

/* {OID .arc or .2.arc, value} */
static inline void dcap_member(struct writer *w, unsigned parent, unsigned arc, struct slice value)
{
	static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
	uint8_t id[16], room[600];
	struct writer out = wr_of(room, sizeof room);
	size_t size = sizeof oid;

	memcpy(id, oid, size);
	if (parent != 0)
		id[size++] = (uint8_t)parent;
	id[size++] = (uint8_t)arc;
	dcap_der(&out, 0x06, slice_of(id, size));
	recipe_must(wr_bytes(&out, value) == OK);
	dcap_der(w, 0x30, wr_slice(&out));
}

static inline struct slice dcap_small(uint8_t tag, unsigned value, uint8_t room[static 8])
{
	struct writer out = wr_of(room, 8);
	const uint8_t bytes[] = {0, (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
	size_t from = value > 0x7fffff ? 0 : value > 0x7fff ? 1 : value > 0x7f ? 2 : 3;

	dcap_der(&out, tag, slice_of(bytes + from, sizeof bytes - from));
	return wr_slice(&out);
}

static inline struct slice dcap_octets(const uint8_t *bytes, size_t size, uint8_t room[static 32])
{
	struct writer out = wr_of(room, 32);

	dcap_der(&out, 0x04, slice_of(bytes, size));
	return wr_slice(&out);
}

static inline struct slice dcap_tcb_value(const struct pck_said *p, unsigned arc, uint8_t room[static 32])
{
	if (arc == 18)
		return dcap_octets(p->cpusvn, 16, room);
	if (arc == 17)
		return dcap_small(2, p->pcesvn, room);
	if (p->component_negative && arc == 1)
		return slice_of("\x02\x01\xff", 3);
	if (p->component_long && arc == 1)
		return slice_of("\x02\x02\x00\x05", 4);
	return dcap_small(2, (int)arc - 1 == p->component_of_two_bytes ? 256 : p->components[arc - 1], room);
}

static inline void dcap_tcb(struct writer *w, const struct pck_said *p)
{
	uint8_t room[1000], small[32];
	struct writer out = wr_of(room, sizeof room);

	for (unsigned arc = 1; arc <= 18; arc++)
		for (unsigned n = arc == p->tcb_left_out; n < 1u + (arc == p->tcb_twice); n++)
			dcap_member(&out, 2, arc, dcap_tcb_value(p, arc, small));
	dcap_der(w, 0x30, wr_slice(&out));
}

static inline struct slice dcap_arc(const struct pck_said *p, unsigned arc, uint8_t *room, size_t size)
{
	struct writer out = wr_of(room, size), inner;
	uint8_t flags[200];

	switch (arc) {
	case 1: return dcap_octets(p->ppid, p->octets_short ? 15 : 16, room);
	case 2: dcap_tcb(&out, p); return wr_slice(&out);
	case 3: return dcap_octets(p->pceid, 2, room);
	case 4: return dcap_octets(p->fmspc, 6, room);
	case 5: return dcap_small(0x0a, p->sgx_type, room);
	case 6: return dcap_octets(p->instance, 16, room);
	case 7:
		inner = wr_of(flags, sizeof flags);
		for (unsigned flag = 1; flag <= 3; flag++)
			dcap_member(&inner, 7, flag,
			            slice_of(p->boolean_one ? "\x01\x01\x01"
			                     : flag == 2    ? "\x01\x01\x00"
			                                    : "\x01\x01\xff",
			                     3));
		dcap_der(&out, 0x30, wr_slice(&inner));
		return wr_slice(&out);
	default: return slice_of("\x05\x00", 2);
	}
}

static inline struct slice dcap_pck_ext(const struct pck_said *p, uint8_t *room, size_t size)
{
	static uint8_t all[2000];
	struct writer out = wr_of(all, sizeof all), whole = wr_of(room, size);
	uint8_t value[1000];

	for (unsigned arc = 1; arc <= 8; arc++) {
		bool no = arc == p->left_out || (arc == 6 && p->no_instance) || (arc == 7 && p->no_configuration) ||
		          (arc == 8 && !p->unknown);

		for (unsigned n = no; n < 1u + (arc == p->twice); n++)
			dcap_member(&out, 0, arc, dcap_arc(p, arc, value, sizeof value));
	}
	dcap_der(&whole, 0x30, wr_slice(&out));
	if (p->trailing)
		recipe_must(wr_u8(&whole, 0) == OK);
	return wr_slice(&whole);
}

/* ---- statements ---- */

static inline void dcap_components(FILE *f, const char *key, unsigned svn)
{
	fprintf(f, "\"%s\":[", key);
	for (int i = 0; i < 16; i++)
		fprintf(f, "%s{\"svn\":%u}", i == 0 ? "" : ",", svn);
	fprintf(f, "],");
}

static inline void dcap_level_end(FILE *f, const char *status, const char *advisories)
{
	fprintf(f, "},\"tcbDate\":\"2025-11-12T00:00:00Z\",\"tcbStatus\":\"%s\"%s}]", status, advisories);
}

static inline void dcap_tcb_text(FILE *f, const struct dcap_statement_recipe *s)
{
	const bool td = strcmp(s->id, "TDX") == 0;

	fprintf(f, "\"fmspc\":\"%s\",\"pceId\":\"%s\",\"tcbType\":0,", s->fmspc, s->pceid);
	if (td && !s->no_module) {
		fprintf(f,
		        "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"%s\",\"attributesMask\":"
		        "\"FFFFFFFFFFFFFFFF\"},",
		        s->module_mrsigner, s->module_attributes);
		fprintf(f,
		        "\"tdxModuleIdentities\":[{\"id\":\"TDX_%02X\",\"mrsigner\":\"%s\",\"attributes\":\"%s\","
		        "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u",
		        s->module_major, s->module_mrsigner, s->module_attributes, s->module_svn);
		dcap_level_end(f, s->module_status, "");
		fprintf(f, "}],");
	}
	fprintf(f, "\"tcbLevels\":[{\"tcb\":{");
	if (s->version >= 3) {
		dcap_components(f, "sgxtcbcomponents", s->svn);
	} else {
		for (int i = 1; i <= 16; i++)
			fprintf(f, "\"sgxtcbcomp%02dsvn\":%u,", i, s->svn);
	}
	if (td)
		dcap_components(f, "tdxtcbcomponents", s->svn);
	fprintf(f, "\"pcesvn\":11");
	dcap_level_end(f, s->status, s->advisories);
}

static inline char *dcap_text(const struct dcap_statement_recipe *s, bool tcb)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	recipe_must(f != NULL);
	if (s->text != NULL) {
		fputs(s->text, f);
		fclose(f);
		return out;
	}
	fprintf(f,
	        "{\"id\":\"%s\",\"version\":%u,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
	        "\"tcbEvaluationDataNumber\":%u,",
	        s->id, s->version, s->issued, s->next, s->evaluation);
	if (tcb) {
		dcap_tcb_text(f, s);
	} else {
		fprintf(f,
		        "\"miscselect\":\"%s\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"%s\","
		        "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\",\"isvprodid\":%u,"
		        "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u",
		        s->miscselect, s->attributes, s->mrsigner, s->prod_id, s->svn);
		dcap_level_end(f, s->status, s->advisories);
	}
	fprintf(f, "}");
	fclose(f);
	return out;
}

/* ---- certificates and lists as text ---- */

static inline char *dcap_pem(struct slice der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *out;
	long size;

	recipe_must(bio != NULL && PEM_write_bio(bio, "CERTIFICATE", "", der.data, (long)der.size) > 0);
	size = BIO_get_mem_data(bio, &data);
	out = malloc((size_t)size + 1);
	recipe_must(out != NULL);
	memcpy(out, data, (size_t)size);
	out[size] = 0;
	BIO_free(bio);
	return out;
}

static inline char *dcap_join(const char *a, const char *b, const char *c)
{
	char *out = NULL;

	recipe_must(asprintf(&out, "%s%s%s", a, b, c) > 0);
	return out;
}

/* ---- the quote ---- */

static inline void dcap_point(enum recipe_key which, uint8_t out[static QUOTE_POINT_SIZE])
{
	uint8_t point[65];
	size_t size = 0;

	recipe_must(EVP_PKEY_get_octet_string_param(recipe_keys[which], OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
	                                            &size) == 1 &&
	            size == sizeof point);
	memcpy(out, point + 1, QUOTE_POINT_SIZE);
}

static inline void dcap_qe_report(struct dcap_recipe *r)
{
	uint8_t bytes[QUOTE_POINT_SIZE + sizeof r->auth];

	dcap_point(r->key_said, bytes);
	memcpy(bytes + QUOTE_POINT_SIZE, r->auth, sizeof r->auth);
	SHA256(bytes, sizeof bytes, r->qe + AT_SGX_DATA);
	if (r->spoil_binding)
		r->qe[AT_SGX_DATA] ^= 1;
}

static inline void dcap_qe_part(struct dcap_recipe *r, struct writer *w, const char *chain)
{
	uint8_t pair[2 * 48];

	dcap_qe_report(r);
	recipe_pair(recipe_keys[r->qe_by], "SHA256", slice_of(r->qe, sizeof r->qe), 32, pair);
	recipe_must(wr_bytes(w, slice_of(r->qe, sizeof r->qe)) == OK && wr_bytes(w, slice_of(pair, 64)) == OK &&
	            wr_u16le(w, sizeof r->auth) == OK && wr_bytes(w, slice_of(r->auth, sizeof r->auth)) == OK &&
	            wr_u16le(w, r->chain_beside ? 1 : QUOTE_CERT_PCK_CHAIN) == OK &&
	            wr_u32le(w, (uint32_t)strlen(chain)) == OK && wr_bytes(w, slice_text(chain)) == OK);
}

static inline void dcap_signed_part(const struct dcap_recipe *r, struct writer *w)
{
	const size_t size = !r->tdx ? SGX_REPORT_BODY_SIZE : r->version < 5 ? TD_REPORT_10_SIZE : TD_REPORT_15_SIZE;

	recipe_must(wr_u16le(w, r->version) == OK && wr_u16le(w, r->key_type) == OK &&
	            wr_u32le(w, r->tdx ? QUOTE_TEE_TDX : QUOTE_TEE_SGX) == OK && wr_zero(w, 4) == OK &&
	            wr_bytes(w, slice_of(r->vendor, 16)) == OK && wr_zero(w, 20) == OK);
	if (r->version == 5)
		recipe_must(wr_u16le(w, r->tdx ? QUOTE_BODY_TD15 : QUOTE_BODY_SGX) == OK &&
		            wr_u32le(w, (uint32_t)size) == OK);
	recipe_must(wr_bytes(w, slice_of(r->body, size)) == OK);
}

static inline struct slice dcap_quote(struct dcap_recipe *r, const char *chain, uint8_t *room, size_t size)
{
	static uint8_t parts[QUOTE_SIZE_MAX], inner[QUOTE_SIZE_MAX];
	struct writer w = wr_of(room, size), s = wr_of(parts, sizeof parts), q = wr_of(inner, sizeof inner);
	uint8_t pair[64], key[QUOTE_POINT_SIZE];

	dcap_signed_part(r, &w);
	recipe_pair(recipe_keys[r->quote_by], "SHA256", wr_slice(&w), 32, pair);
	dcap_point(r->key_said, key);
	recipe_must(wr_bytes(&s, slice_of(pair, 64)) == OK && wr_bytes(&s, slice_of(key, sizeof key)) == OK);
	dcap_qe_part(r, &q, chain);
	if (r->version > 3)
		recipe_must(wr_u16le(&s, QUOTE_CERT_QE_REPORT) == OK && wr_u32le(&s, (uint32_t)wr_used(&q)) == OK);
	recipe_must(wr_bytes(&s, wr_slice(&q)) == OK && wr_u32le(&w, (uint32_t)wr_used(&s)) == OK &&
	            wr_bytes(&w, wr_slice(&s)) == OK);
	room[r->flip] ^= r->flip > 0;
	return slice_of(room, wr_used(&w) - r->cut);
}

/* ---- all together ---- */

static inline void dcap_add(struct envelope *e, const char *name, struct slice value)
{
	e->collateral[e->collateral_count++] = (struct envelope_item){slice_text(name), value};
}

static inline void dcap_forge_root(const struct dcap_recipe *r, struct dcap_baked *b, int which)
{
	struct recipe_cert root = r->cert[MAKE_ROOT];
	size_t size;
	uint8_t *der;
	char *pem;

	root.sign.by = KEY_FOREIGN;
	der = recipe_cert(&root, NULL, &size);
	pem = dcap_pem(slice_of(der, size));
	free(b->lists[2 + which]);
	b->lists[2 + which] = dcap_join(b->pem[MAKE_TCB_SIGNER + which], pem, "");
	free(pem);
	free(der);
}

static inline void dcap_bake_certs(struct dcap_recipe *r, struct dcap_baked *b)
{
	static uint8_t ext[2000];

	if (!r->no_ext) {
		r->cert[MAKE_PCK].ext_oid = "1.2.840.113741.1.13.1";
		r->cert[MAKE_PCK].ext = dcap_pck_ext(&r->pck, ext, sizeof ext);
	}
	for (int i = 0; i < DCAP_CERTS; i++) {
		b->der[i] = recipe_cert(&r->cert[i], NULL, &b->der_size[i]);
		b->pem[i] = dcap_pem(slice_of(b->der[i], b->der_size[i]));
	}
	for (int i = 0; i < DCAP_LISTS; i++)
		if (r->crl[i].present)
			b->der[DCAP_CERTS + i] = recipe_crl(&r->crl[i], &b->der_size[DCAP_CERTS + i]);
	b->lists[0] = dcap_join(b->pem[MAKE_PCK], b->pem[MAKE_CA], r->chain_without_root ? "" : b->pem[MAKE_ROOT]);
	b->lists[1] = dcap_join(b->pem[r->crl_chain_of_signer ? MAKE_TCB_SIGNER : MAKE_CA], b->pem[MAKE_ROOT], "");
	for (int i = 0; i < DCAP_STATEMENTS; i++)
		b->lists[2 + i] = dcap_join(b->pem[MAKE_TCB_SIGNER + i],
		                            b->pem[r->signer_with_stranger[i] ? MAKE_CA : MAKE_ROOT], "");
	for (int i = 0; i < DCAP_STATEMENTS; i++)
		if (r->signer_root_forged[i])
			dcap_forge_root(r, b, i);
}

static inline void dcap_bake_statement(const struct dcap_recipe *r, struct dcap_baked *b, int which)
{
	static const char *const names[][4] = {
	        {"tcb_info", "tcb_info_signature", "tcb_info_issuer_chain", "tcbInfo"},
	        {"qe_identity", "qe_identity_signature", "qe_identity_issuer_chain", "enclaveIdentity"}};
	const struct dcap_statement_recipe *s = &r->statement[which];
	uint8_t pair[64];
	char *text = dcap_text(s, which == MAKE_TCB);

	recipe_pair(recipe_keys[s->signer], "SHA256", slice_text(text), 32, pair);
	hex_encode(slice_of(pair, sizeof pair), b->signature[which]);
	if (s->signature != NULL)
		snprintf(b->signature[which], sizeof b->signature[which], "%s", s->signature);
	b->text[which] = text;
	if (s->wrapped) {
		recipe_must(asprintf(&b->text[which], "{\"%s\":%s,\"signature\":\"%s\"}", names[which][3], text,
		                     b->signature[which]) > 0);
		free(text);
	}
	if (!s->absent)
		dcap_add(&b->e, names[which][0], slice_text(b->text[which]));
	if (!s->wrapped)
		dcap_add(&b->e, names[which][1], slice_text(b->signature[which]));
	if (!r->signer_absent[which])
		dcap_add(&b->e, names[which][2], slice_text(b->lists[2 + which]));
}

static inline struct dcap_baked *dcap_bake(struct dcap_recipe *r)
{
	static const char *const lists[DCAP_LISTS] = {"root_ca_crl", "pck_crl"};
	struct dcap_baked *b = calloc(1, sizeof *b);
	unsigned char *der = NULL;
	int n;

	recipe_must(b != NULL);
	dcap_bake_certs(r, b);
	b->e.tee = slice_text(r->tdx ? "tdx" : "sgx");
	b->e.evidence = dcap_quote(r, r->chain_beside ? "" : b->lists[0], b->quote, sizeof b->quote);
	if (r->chain_beside)
		dcap_add(&b->e, "pck_chain", slice_text(b->lists[0]));
	for (int i = 0; i < DCAP_LISTS; i++)
		if (r->crl[i].present)
			dcap_add(&b->e, lists[i], slice_of(b->der[DCAP_CERTS + i], b->der_size[DCAP_CERTS + i]));
	dcap_add(&b->e, "pck_crl_issuer_chain", slice_text(b->lists[1]));
	for (int i = 0; i < DCAP_STATEMENTS; i++)
		dcap_bake_statement(r, b, i);
	n = i2d_PUBKEY(recipe_keys[r->cert[MAKE_ROOT].key], &der);
	recipe_must(n > 0);
	SHA256(der, (size_t)n, r->root[0]);
	OPENSSL_free(der);
	r->root[0][0] ^= r->other_root;
	r->rules.roots = (const uint8_t(*)[SPKI_DIGEST_SIZE])r->root;
	return b;
}

static inline void dcap_baked_free(struct dcap_baked *b)
{
	for (int i = 0; i < DCAP_CERTS + DCAP_LISTS; i++)
		free(b->der[i]);
	for (int i = 0; i < DCAP_CERTS; i++)
		free(b->pem[i]);
	for (size_t i = 0; i < ARRAY_COUNT(b->lists); i++)
		free(b->lists[i]);
	for (int i = 0; i < DCAP_STATEMENTS; i++)
		free(b->text[i]);
	free(b);
}

/* as_tdx: which rules judge it. */
static inline bool dcap_recipe_judge(struct dcap_recipe *r, bool as_tdx, struct verdict *v)
{
	struct dcap_baked *b = dcap_bake(r);
	struct verify_input in = {.report_data = r->want_data, .at = r->at};
	bool judged;

	memset(v, 0, sizeof *v);
	v->ok = true;
	judged = dcap_verify(&in, &b->e, &r->rules, as_tdx, v);
	dcap_baked_free(b);
	return judged;
}

/* New keys: all on P-256 but KEY_SMALL, which is on P-384. */
static inline void dcap_keys(void)
{
	for (int i = 0; i < KEY_MAX; i++)
		recipe_must((recipe_keys[i] = EVP_EC_gen(i == KEY_SMALL ? "P-384" : "P-256")) != NULL);
}

#endif
