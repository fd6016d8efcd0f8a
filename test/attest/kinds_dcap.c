/* SPDX-License-Identifier: Apache-2.0 */
/* Intel SGX and TDX: DCAP quotes with their collateral. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/p256.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"
#include "lib/base/rw.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dcap_vector {
	struct vector *c;
	struct policy policy;
	struct dcap_rules *rules;
	struct envelope e;
	struct quote quote;
	bool read, tdx;
	uint8_t root[1][SPKI_DIGEST_SIZE];
	struct slice want_data;
};

/* ---- collateral ---- */

static struct slice from_hex(struct vector *c, const char *text)
{
	size_t size = strlen(text) / 2;
	uint8_t *b = malloc(size + 1);

	if (b == NULL || c->file_count == FILES_MAX)
		exit(2);
	c->files[c->file_count++] = b;
	if (hex_decode(slice_text(text), b, size) == OK)
		return slice_of(b, size);
	b[0] = 0; /* damaged on purpose: something that cannot be read */
	return slice_of(b, 1);
}

static void collateral_load(struct vector *c)
{
	struct slice s = case_file(c, "collateral");
	json_error_t error;
	const char *key;
	json_t *v;
	size_t i;

	if (s.size == 0)
		return;
	c->held = json_loadb((const char *)s.data, s.size, 0, &error);
	if (c->held == NULL) { /* damaged on purpose: then there is none, though some was named */
		c->held = json_object();
		return;
	}
	json_object_foreach(json_object_get(c->json, "override"), key, v) json_object_set(c->held, key, v);
	json_array_foreach(json_object_get(c->json, "drop"), i, v) json_object_del(c->held, json_string_value(v));
}

/* In the order of deterministic CBOR: short names first. */
void dcap_collateral_of(struct vector *c, json_t *opt, struct envelope *e)
{
	static const struct {
		const char *name;
		bool hex;
	} items[] = {{"pck_crl", true},
	             {"tcb_info", false},
	             {"pck_chain", false},
	             {"qe_identity", false},
	             {"root_ca_crl", true},
	             {"tcb_info_signature", false},
	             {"pck_crl_issuer_chain", false},
	             {"qe_identity_signature", false},
	             {"tcb_info_issuer_chain", false},
	             {"qe_identity_issuer_chain", false}};

	collateral_load(c);
	for (size_t i = 0; i < ARRAY_COUNT(items); i++) {
		json_t *from = strcmp(items[i].name, "pck_chain") == 0 ? opt : c->held;
		const char *text = case_text(from, items[i].name);

		if (text[0] != 0)
			e->collateral[e->collateral_count++] = (struct envelope_item){
			        slice_text(items[i].name), items[i].hex ? from_hex(c, text) : slice_text(text)};
	}
}

/* ---- demands ---- */

/* The collateral names its root by the digest of a certificate; the key in it is pinned. */
static void pin_root(struct dcap_vector *d)
{
	const char *want = case_text(d->c->held, "root");
	struct cert_list l;

	if (want[0] == 0)
		return;
	d->rules->roots = (const uint8_t(*)[SPKI_DIGEST_SIZE])d->root;
	if (!d->read || cert_list_read(d->quote.cert_data, &l, NULL) != OK)
		return;
	for (size_t i = 0; i < l.count; i++) {
		uint8_t digest[32];

		SHA256(l.cert[i].der.data, l.cert[i].der.size, digest);
		if (hex_is(slice_of(digest, 32), want))
			memcpy(d->root[0], l.cert[i].spki_sha256, SPKI_DIGEST_SIZE);
	}
	cert_list_free(&l);
}

static void statuses(struct dcap_rules *r, json_t *list)
{
	size_t i;
	json_t *v;

	if (list == NULL)
		r->statuses = 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING;
	json_array_foreach(list, i, v) for (unsigned k = 0; k < TCB_STATUS_COUNT;
	                                    k++) if (strcmp(json_string_value(v), tcb_status_names[k]) == 0)
	        r->statuses |= 1u << k;
}

static const struct {
	const char *key;
	enum dcap_pin pin;
} body_pins[] = {
        {"mr_enclave", DCAP_PIN_MRENCLAVE},
        {"mr_signer", DCAP_PIN_MRSIGNER},
        {"isv_ext_prod_id", DCAP_PIN_EXT_PROD_ID},
        {"isv_family_id", DCAP_PIN_FAMILY_ID},
        {"config_id", DCAP_PIN_CONFIG_ID},
        {"mr_td", DCAP_PIN_MRTD},
        {"rtmr0", DCAP_PIN_RTMR0},
        {"rtmr1", DCAP_PIN_RTMR1},
        {"rtmr2", DCAP_PIN_RTMR2},
        {"rtmr3", DCAP_PIN_RTMR3},
        {"mr_seam", DCAP_PIN_MRSEAM},
        {"mr_config_id", DCAP_PIN_MRCONFIGID},
        {"mr_owner", DCAP_PIN_MROWNER},
        {"mr_owner_config", DCAP_PIN_MROWNERCONFIG},
        {"mr_servicetd", DCAP_PIN_MRSERVICETD},
};

