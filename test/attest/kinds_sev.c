/* SPDX-License-Identifier: Apache-2.0 */
/* SEV and SEV-ES: certificates, sessions, measurements, secrets, and one whole launch with both sides played. */
#include "test/attest/kinds.h"

#include "client/attest/sev.h"
#include "client/attest/sev_key.h"
#include "lib/base/hex.h"

#include <stdio.h>
#include <stdlib.h>

static bool own_root(struct slice ark, uint8_t out[static SPKI_DIGEST_SIZE])
{
	struct sev_ca ca;
	EVP_PKEY *key = sev_ca_parse(ark, &ca) == OK ? sev_rsa_key(ca.exponent, ca.modulus) : NULL;
	bool good = key != NULL && sev_spki(key, out);

	EVP_PKEY_free(key);
	return good;
}

static void chain_load(struct vector *c, struct sev_chain_input *in)
{
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		in->certs[i] = case_file(c, sev_link_names[i]);
}

static json_t *ca_facts(struct slice ark, struct slice ask)
{
	json_t *o = json_object();
	struct sev_ca a, k;

	if (sev_ca_parse(ark, &a) != OK || sev_ca_parse(ask, &k) != OK)
		return o;
	fact_hex(o, "ark_id", a.key_id);
	fact_hex(o, "ask_id", k.key_id);
	fact_number(o, "bits", 8 * a.modulus.size);
	fact_number(o, "ark_bits", 8 * a.modulus.size);
	return o;
}

static void algorithm_fact(json_t *facts, const char *key, struct slice cert)
{
	struct sev_cert c;
	char text[16];

	if (sev_cert_parse(cert, &c) != OK)
		return;
	snprintf(text, sizeof text, "0x%x", c.algorithm);
	fact_text(facts, key, slice_text(text));
}

static json_t *chain_facts(const struct sev_chain_input *in)
{
	json_t *o = ca_facts(in->certs[SEV_LINK_ARK], in->certs[SEV_LINK_ASK]);
	struct sev_cert pek, pdh;

	algorithm_fact(o, "cek_algo", in->certs[SEV_LINK_CEK]);
	algorithm_fact(o, "oca_algo", in->certs[SEV_LINK_OCA]);
	algorithm_fact(o, "pdh_algo", in->certs[SEV_LINK_PDH]);
	if (sev_cert_parse(in->certs[SEV_LINK_PDH], &pdh) == OK)
		fact_text(o, "pdh_curve", slice_text(pdh.curve == SEV_CURVE_P384 ? "secp384r1" : "secp256r1"));
	if (sev_cert_parse(in->certs[SEV_LINK_PEK], &pek) == OK)
		json_object_set_new(o, "api", json_pack("[i, i]", pek.api_major, pek.api_minor));
	return o;
}

static enum outcome chain_case(struct vector *c)
{
	struct sev_chain_input in = {0};
	uint8_t root[SPKI_DIGEST_SIZE] = {0};
	struct verdict v;
	enum outcome o;

	chain_load(c, &in);
	if (own_root(in.certs[SEV_LINK_ARK], root))
		in.root = root;
	sev_chain_verify(&in, &v);
	o = case_compare(c, &v);
	return o != PASSED || !v.ok ? o : case_facts(c, chain_facts(&in));
}

static enum outcome ca_case(struct vector *c)
{
	struct sev_chain_input in = {.certs = {case_file(c, "ark"), case_file(c, "ask")}};
	struct slice x509 = case_file(c, "x509_ark");
	uint8_t root[SPKI_DIGEST_SIZE] = {0};
	struct cert cert = {0};
	struct verdict v;
	enum outcome o;

	own_root(in.certs[0], root);
	in.root = root;
	if (x509.size > 0) {
		memset(root, 0, sizeof root);
		if (cert_read(x509, &cert, NULL) == OK)
			memcpy(root, cert.spki_sha256, sizeof root);
		cert_free(&cert);
	}
	sev_ca_verify(&in, &v);
	o = case_compare(c, &v);
	return o != PASSED || !v.ok ? o : case_facts(c, ca_facts(in.certs[0], in.certs[1]));
}

