/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/cca.h"

#include "client/attest/ecdsa.h"
#include "client/attest/jwk.h"
#include "client/attest/say.h"
#include "lib/base/hex.h"

/* RMM specification A7.2.3.2.6: bits 15 to 8 are the state, the others are the maker's. */
enum { LIFECYCLE_SECURED = 0x30 };

struct cca_case {
	const struct cca_input *in;
	struct cca_token token;
	struct note token_note, cpak_note;
	bool token_ok;
	EVP_PKEY *cpak, *rak; /* NULL: none that can be used */
	struct cose_key realm_key;
	enum err realm_key_err;
};

enum need { NEED_NOTHING, NEED_TOKEN, NEED_CPAK, NEED_RAK };

struct row {
	const char *id, *link, *spec;
	enum need needs;
	enum check_result (*judge)(const struct cca_case *k, struct check *c);
};

/* The same in both lists: what COSE counts is what we count. */
static enum ecdsa_curve curve_of(enum cose_curve c)
{
	static const enum ecdsa_curve curves[COSE_CURVE_COUNT] = {
	        [COSE_P256] = ECDSA_P256, [COSE_P384] = ECDSA_P384, [COSE_P521] = ECDSA_P521};

	return curves[c];
}

static enum ecdsa_hash hash_of(enum cose_alg a)
{
	static const enum ecdsa_hash hashes[COSE_ALG_COUNT] = {
	        [COSE_ES256] = ECDSA_SHA256, [COSE_ES384] = ECDSA_SHA384, [COSE_ES512] = ECDSA_SHA512};

	return hashes[a];
}

static const char *alg_name(enum cose_alg a)
{
	static const char *const names[COSE_ALG_COUNT] = {
	        [COSE_ES256] = "ES256", [COSE_ES384] = "ES384", [COSE_ES512] = "ES512"};

	return names[a];
}

static EVP_PKEY *point_key(const struct cose_key *k)
{
	uint8_t point[ECDSA_POINT_MAX];
	struct writer w = wr_of(point, sizeof point);
	uint8_t form = k->y.size > 0 ? 4 : k->y_odd ? 3 : 2;

	if (wr_u8(&w, form) != OK || wr_bytes(&w, k->x) != OK || wr_bytes(&w, k->y) != OK)
		return NULL;
	return ecdsa_key(curve_of(k->curve), wr_slice(&w));
}

static void load(struct cca_case *k)
{
	k->cpak = jwk_ec_key(k->in->cpak, &k->cpak_note);
	k->token_ok = cca_token_parse(k->in->token, &k->token, &k->token_note) == OK;
	if (!k->token_ok)
		return;
	k->realm_key_err = cca_realm_key(k->token.realm.key, &k->realm_key);
	if (k->realm_key_err == OK)
		k->rak = point_key(&k->realm_key);
}

/* ---- form and keys ---- */

static enum check_result token_read(const struct cca_case *k, struct check *c)
{
	say(c->expected, "an attestation token of Arm CCA");
	say(c->found, "%zu bytes: %s", k->in->token.size, k->token_ok ? "read" : k->token_note.text);
	return pass_if(k->token_ok);
}

static enum check_result platform_key(const struct cca_case *k, struct check *c)
{
	enum ecdsa_curve curve;

	say(c->expected, "the platform's attestation key, from whoever endorses the platform");
	if (ecdsa_curve_of(k->cpak, &curve))
		say(c->found, "ECDSA %s", ecdsa_curve_name(curve));
	else
		say(c->found, "%s", k->in->cpak.size == 0 ? "none was given" : k->cpak_note.text);
	say(c->cure, "get the key (CPAK) of this instance from the platform's endorser, as a JWK");
	return pass_if(k->cpak != NULL);
}

static enum check_result signature(const struct cose_sign1 *m, EVP_PKEY *key, struct check *c)
{
	uint8_t bytes[CCA_TOKEN_SIZE_MAX + COSE_OVERHEAD_MAX];
	struct writer w = wr_of(bytes, sizeof bytes);
	enum ecdsa_curve curve = ECDSA_P256;
	bool wide, good;