/* The relying party names a value of the report. What policies cannot ask for, or ask for as a minimum, body_judge
 * compares. */
static void body_demand(struct vector *c, struct dcap_rules *r, const char *key, json_t *v, struct slice *report_data)
{
	if (strcmp(key, "report_data") == 0) {
		*report_data = from_hex(c, json_string_value(v));
		return;
	}
	if (strcmp(key, "isv_prod_id") == 0) {
		r->prod_id_set = true;
		r->prod_id = (uint32_t)json_integer_value(v);
		return;
	}
	if (strcmp(key, "isv_svn") == 0) {
		r->svn_min = (uint32_t)json_integer_value(v);
		return;
	}
	for (size_t i = 0; i < ARRAY_COUNT(body_pins); i++)
		if (strcmp(key, body_pins[i].key) == 0) {
			struct digest_list *l = &r->pins[body_pins[i].pin];

			l->size = dcap_pins[body_pins[i].pin].size;
			l->bytes = (uint8_t *)(uintptr_t)from_hex(c, json_string_value(v)).data;
			l->count = 1;
			return;
		}
}

void dcap_demands(struct vector *c, struct dcap_rules *r, json_t *opt, struct slice *report_data)
{
	const char *key;
	json_t *v;

	r->accepted = r->any_advisory = r->any_measurement = r->migration = true;
	r->no_collateral = c->held == NULL;
	r->debug = case_option(opt, "allow_debug", false);
	r->service_td = !case_option(opt, "no_service_td", false);
	r->td_attributes = (uint64_t)json_integer_value(json_object_get(opt, "td_attributes_set"));
	r->roots = intel_roots;
	r->root_count = INTEL_ROOT_COUNT;
	statuses(r, json_object_get(opt, "accept_status"));
	json_object_foreach(json_object_get(opt, "body"), key, v) body_demand(c, r, key, v, report_data);
}

/* ---- values that must come out ---- */

static json_t *sgx_facts(const struct sgx_report *s)
{
	json_t *o = json_object();

	fact_hex(o, "cpusvn", s->cpusvn);
	fact_number(o, "miscselect", s->miscselect);
	fact_hex(o, "isv_ext_prod_id", s->ext_prod_id);
	fact_hex(o, "attributes", s->attributes);
	fact_hex(o, "mr_enclave", s->mrenclave);
	fact_hex(o, "mr_signer", s->mrsigner);
	fact_hex(o, "config_id", s->config_id);
	fact_number(o, "isv_prod_id", s->prod_id);
	fact_number(o, "isv_svn", s->svn);
	fact_number(o, "config_svn", s->config_svn);
	fact_hex(o, "isv_family_id", s->family_id);
	fact_hex(o, "report_data", s->report_data);
	return o;
}

static void bits_fact(json_t *facts, const char *key, uint64_t bits)
{
	uint8_t bytes[8];
	struct writer w = wr_of(bytes, sizeof bytes);

	if (wr_u64le(&w, bits) == OK)
		fact_hex(facts, key, slice_of(bytes, sizeof bytes));
}