/* ---- arithmetic with given values ---- */

static void key_of(json_t *o, const char *name, uint8_t out[static SEV_KEY_SIZE])
{
	case_hex(case_text(o, name), out, SEV_KEY_SIZE);
}

static enum outcome session_case(struct vector *c)
{
	json_t *in = json_object_get(c->json, "input");
	uint8_t z[72], nonce[SEV_KEY_SIZE], iv[SEV_KEY_SIZE], out[SEV_SESSION_SIZE];
	struct slice zs = slice_of(z, case_hex(case_text(in, "z"), z, sizeof z));
	struct sev_transport keys, back;
	struct sev_wrapping w;
	struct note n = {""};
	uint32_t policy = case_u32(in, "policy", 0);
	json_t *facts;

	key_of(in, "nonce", nonce);
	key_of(in, "iv", iv);
	key_of(in, "tek", keys.tek);
	key_of(in, "tik", keys.tik);
	sev_wrapping_keys(zs, nonce, &w);
	sev_session_seal(zs, nonce, iv, &keys, policy, out);
	if (sev_session_open(slice_of(out, sizeof out), zs, policy, &back, &n) != OK || memcmp(&keys, &back, sizeof keys) != 0) {
		snprintf(c->why, sizeof c->why, "not opened again: %s", n.text);
		return FAILED;
	}
	facts = json_object();
	fact_hex(facts, "master", slice_of(w.master, 16));
	fact_hex(facts, "kek", slice_of(w.kek, 16));
	fact_hex(facts, "kik", slice_of(w.kik, 16));
	fact_hex(facts, "wrap_tk", slice_of(out + 16, 32));
	fact_hex(facts, "wrap_mac", slice_of(out + 64, 32));
	fact_hex(facts, "policy_mac", slice_of(out + 96, 32));
	fact_hex(facts, "buffer", slice_of(out, sizeof out));
	return case_facts(c, facts);
}

static struct sev_launch launch_of(json_t *in, const char *digest)
{
	struct sev_launch l = {.api_major = (uint8_t)case_u32(in, "api_major", 0), .api_minor = (uint8_t)case_u32(in, "api_minor", 0),
			       .build = (uint8_t)case_u32(in, "build", 0), .policy = case_u32(in, "policy", 0)};

	case_hex(case_text(in, digest), l.digest, sizeof l.digest);
	return l;
}

static enum outcome measure_case(struct vector *c)
{
	static const struct sev_launch_rules any;
	json_t *in = json_object_get(c->json, "input");
	struct sev_launch l = launch_of(in, "digest");
	struct sev_transport keys = {{0}, {0}};
	uint8_t measure[SEV_MEASURE_SIZE] = {0};
	struct verdict v;

	key_of(in, "tik", keys.tik);
	case_hex(case_text(in, "mnonce"), measure + 32, 16);
	sev_launch_measure(&keys, &l, measure + 32, measure);
	if (case_hex_fact(c, "measure", slice_of(measure, 32)) != PASSED)
		return FAILED;
	if (json_object_get(in, "claimed") != NULL)
		case_hex(case_text(in, "claimed"), measure, 32);
	sev_launch_verify(&keys, &l, slice_of(measure, sizeof measure), &any, &v);
	return case_compare(c, &v);
}

/* A GUID as it is written: the first three groups are numbers, stored little-endian. */
static void guid_of(const char *text, uint8_t out[static SEV_GUID_SIZE])
{
	static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t plain[SEV_GUID_SIZE];
	char digits[33];
	size_t size = 0;

	for (; *text != 0 && size < 32; text++)
		if (*text != '-')
			digits[size++] = *text;
	digits[size] = 0;
	case_hex(digits, plain, sizeof plain);
	for (unsigned i = 0; i < SEV_GUID_SIZE; i++)
		out[i] = plain[order[i]];
}