	CHECK(cose_signed_bytes(m, &w) == OK);
	wide = ecdsa_curve_of(key, &curve) && m->signature.size == 2 * ecdsa_size(curve);
	good = ecdsa_verify(key, hash_of(m->alg), wr_slice(&w), m->signature);
	say(c->found, "%s of %zu bytes, %s", alg_name(m->alg), m->signature.size,
	    good   ? "good"
	    : wide ? "not by this key over these bytes"
	           : "not as wide as the key");
	return pass_if(good);
}

static enum check_result platform_signature(const struct cca_case *k, struct check *c)
{
	say(c->expected, "the platform's claims signed with its key");
	say(c->cure, "the token is of another platform than the key, or was altered");
	return signature(&k->token.platform.cose, k->cpak, c);
}

static enum check_result realm_key(const struct cca_case *k, struct check *c)
{
	bool match = !k->realm_key.alg_set || k->realm_key.alg == k->token.realm.cose.alg;

	say(c->expected, "a point on P-256, P-384 or P-521, bare or in a COSE_Key");
	if (k->realm_key_err != OK)
		say(c->found, "%zu bytes: %s", k->token.realm.key.size, err_text(k->realm_key_err));
	else
		say(c->found, "%s%s%s", k->rak != NULL ? "on " : "not a point on ",
		    ecdsa_curve_name(curve_of(k->realm_key.curve)), match ? "" : ", for another algorithm");
	return pass_if(k->rak != NULL && match);
}

static enum check_result realm_signature(const struct cca_case *k, struct check *c)
{
	say(c->expected, "the realm's claims signed with the key they name");
	return signature(&k->token.realm.cose, k->rak, c);
}

/* ---- the platform vouches for the realm's key ---- */

static const char *binding_hash(const struct cca_case *k)
{
	static const struct {
		const char *iana, *openssl;
	} names[] = {{"sha-256", "SHA256"}, {"sha-384", "SHA384"}, {"sha-512", "SHA512"}};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (slice_is(k->token.realm.key_hash_algorithm, names[i].iana))
			return names[i].openssl;
	return NULL;
}

static enum check_result binding_algorithm(const struct cca_case *k, struct check *c)
{
	const char *name = binding_hash(k);

	say(c->expected, "sha-256, sha-384 or sha-512");
	say(c->found, "%s", name != NULL ? name : "another text");
	return pass_if(name != NULL);
}

static enum check_result binding(const struct cca_case *k, struct check *c)
{
	const char *name = binding_hash(k);
	struct slice challenge = k->token.platform.challenge;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * 64 + 1];
	size_t size = 0;

	if (name == NULL) {
		say(c->found, "the hash is not known");
		return CHECK_SKIP;
	}
	say(c->expected, "the platform's challenge is the hash of the realm's key");
	if (EVP_Q_digest(NULL, name, NULL, k->token.realm.key.data, k->token.realm.key.size, digest, &size) != 1)
		size = 0;
	hex_encode(challenge, hex);
	say(c->found, "the challenge is %s", hex);
	say(c->cure, "the realm's claims are signed by somebody for whom this platform does not vouch: refuse them");
	return pass_if(size > 0 && slice_equal(challenge, slice_of(digest, size)));
}

/* ---- what the claims mean, and whether they are good ---- */

static bool one_of(struct slice found, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(found, names[i]))
			return true;
	return false;
}

static enum check_result platform_profile(const struct cca_case *k, struct check *c)
{
	static const char *const known[] = {"http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:cca_platform#1.0.0",
	                                    "tag:arm.com,2024:cca_platform#2.0.0"};
	bool good = one_of(k->token.platform.profile, known, ARRAY_COUNT(known));

	say(c->expected, "a profile whose claims are known: CCA-SSD 1.0.0, cca_platform 1.0.0 or 2.0.0");
	say(c->found, good ? "one of them" : "another");
	say(c->cure, "in another profile the claims may mean other things: a newer verifier is needed");
	return pass_if(good);
}