static json_t *td_facts(const struct td_report *t)
{
	static const char *const rtmrs[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	json_t *o = json_object();

	fact_hex(o, "tee_tcb_svn", t->tee_tcb_svn);
	fact_hex(o, "mr_seam", t->mrseam);
	fact_hex(o, "mr_signer_seam", t->mrsignerseam);
	fact_hex(o, "seam_attributes", t->seam_attributes);
	bits_fact(o, "td_attributes", t->attributes);
	bits_fact(o, "xfam", t->xfam);
	fact_hex(o, "mr_td", t->mrtd);
	fact_hex(o, "mr_config_id", t->mrconfigid);
	fact_hex(o, "mr_owner", t->mrowner);
	fact_hex(o, "mr_owner_config", t->mrownerconfig);
	for (unsigned i = 0; i < ARRAY_COUNT(rtmrs); i++)
		fact_hex(o, rtmrs[i], t->rtmr[i]);
	fact_hex(o, "report_data", t->report_data);
	if (t->mrservicetd.size > 0) {
		fact_hex(o, "tee_tcb_svn2", t->tee_tcb_svn2);
		fact_hex(o, "mr_servicetd", t->mrservicetd);
	}
	return o;
}

static struct slice item(const struct envelope *e, const char *name)
{
	for (size_t i = 0; i < e->collateral_count; i++)
		if (slice_is(e->collateral[i].name, name))
			return e->collateral[i].value;
	return slice_of(NULL, 0);
}

static void issuer_fact(json_t *facts, const struct cert *c)
{
	char text[CERT_CN_MAX];

	if (X509_NAME_get_text_by_NID(X509_get_issuer_name(c->x), NID_commonName, text, sizeof text) > 0)
		fact_text(facts, "ca", slice_text(text));
}

/* What the PCK certificate says of its platform. */
static void platform_facts(json_t *facts, struct slice chain)
{
	json_t *components = json_array();
	struct cert_list l;
	struct slice value;
	struct pck_ext x;

	json_object_set_new(facts, "comps", components);
	if (cert_list_read(chain, &l, NULL) != OK)
		return;
	issuer_fact(facts, &l.cert[0]);
	if (cert_extension(&l.cert[0], pck_ext_oid, &value) && pck_ext_parse(value, &x, NULL) == OK) {
		fact_hex(facts, "fmspc", x.fmspc);
		fact_hex(facts, "pceid", x.pceid);
		fact_number(facts, "pcesvn", x.pcesvn);
		for (unsigned i = 0; i < PCK_COMPONENTS; i++)
			json_array_append_new(components, json_integer(x.components[i]));
	}
	cert_list_free(&l);
}

struct window {
	int64_t from, to;
};

static void narrow(struct window *w, int64_t from, int64_t to)
{
	w->from = from > w->from ? from : w->from;
	w->to = to < w->to ? to : w->to;
}

static void narrow_to_list(struct window *w, struct slice der)
{
	struct tm from, to;
	struct crl c;

	if (der.size == 0 || crl_read(der, &c, NULL) != OK)
		return;
	if (ASN1_TIME_to_tm(X509_CRL_get0_lastUpdate(c.x), &from) == 1 && ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(c.x), &to) == 1)
		narrow(w, timegm(&from), timegm(&to));
	crl_free(&c);
}

static void time_fact(json_t *facts, const char *key, int64_t at)
{
	char text[32];

	time_text(at, text, sizeof text);
	fact_text(facts, key, slice_text(text));
}

/* Which statements of Intel's were used, and when all collateral is good. */
static void collateral_facts(json_t *facts, const struct envelope *e)
{
	static struct tcb_info t;
	static struct qe_identity q;
	struct window w = {INT64_MIN, INT64_MAX};

	if (tcb_info_parse(item(e, "tcb_info"), &t, NULL) != OK)
		return;
	if (qe_identity_parse(item(e, "qe_identity"), &q, NULL) == OK) {
		json_object_set_new(facts, "tcb_eval", json_pack("[i, i]", t.s.evaluation, q.s.evaluation));
		narrow(&w, t.s.issued, t.s.next);
		narrow(&w, q.s.issued, q.s.next);
		narrow_to_list(&w, item(e, "root_ca_crl"));
		narrow_to_list(&w, item(e, "pck_crl"));
		time_fact(facts, "valid_from", w.from);
		time_fact(facts, "valid_to", w.to);
		qe_identity_free(&q);
	}
	tcb_info_free(&t);
}

static void status_facts(json_t *facts, const struct dcap_facts *f)
{
	const struct {
		const char *key;
		bool set;
		enum tcb_status status;
	} all[] = {{"tcb_status", f->status_set, f->status},
	           {"platform_status", f->platform_set, f->platform},
	           {"qe_status", f->qe_set, f->qe},
	           {"tdx_module_status", f->module_set, f->module}};
	json_t *advisories = json_array();

	for (size_t i = 0; i < ARRAY_COUNT(all); i++)
		if (all[i].set)
			fact_text(facts, all[i].key, slice_text(tcb_status_names[all[i].status]));
	fact_text(facts, "tcb_date", slice_text(f->tcb_date));
	for (size_t i = 0; i < f->advisory_count; i++)
		json_array_append_new(advisories, json_string(f->advisories[i]));
	json_object_set_new(facts, "advisories", advisories);
}

