/* SPDX-License-Identifier: Apache-2.0 */
/* After the chain: the exchange, the launch measurement, the report. */
#include "client/attest/say.h"
#include "client/attest/sev.h"
#include "client/attest/sev_key.h"
#include "lib/base/ct.h"

/* ---- the exchange ---- */

enum err sev_shared_secret(EVP_PKEY *own, struct slice peer, uint8_t z[static 48])
{
	struct sev_cert cert;
	EVP_PKEY *theirs;
	EVP_PKEY_CTX *ctx;
	size_t size = 48;
	bool good;

	TRY(sev_cert_parse(peer, &cert));
	if (cert.usage != SEV_PDH || cert.curve != SEV_CURVE_P384 || (theirs = sev_ec_key(cert.curve, cert.x, cert.y)) == NULL)
		return ERR_INVALID;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	ERR_set_mark();
	good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	       EVP_PKEY_derive(ctx, z, &size) == 1 && size == 48;
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	return good ? OK : ERR_CRYPTO;
}

static bool coordinate(EVP_PKEY *key, const char *name, uint8_t le[static 48])
{
	BIGNUM *v = NULL;
	bool good = EVP_PKEY_get_bn_param(key, name, &v) == 1 && BN_bn2lebinpad(v, le, 48) == 48;

	BN_free(v);
	return good;
}

static enum err godh(EVP_PKEY *own, uint8_t out[static SEV_CERT_SIZE])
{
	uint8_t x[48], y[48];

	if (!coordinate(own, OSSL_PKEY_PARAM_EC_PUB_X, x) || !coordinate(own, OSSL_PKEY_PARAM_EC_PUB_Y, y))
		return ERR_CRYPTO;
	return sev_cert_write_godh(slice_of(x, sizeof x), slice_of(y, sizeof y), out);
}

enum err sev_offer_make(struct slice pdh, uint32_t policy, struct sev_offer *out, struct note *n)
{
	EVP_PKEY *own = EVP_EC_gen("P-384");
	uint8_t z[48], nonce[SEV_KEY_SIZE], iv[SEV_KEY_SIZE];
	enum err err = own == NULL ? ERR_CRYPTO : sev_shared_secret(own, pdh, z);

	if (err == OK)
		err = godh(own, out->godh);
	if (err == OK && (RAND_bytes(nonce, sizeof nonce) != 1 || RAND_bytes(iv, sizeof iv) != 1 ||
			  RAND_priv_bytes(out->keys.tek, SEV_KEY_SIZE) != 1 || RAND_priv_bytes(out->keys.tik, SEV_KEY_SIZE) != 1))
		err = ERR_CRYPTO;
	if (err == OK)
		sev_session_seal(slice_of(z, sizeof z), nonce, iv, &out->keys, policy, out->session);
	wipe(z, sizeof z);
	EVP_PKEY_free(own);
	if (err != OK)
		wipe(out, sizeof *out);
	return err == OK ? OK : refuse(n, err, "no session with this PDH: %s", err_text(err));
}

/* ---- the launch ---- */

struct launch_case {
	const struct sev_transport *keys;
	const struct sev_launch *l;
	const struct sev_launch_rules *rules;
	struct slice measure;
};

static enum check_result measure_size(const struct launch_case *k, struct check *c)
{
	say(c->expected, "48 bytes: measurement and nonce");
	say(c->found, "%zu", k->measure.size);
	return pass_if(k->measure.size == SEV_MEASURE_SIZE);
}

static enum check_result policy_bits(const struct launch_case *k, struct check *c)
{
	say(c->expected, "guest policy with bits %xh set and bits %xh clear", k->rules->policy_set, k->rules->policy_clear);
	say(c->found, "%xh", k->l->policy);
	return pass_if((k->l->policy & k->rules->policy_set) == k->rules->policy_set &&
		       (k->l->policy & k->rules->policy_clear) == 0);
}

static enum check_result firmware(const struct launch_case *k, struct check *c)
{
	const struct sev_launch_rules *r = k->rules;
	const struct sev_launch *l = k->l;

	say(c->expected, "firmware %u.%u.%u or newer", r->api_major_min, r->api_minor_min, r->build_min);
	say(c->found, "%u.%u.%u", l->api_major, l->api_minor, l->build);
	if (l->api_major != r->api_major_min)
		return pass_if(l->api_major > r->api_major_min);
	if (l->api_minor != r->api_minor_min)
		return pass_if(l->api_minor > r->api_minor_min);
	return pass_if(l->build >= r->build_min);
}

static enum check_result measurement(const struct launch_case *k, struct check *c)
{
	enum err err = sev_launch_check(k->keys, k->l, k->measure);

	say(c->expected, "the firmware's MAC over this digest, policy and firmware version");
	say(c->found, err == OK ? "it is" : "another: %s", err_text(err));
	if (err != OK)
		say(c->cure, "send no secret there; check firmware image, kernel, vCPUs, policy and API version that you measured with");
	return pass_if(err == OK);
}