/* A realm without a profile is one that the platform's profile describes as well. */
static enum check_result realm_profile(const struct cca_case *k, struct check *c)
{
	static const char *const known[] = {"tag:arm.com,2023:realm#1.0.0", "tag:arm.com,2024:realm#2.0.0"};
	bool none = k->token.realm.profile.size == 0;
	bool good = none || one_of(k->token.realm.profile, known, ARRAY_COUNT(known));

	say(c->expected, "a profile whose claims are known: realm 1.0.0 or 2.0.0; or none");
	say(c->found, none ? "none" : good ? "one of them" : "another");
	say(c->cure, "in another profile the claims may mean other things: a newer verifier is needed");
	return pass_if(good);
}

static const char *lifecycle_name(unsigned state)
{
	static const char *const names[] = {"unknown",          "assembly and test", "provisioning",  "secured",
	                                    "debug of a realm", "recoverable debug", "decommissioned"};

	return state % 16 == 0 && state / 16 < ARRAY_COUNT(names) ? names[state / 16] : "no such state";
}

static enum check_result lifecycle(const struct cca_case *k, struct check *c)
{
	unsigned value = k->token.platform.lifecycle, state = value >> 8;

	say(c->expected,
	    k->in->allow_unsecured ? "anything: unsecured platforms are allowed" : "secured (3000h to 30FFh)");
	say(c->found, "%xh: %s", value, lifecycle_name(state));
	say(c->cure, "do not send secrets there: others can read the memory of realms");
	return pass_if(state == LIFECYCLE_SECURED || k->in->allow_unsecured);
}

static enum check_result demanded(struct slice want, struct slice found, struct check *c)
{
	char hex[2 * 64 + 1];

	hex_encode(found, hex);
	say(c->expected, want.size == 0 ? "anything: nothing was demanded" : "the %zu bytes demanded", want.size);
	say(c->found, "%s", hex);
	if (want.size == 0)
		return CHECK_SKIP;
	return pass_if(slice_equal(want, found));
}

static enum check_result implementation(const struct cca_case *k, struct check *c)
{
	return demanded(k->in->implementation, k->token.platform.implementation, c);
}

static enum check_result instance(const struct cca_case *k, struct check *c)
{
	return demanded(k->in->instance, k->token.platform.instance, c);
}

static enum check_result initial(const struct cca_case *k, struct check *c)
{
	return demanded(k->in->initial, k->token.realm.initial, c);
}

static enum check_result extensible(const struct cca_case *k, struct check *c)
{
	enum check_result all = CHECK_SKIP;

	say(c->expected, "anything: nothing was demanded");
	for (size_t i = 0; i < CCA_EXTENSIBLE_COUNT; i++) {
		enum check_result one;

		if (k->in->extensible[i].size == 0)
			continue;
		one = demanded(k->in->extensible[i], k->token.realm.extensible[i], c);
		say(c->expected, "extensible measurement %zu as demanded", i);
		if (one == CHECK_FAIL)
			return CHECK_FAIL;
		all = CHECK_PASS;
	}
	return all;
}

static enum check_result personalization(const struct cca_case *k, struct check *c)
{
	return demanded(k->in->personalization, k->token.realm.personalization, c);
}

static enum check_result challenge(const struct cca_case *k, struct check *c)
{
	const struct slice *want = k->in->challenge;

	say(c->expected, want == NULL ? "anything: nothing was demanded" : "the %zu bytes demanded",
	    want == NULL ? (size_t)0 : want->size);
	say(c->found, "%zu bytes%s", k->token.realm.challenge.size,
	    want == NULL                                   ? ""
	    : slice_equal(*want, k->token.realm.challenge) ? ", equal"
	                                                   : ", others");
	say(c->cure, "this answers another question than yours: refuse it, it may be a replay");
	if (want == NULL)
		return CHECK_SKIP;
	return pass_if(slice_equal(*want, k->token.realm.challenge));
}

static bool meets(struct slice want, struct slice found)
{
	return want.size == 0 || slice_equal(want, found);
}