json_t *dcap_facts_json(const struct envelope *e)
{
	json_t *o = json_object();
	struct dcap_facts f;
	struct quote q;
	bool td;

	if (quote_parse(e->evidence, &q, NULL) != OK)
		return o;
	td = q.body != QUOTE_BODY_SGX;
	fact_number(o, "version", q.version);
	fact_number(o, "body_type", q.body);
	fact_text(o, "tee", slice_text(td ? "TDX" : "SGX"));
	fact_number(o, "trailing", q.padding.size);
	fact_number(o, "qe_isvsvn", q.qe.svn);
	fact_number(o, "qe_isvprodid", q.qe.prod_id);
	json_object_set_new(o, "body", td ? td_facts(&q.td) : sgx_facts(&q.sgx));
	platform_facts(o, q.cert_type == QUOTE_CERT_PCK_CHAIN ? q.cert_data : item(e, "pck_chain"));
	dcap_facts_of(e, &f);
	status_facts(o, &f);
	collateral_facts(o, e);
	return o;
}

/* ---- the case ---- */

/* What was demanded of the report, once more and as equal, also what no policy can ask for. */
static void body_judge(json_t *facts, json_t *opt, struct verdict *v)
{
	struct check k = {.id = "test.body", .link = "measurement", .spec = "", .result = CHECK_FAIL};
	json_t *body = json_object_get(facts, "body"), *want;
	const char *key;

	json_object_foreach(json_object_get(opt, "body"), key, want) if (json_equal(want, json_object_get(body, key)) != 1)
	{
		snprintf(k.found, sizeof k.found, "another %.64s", key);
		verdict_add(v, &k);
	}
}

static enum outcome judge(struct dcap_vector *d)
{
	uint8_t *bytes = malloc(ENVELOPE_SIZE_MAX);
	struct verify_input in = {.policy = &d->policy, .at = case_at(d->c), .report_data = d->want_data};
	struct verdict v = {.ok = true};
	json_t *facts = dcap_facts_json(&d->e);
	enum outcome o;
	size_t size;

	if (bytes != NULL && envelope_encode(&d->e, bytes, ENVELOPE_SIZE_MAX, &size) == OK) {
		in.envelope = slice_of(bytes, size);
		verify_evidence(&in, &v);
	} else { /* too much for a connection; from files the same judge takes more */
		v.ok = dcap_verify(&in, &d->e, d->rules, d->tdx, &v) && v.ok;
	}
	free(bytes);
	body_judge(facts, json_object_get(d->c->json, "opt"), &v);
	o = case_compare(d->c, &v);
	if (o == PASSED)
		return case_facts(d->c, facts);
	json_decref(facts);
	return o;
}

static enum outcome dcap_case(struct vector *c)
{
	struct dcap_vector d = {.c = c};

	d.e.evidence = case_file(c, "quote");
	d.read = quote_parse(d.e.evidence, &d.quote, NULL) == OK;
	d.tdx = d.read && d.quote.body != QUOTE_BODY_SGX;
	d.e.tee = slice_text(d.tdx ? "tdx" : "sgx");
	d.rules = d.tdx ? &d.policy.tdx : &d.policy.sgx;
	dcap_collateral_of(c, json_object_get(c->json, "opt"), &d.e);
	dcap_demands(c, d.rules, json_object_get(c->json, "opt"), &d.want_data);
	pin_root(&d);
	return judge(&d);
}

/* ---- tables ---- */

static const struct kind kinds[] = {
        {"dcap_quote", dcap_case},
        {NULL, NULL},
};

#define EACH_CERT(what)                                                                                                \
	"dcap.root." what " dcap.ca." what " dcap.pck." what " dcap.tcb_signer." what " dcap.qe_signer." what

