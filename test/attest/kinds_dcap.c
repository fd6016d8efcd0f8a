/* SPDX-License-Identifier: Apache-2.0 */
/* Intel SGX and TDX: DCAP quotes with their collateral. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/p256.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>

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

/* The relying party names a value of the report; isv_svn is compared as a minimum. */
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
	fprintf(stderr, "vectors: a demand that is not known: %s\n", key);
	exit(2);
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

static bool advisories_are(const struct dcap_facts *f, json_t *want)
{
	if (json_array_size(want) != f->advisory_count)
		return false;
	for (size_t i = 0; i < f->advisory_count; i++)
		if (strcmp(json_string_value(json_array_get(want, i)), f->advisories[i]) != 0)
			return false;
	return true;
}

static bool named_status(bool set, enum tcb_status s, json_t *want)
{
	return set && strcmp(tcb_status_names[s], json_string_value(want)) == 0;
}

static bool body_is(const struct quote *q, const char *key, json_t *want)
{
	const struct sgx_report *s = &q->sgx;
	const struct td_report *t = &q->td;
	const bool td = q->body != QUOTE_BODY_SGX;
	uint8_t attributes[8], xfam[8];
	const struct {
		const char *key;
		struct slice value;
	} runs[] = {{"cpusvn", s->cpusvn},
	            {"mr_enclave", s->mrenclave},
	            {"mr_signer", s->mrsigner},
	            {"attributes", s->attributes},
	            {"isv_ext_prod_id", s->ext_prod_id},
	            {"isv_family_id", s->family_id},
	            {"config_id", s->config_id},
	            {"report_data", td ? t->report_data : s->report_data},
	            {"tee_tcb_svn", t->tee_tcb_svn},
	            {"mr_seam", t->mrseam},
	            {"mr_signer_seam", t->mrsignerseam},
	            {"seam_attributes", t->seam_attributes},
	            {"mr_td", t->mrtd},
	            {"td_attributes", slice_of(attributes, 8)},
	            {"xfam", slice_of(xfam, 8)},
	            {"mr_config_id", t->mrconfigid},
	            {"mr_owner", t->mrowner},
	            {"mr_owner_config", t->mrownerconfig},
	            {"rtmr0", t->rtmr[0]},
	            {"rtmr1", t->rtmr[1]},
	            {"rtmr2", t->rtmr[2]},
	            {"rtmr3", t->rtmr[3]},
	            {"tee_tcb_svn2", t->tee_tcb_svn2},
	            {"mr_servicetd", t->mrservicetd}};
	const struct {
		const char *key;
		uint32_t value;
	} numbers[] = {{"miscselect", s->miscselect},
	               {"isv_prod_id", s->prod_id},
	               {"isv_svn", s->svn},
	               {"config_svn", s->config_svn}};

	for (unsigned i = 0; i < 8; i++) {
		attributes[i] = (uint8_t)(t->attributes >> (8 * i));
		xfam[i] = (uint8_t)(t->xfam >> (8 * i));
	}
	for (size_t i = 0; i < ARRAY_COUNT(runs); i++)
		if (strcmp(key, runs[i].key) == 0)
			return hex_is(runs[i].value, json_string_value(want));
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return numbers[i].value == (uint32_t)json_integer_value(want);
	return false;
}

static bool field_is(const struct dcap_vector *d, const struct dcap_facts *f, const char *key, json_t *want)
{
	const struct quote *q = &d->quote;

	if (strcmp(key, "version") == 0)
		return q->version == json_integer_value(want);
	if (strcmp(key, "body_type") == 0)
		return q->body == (enum quote_body)json_integer_value(want);
	if (strcmp(key, "tee") == 0)
		return strcmp(json_string_value(want), d->tdx ? "TDX" : "SGX") == 0;
	if (strcmp(key, "trailing") == 0)
		return (json_int_t)q->padding.size == json_integer_value(want);
	if (strcmp(key, "fmspc") == 0)
		return hex_is(slice_of(f->fmspc, sizeof f->fmspc), json_string_value(want));
	if (strcmp(key, "tcb_status") == 0)
		return named_status(f->status_set, f->status, want);
	if (strcmp(key, "platform_status") == 0)
		return named_status(f->platform_set, f->platform, want);
	if (strcmp(key, "qe_status") == 0)
		return named_status(f->qe_set, f->qe, want);
	if (strcmp(key, "tdx_module_status") == 0)
		return named_status(f->module_set, f->module, want);
	if (strcmp(key, "tcb_date") == 0)
		return strcmp(f->tcb_date, json_string_value(want)) == 0;
	if (strcmp(key, "advisories") == 0)
		return advisories_are(f, want);
	return strncmp(key, "body.", 5) == 0 && body_is(q, key + 5, want);
}

static enum outcome fields(struct dcap_vector *d)
{
	json_t *want = json_object_get(json_object_get(d->c->json, "expect"), "fields"), *v;
	struct dcap_facts f;
	const char *key;

	if (want == NULL)
		return PASSED;
	dcap_facts_of(&d->e, &f);
	json_object_foreach(want, key, v) if (!field_is(d, &f, key, v))
	{
		snprintf(d->c->why, sizeof d->c->why, "field %s is not what was expected", key);
		return FAILED;
	}
	return PASSED;
}

/* ---- the case ---- */

static enum outcome judge(struct dcap_vector *d)
{
	uint8_t *bytes = malloc(ENVELOPE_SIZE_MAX);
	struct verify_input in = {.policy = &d->policy, .at = case_at(d->c), .report_data = d->want_data};
	struct verdict v = {.ok = true};
	size_t size;

	if (bytes != NULL && envelope_encode(&d->e, bytes, ENVELOPE_SIZE_MAX, &size) == OK) {
		in.envelope = slice_of(bytes, size);
		verify_evidence(&in, &v);
	} else { /* too much for a connection; from files the same judge takes more */
		v.ok = dcap_verify(&in, &d->e, d->rules, d->tdx, &v) && v.ok;
	}
	free(bytes);
	return case_compare(d->c, &v);
}

static enum outcome dcap_case(struct vector *c)
{
	struct dcap_vector d = {.c = c};
	enum outcome o;

	d.e.evidence = case_file(c, "quote");
	d.read = quote_parse(d.e.evidence, &d.quote, NULL) == OK;
	d.tdx = d.read && d.quote.body != QUOTE_BODY_SGX;
	d.e.tee = slice_text(d.tdx ? "tdx" : "sgx");
	d.rules = d.tdx ? &d.policy.tdx : &d.policy.sgx;
	dcap_collateral_of(c, json_object_get(c->json, "opt"), &d.e);
	dcap_demands(c, d.rules, json_object_get(c->json, "opt"), &d.want_data);
	pin_root(&d);
	o = judge(&d);
	return o == PASSED ? fields(&d) : o;
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
        {"isv-svn-mismatch", "sgx.svn"},
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