static enum outcome secret_case(struct vector *c)
{
	enum { SECRETS_MAX = 8 };
	json_t *in = json_object_get(c->json, "input"), *pair, *facts;
	uint8_t measure[32], iv[SEV_KEY_SIZE], table[SEV_SECRET_MAX], header[SEV_SECRET_HEADER_SIZE];
	static uint8_t values[SECRETS_MAX][1024];
	struct sev_secret secrets[SECRETS_MAX];
	struct sev_transport keys;
	size_t i, used;

	key_of(in, "tek", keys.tek);
	key_of(in, "tik", keys.tik);
	key_of(in, "iv", iv);
	case_hex(case_text(in, "measure"), measure, sizeof measure);
	json_array_foreach(json_object_get(in, "secrets"), i, pair) {
		if (i >= SECRETS_MAX)
			return SKIPPED;
		guid_of(json_string_value(json_array_get(pair, 0)), secrets[i].guid);
		secrets[i].value = slice_of(values[i], case_hex(json_string_value(json_array_get(pair, 1)), values[i], sizeof values[i]));
	}
	if (sev_secret_table(secrets, i, table, sizeof table, &used) != OK)
		return FAILED;
	facts = json_object();
	fact_hex(facts, "table", slice_of(table, used));
	sev_secret_seal(&keys, measure, iv, table, used, header);
	fact_hex(facts, "header", slice_of(header, sizeof header));
	fact_hex(facts, "payload", slice_of(table, used));
	return case_facts(c, facts);
}

/* ---- one whole launch ---- */

static void note_check(struct verdict *v, const char *id, bool good, const char *found)
{
	struct check k = {.id = id, .link = "handshake", .result = good ? CHECK_PASS : CHECK_FAIL, .spec = ""};

	snprintf(k.found, sizeof k.found, "%s", found);
	verdict_add(v, &k);
}

static void merge(struct verdict *v, const struct verdict *more)
{
	for (size_t i = 0; i < more->check_count; i++)
		verdict_add(v, &more->checks[i]);
}

/* The firmware's side: what the PDH's private key opens. */
static bool flow_session(struct vector *c, json_t *t, struct sev_transport *keys, struct verdict *v)
{
	struct slice pem = case_load(c, "pdh_key", case_text(json_object_get(c->json, "files"), "pdh_key"));
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	EVP_PKEY *pdh = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	struct sev_transport want;
	struct note n = {""};
	uint8_t z[48] = {0};
	enum err err = pdh == NULL ? ERR_CRYPTO : sev_shared_secret(pdh, case_file(c, "godh"), z);

	EVP_PKEY_free(pdh);
	BIO_free(bio);
	if (err == OK)
		err = sev_session_open(case_file(c, "session"), slice_of(z, sizeof z), case_u32(t, "policy", 0), keys, &n);
	note_check(v, "sev.session.keys", err == OK || err == ERR_REFUSED, n.text);
	note_check(v, "sev.session.policy", err == OK, n.text);
	key_of(t, "tek", want.tek);
	key_of(t, "tik", want.tik);
	note_check(v, "test.transport_keys", err != OK || memcmp(keys, &want, sizeof want) == 0, "other keys");
	return err == OK;
}

static void flow_secret(struct vector *c, json_t *t, const struct sev_transport *keys, struct slice measure, struct verdict *v)
{
	struct slice payload = case_file(c, "payload");
	uint8_t plain[4096];
	enum err err = ERR_LIMIT;

	if (payload.size <= sizeof plain && measure.size >= 32) {
		memcpy(plain, payload.data, payload.size);
		err = sev_secret_open(keys, measure.data, case_file(c, "header"), plain, payload.size);
	}
	note_check(v, "sev.secret.mac", err == OK, err_text(err));
	note_check(v, "test.secret_table", err != OK || hex_is(slice_of(plain, payload.size), case_text(t, "secret_table")), "another table");
}