static const struct reason reasons[] = {
        {"quote-size", "dcap.quote.read"},
        {"quote-version", "dcap.quote.read"},
        {"quote-body-type", "dcap.quote.read"},
        {"tee-type", "dcap.quote.read"},
        {"signature-length", "dcap.quote.read"},
        {"qe-auth-length", "dcap.quote.read"},
        {"cert-data-length", "dcap.quote.read dcap.chain.read"},
        {"cert-data-type", "dcap.quote.read dcap.chain.read"},
        {"att-key-type", "dcap.quote.key_type"},
        {"qe-vendor", "dcap.quote.vendor"},
        {"pck-chain-length", "dcap.chain.read"},
        {"pck-chain-order", "dcap.chain.read"},
        {"root-untrusted",
         "dcap.root.pinned dcap.root.signature dcap.root.issuer dcap.root.algorithm dcap.root.name dcap.chain.read"},
        {"root-not-self-signed", "dcap.root.signature"},
        {"chain-signature", "dcap.ca.signature dcap.pck.signature dcap.tcb_signer.signature dcap.qe_signer.signature"},
        {"issuer-not-ca", "dcap.root.ca dcap.ca.ca"},
        {"issuer-key-usage", "dcap.root.ca dcap.ca.ca"},
        {"path-length", "dcap.root.ca dcap.ca.ca"},
        {"cert-not-yet-valid", EACH_CERT("time")},
        {"cert-expired", EACH_CERT("time")},
        {"cert-revoked", EACH_CERT("revocation")},
        {"pck-crl-issuer", "dcap.pck_crl.chain"},
        {"root-crl-missing", "dcap.root_crl.read dcap.root_crl.issuer"},
        {"pck-crl-missing", "dcap.pck_crl.read dcap.pck_crl.issuer"},
        {"crl-issuer", "dcap.root_crl.issuer dcap.pck_crl.issuer"},
        {"crl-signature", "dcap.root_crl.signature dcap.pck_crl.signature"},
        {"crl-not-yet-valid", "dcap.root_crl.time dcap.pck_crl.time"},
        {"crl-expired", "dcap.root_crl.time dcap.pck_crl.time"},
        {"pck-subject", "dcap.pck.name"},
        {"pck-extension-missing", "dcap.pck.extension"},
        {"qe-report-signature", "dcap.qe.signature"},
        {"qe-report-data", "dcap.qe.binding"},
        {"quote-signature", "dcap.quote.signature"},
        {"tcb-info-signer", "dcap.tcb_signer.name dcap.tcb_signer.read"},
        {"tcb-info-root", "dcap.tcb_signer.read dcap.tcb_signer.signature"},
        {"tcb-info-signature", "dcap.tcb_info.signature"},
        {"tcb-info-not-yet-valid", "dcap.tcb_info.time"},
        {"tcb-info-expired", "dcap.tcb_info.time"},
        {"tcb-info-id", "dcap.tcb_info.id"},
        {"fmspc", "dcap.tcb_info.fmspc"},
        {"pceid", "dcap.tcb_info.pceid"},
        {"qe-identity-signer", "dcap.qe_signer.name dcap.qe_signer.read"},
        {"qe-identity-root", "dcap.qe_signer.read dcap.qe_signer.signature"},
        {"qe-identity-signature", "dcap.qe_identity.signature"},
        {"qe-identity-not-yet-valid", "dcap.qe_identity.time"},
        {"qe-identity-expired", "dcap.qe_identity.time"},
        {"qe-identity-id", "dcap.qe_identity.id"},
        {"qe-miscselect", "dcap.qe.miscselect"},
        {"qe-attributes", "dcap.qe.attributes"},
        {"qe-mrsigner", "dcap.qe.mrsigner"},
        {"qe-isvprodid", "dcap.qe.product"},
        {"qe-tcb-not-supported", "dcap.qe.level"},
        {"tcb-not-supported", "dcap.tcb.level"},
        {"tdx-module-unknown", "dcap.module.known"},
        {"tdx-module-tcb-not-supported", "dcap.module.level"},
        {"tdx-module-mrsigner", "dcap.module.mrsigner"},
        {"tdx-module-attributes", "dcap.module.attributes"},
        {"tcb-status", "dcap.tcb.status"},
        {"sgx-debug", "sgx.debug"},
        {"td-debug", "tdx.debug"},
        {"td-attributes", "tdx.attributes"},
        {"service-td-bound", "tdx.service_td"},
        {"mr-enclave-mismatch", "sgx.measurement"},
        {"mr-signer-mismatch", "sgx.mrsigner"},
        {"isv-prod-id-mismatch", "sgx.product"},
        {"isv-svn-mismatch", "sgx.svn test.body"},
        {"isv-ext-prod-id-mismatch", "sgx.ext_prod_id"},
        {"isv-family-id-mismatch", "sgx.family_id"},
        {"config-id-mismatch", "sgx.config_id"},
        {"mr-td-mismatch", "tdx.measurement"},
        {"rtmr0-mismatch", "tdx.rtmr0"},
        {"rtmr1-mismatch", "tdx.rtmr1"},
        {"rtmr2-mismatch", "tdx.rtmr2"},
        {"rtmr3-mismatch", "tdx.rtmr3"},
        {"mr-seam-mismatch", "tdx.mrseam"},
        {"mr-config-id-mismatch", "tdx.mrconfigid"},
        {"mr-owner-mismatch", "tdx.mrowner"},
        {"mr-owner-config-mismatch", "tdx.mrownerconfig"},
        {"mr-servicetd-mismatch", "tdx.mrservicetd"},
        {"report-data-mismatch", "dcap.report_data"},
        {NULL, NULL},
};

const struct kind_set dcap_set = {kinds, reasons};