static bool is_reference(const struct cca_component *want, const struct cca_component *c)
{
	return meets(want->measurement, c->measurement) && meets(want->signer, c->signer) &&
	       meets(want->type, c->type) && meets(want->version, c->version) &&
	       meets(want->hash_algorithm, c->hash_algorithm);
}

static enum check_result components(const struct cca_case *k, struct check *c)
{
	const struct cca_platform *p = &k->token.platform;

	say(c->found, "%zu components", p->component_count);
	if (k->in->references == NULL) {
		say(c->expected, "anything: nothing was demanded");
		return CHECK_SKIP;
	}
	say(c->expected, "each one of the %zu components that may run there", k->in->reference_count);
	for (size_t i = 0; i < p->component_count; i++) {
		char hex[2 * 64 + 1];
		size_t at = 0;

		while (at < k->in->reference_count && !is_reference(&k->in->references[at], &p->components[i]))
			at++;
		if (at < k->in->reference_count)
			continue;
		hex_encode(p->components[i].measurement, hex);
		say(c->found, "component %zu of %zu is none: %s", i + 1, p->component_count, hex);
		return CHECK_FAIL;
	}
	return CHECK_PASS;
}

/* ---- the table ---- */

#define RMM  "RMM specification (Arm DEN0137) section A7.2.3"
#define COSE "RFC 9052 section 4.4"

static const struct row rows[] = {
        {"cca.token.read", "report", RMM, NEED_NOTHING, token_read},
        {"cca.platform.key", "root", RMM, NEED_NOTHING, platform_key},
        {"cca.platform.profile", "platform key", "RFC 9711 section 4.3.2", NEED_TOKEN, platform_profile},
        {"cca.platform.signature", "platform key", COSE, NEED_CPAK, platform_signature},
        {"cca.platform.lifecycle", "platform key", RMM, NEED_TOKEN, lifecycle},
        {"cca.platform.implementation", "platform key", RMM, NEED_TOKEN, implementation},
        {"cca.platform.instance", "platform key", RMM, NEED_TOKEN, instance},
        {"cca.platform.components", "platform key", RMM, NEED_TOKEN, components},
        {"cca.binding.algorithm", "report", RMM, NEED_TOKEN, binding_algorithm},
        {"cca.binding", "report", RMM, NEED_TOKEN, binding},
        {"cca.realm.profile", "report", "RFC 9711 section 4.3.2", NEED_TOKEN, realm_profile},
        {"cca.realm.key", "report", "RFC 9053 section 7.1.1", NEED_TOKEN, realm_key},
        {"cca.realm.signature", "report", COSE, NEED_RAK, realm_signature},
        {"cca.measurement", "measurement", RMM, NEED_TOKEN, initial},
        {"cca.extensible", "measurement", RMM, NEED_TOKEN, extensible},
        {"cca.personalization", "measurement", RMM, NEED_TOKEN, personalization},
        {"cca.challenge", "handshake", RMM, NEED_TOKEN, challenge},
};

static bool can(const struct cca_case *k, enum need needs)
{
	switch (needs) {
	case NEED_NOTHING: return true;
	case NEED_TOKEN: return k->token_ok;
	case NEED_CPAK: return k->token_ok && k->cpak != NULL;
	default: return k->token_ok && k->rak != NULL;
	}
}

void cca_verify(const struct cca_input *in, struct verdict *v)
{
	struct cca_case k = {.in = in};

	verdict_clear(v);
	v->ok = true;
	say(v->tee, "cca");
	load(&k);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct check c = {.id = r->id, .link = r->link, .spec = r->spec};

		if (can(&k, r->needs))
			c.result = r->judge(&k, &c);
		else
			c.result = CHECK_SKIP; /* what it needs has failed in its own row */
		if (c.result != CHECK_FAIL)
			c.cure[0] = 0;
		verdict_add(v, &c);
	}
	v->measurement_size = k.token.realm.initial.size;
	if (k.token_ok)
		memcpy(v->measurement, k.token.realm.initial.data, v->measurement_size);
	else
		v->measurement_size = 0;
	EVP_PKEY_free(k.cpak);
	EVP_PKEY_free(k.rak);
}