static enum outcome flow_case(struct vector *c)
{
	static const struct sev_launch_rules any;
	struct slice transcript = case_file(c, "transcript"), measure = case_file(c, "measure");
	json_t *t = json_loadb((const char *)transcript.data, transcript.size, 0, NULL);
	struct sev_launch l = launch_of(t, "launch_digest");
	struct sev_report_input report = {.pek = case_file(c, "pek"), .report = case_file(c, "report"), .policy = &l.policy,
					  .digest = slice_of(l.digest, sizeof l.digest)};
	struct sev_chain_input in = {0};
	uint8_t root[SPKI_DIGEST_SIZE] = {0};
	struct sev_transport keys = {{0}, {0}};
	struct verdict v, more;

	chain_load(c, &in);
	own_root(in.certs[SEV_LINK_ARK], root);
	in.root = root;
	sev_chain_verify(&in, &v);
	if (flow_session(c, t, &keys, &v)) {
		sev_launch_verify(&keys, &l, measure, &any, &more);
		merge(&v, &more);
		flow_secret(c, t, &keys, measure, &v);
	}
	report.mnonce = measure.size == SEV_MEASURE_SIZE ? slice_of(measure.data + 32, 16) : slice_of(NULL, 0);
	sev_report_verify(&report, &more);
	merge(&v, &more);
	json_decref(t);
	return case_compare(c, &v);
}

/* ---- tables ---- */

static const struct kind kinds[] = {
	{"sev_chain", chain_case},
	{"sev_ca", ca_case},
	{"sev_session", session_case},
	{"sev_measure", measure_case},
	{"sev_secret", secret_case},
	{"sev_flow", flow_case},
	{NULL, NULL},
};

static const struct reason reasons[] = {
	{"amd-ca-size", "sev.ark.read sev.ask.read"},
	{"amd-ca-version", "sev.ark.read sev.ask.read"},
	{"amd-ca-key-size", "sev.ark.read sev.ask.read"},
	{"amd-ca-usage", "sev.ark.usage sev.ask.usage"},
	{"ark-signature", "sev.ark.signature"},
	{"ask-signature", "sev.ask.signature"},
	{"ark-key-differs", "sev.ark.pinned"},
	{"sev-cert-size", "sev.cek.read sev.oca.read sev.pek.read sev.pdh.read"},
	{"sev-cert-version", "sev.cek.read sev.oca.read sev.pek.read sev.pdh.read"},
	{"cek-usage", "sev.cek.usage"},
	{"pek-usage", "sev.pek.usage"},
	{"oca-usage", "sev.oca.usage"},
	{"pdh-usage", "sev.pdh.usage"},
	{"cek-signature", "sev.cek.signature"},
	{"oca-signature", "sev.oca.signature"},
	{"pek-cek-signature", "sev.pek.signature"},
	{"pek-oca-signature", "sev.pek.oca_signature"},
	{"pdh-signature", "sev.pdh.signature"},
	{"session-size", "sev.session.keys"},
	{"wrap-mac", "sev.session.keys"},
	{"policy-mac", "sev.session.policy"},
	/* The IV stands under no MAC: another one gives other keys, which show at the policy already. */
	{"transport-keys", "test.transport_keys sev.session.policy"},
	{"measurement-mismatch", "sev.launch.measure"},
	{"secret-mac", "sev.secret.mac"},
	{"secret-table", "test.secret_table"},
	{"attestation-report-form", "sev.report.read sev.report.form"},
	{"attestation-report-fields", "sev.report.nonce sev.report.digest"},
	{"attestation-report-signature", "sev.report.signature"},
	{NULL, NULL},
};

const struct kind_set sev_set = {kinds, reasons};