void sev_launch_verify(const struct sev_transport *keys, const struct sev_launch *l, struct slice measure,
		       const struct sev_launch_rules *rules, struct verdict *v)
{
	static const struct {
		const char *id, *spec;
		enum check_result (*judge)(const struct launch_case *k, struct check *c);
	} rows[] = {
		{"sev.launch.read", "AMD 55766 section 6.5", measure_size},
		{"sev.launch.policy", "AMD 55766 chapter 3", policy_bits},
		{"sev.launch.firmware", "AMD 55766 section 6.5", firmware},
		{"sev.launch.measure", "AMD 55766 section 6.5", measurement},
	};
	const struct launch_case k = {keys, l, rules, measure};

	verdict_clear(v);
	v->ok = true;
	snprintf(v->tee, sizeof v->tee, "%s", (l->policy & SEV_POLICY_ES) != 0 ? "sev-es" : "sev");
	memcpy(v->measurement, l->digest, sizeof l->digest);
	v->measurement_size = sizeof l->digest;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct check c = {.id = rows[i].id, .link = "measurement", .spec = rows[i].spec};

		c.result = rows[i].judge(&k, &c);
		verdict_add(v, &c);
	}
}

/* ---- the report ---- */

struct report_case {
	const struct sev_report_input *in;
	bool read;
	struct sev_report r;
	EVP_PKEY *pek; /* NULL: the certificate has no usable key */
};

static enum check_result report_read(const struct report_case *k, struct check *c)
{
	say(c->expected, "a report of %d bytes", SEV_REPORT_SIZE);
	say(c->found, "%zu bytes%s", k->in->report.size, k->read ? "" : ", not of this form");
	return pass_if(k->read);
}

static enum check_result report_form(const struct report_case *k, struct check *c)
{
	say(c->expected, "signed by a PEK (1002h) with ECDSA and SHA-256 (2)");
	say(c->found, "usage %xh, algorithm %xh", k->r.usage, k->r.algorithm);
	return pass_if(k->r.usage == SEV_PEK && k->r.algorithm == SEV_ECDSA_SHA256);
}

static enum check_result report_nonce(const struct report_case *k, struct check *c)
{
	bool same = slice_equal(k->r.mnonce, k->in->mnonce);

	if (k->in->mnonce.data == NULL) {
		say(c->found, "no nonce to compare with: it may be an old report");
		return CHECK_SKIP;
	}
	say(c->expected, "the nonce that it was asked for with");
	say(c->found, same ? "it is" : "another nonce: an old report");
	return pass_if(same);
}

static enum check_result report_digest(const struct report_case *k, struct check *c)
{
	bool same = slice_equal(k->r.digest, k->in->digest);

	say(c->expected, "the launch digest");
	say(c->found, same ? "it is" : "another guest's");
	say(c->cure, "compare with `broch measure --tee sev` or sev-es");
	return pass_if(same);
}

static enum check_result report_policy(const struct report_case *k, struct check *c)
{
	say(c->found, "%xh", k->r.policy);
	if (k->in->policy == NULL)
		return CHECK_SKIP;
	say(c->expected, "%xh", *k->in->policy);
	return pass_if(k->r.policy == *k->in->policy);
}

static enum check_result report_bits(const struct report_case *k, struct check *c)
{
	const struct sev_report_input *in = k->in;

	say(c->expected, "guest policy with bits %xh set and bits %xh clear", in->policy_set, in->policy_clear);
	say(c->found, "%xh", k->r.policy);
	return pass_if((k->r.policy & in->policy_set) == in->policy_set && (k->r.policy & in->policy_clear) == 0);
}

static enum check_result report_signature(const struct report_case *k, struct check *c)
{
	uint8_t value[SEV_SIGNATURE_SIZE] = {0};
	bool good;

	memcpy(value, k->r.r.data, SEV_NUMBER_SIZE);
	memcpy(value + SEV_NUMBER_SIZE, k->r.s.data, SEV_NUMBER_SIZE);
	good = sev_verify(k->pek, SEV_ECDSA_SHA256, k->r.signed_part, slice_of(value, sizeof value));
	say(c->expected, "a good signature by the PEK");
	say(c->found, good ? "good" : "not by this key over these bytes");
	return pass_if(good);
}

static void report_load(struct report_case *k)
{
	struct sev_cert pek;

	k->read = sev_report_parse(k->in->report, &k->r) == OK;
	if (sev_cert_parse(k->in->pek, &pek) == OK && pek.usage == SEV_PEK && pek.curve != 0)
		k->pek = sev_ec_key(pek.curve, pek.x, pek.y);
}

void sev_report_verify(const struct sev_report_input *in, struct verdict *v)
{
	static const struct {
		const char *id, *link;
		enum check_result (*judge)(const struct report_case *k, struct check *c);
	} rows[] = {
		{"sev.report.read", "report", report_read}, /* the others need it */
		{"sev.report.form", "report", report_form},
		{"sev.report.nonce", "handshake", report_nonce},
		{"sev.report.digest", "measurement", report_digest},
		{"sev.report.policy", "report", report_policy},
		{"sev.report.policy_bits", "report", report_bits},
		{"sev.report.signature", "report", report_signature},
	};
	struct report_case k = {.in = in};

	verdict_clear(v);
	v->ok = true;
	snprintf(v->tee, sizeof v->tee, "sev");
	report_load(&k);
	for (size_t i = 0; i < (k.read ? ARRAY_COUNT(rows) : 1); i++) {
		struct check c = {.id = rows[i].id, .link = rows[i].link, .spec = "AMD 55766 section 6.8"};

		c.result = rows[i].judge(&k, &c);
		if (c.result != CHECK_FAIL)
			c.cure[0] = 0;
		verdict_add(v, &c);
	}
	if (k.read) {
		snprintf(v->tee, sizeof v->tee, "%s", (k.r.policy & SEV_POLICY_ES) != 0 ? "sev-es" : "sev");
		memcpy(v->measurement, k.r.digest.data, k.r.digest.size);
		v->measurement_size = k.r.digest.size;
	}
	EVP_PKEY_free(k.pek);
}
