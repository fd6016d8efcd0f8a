/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of Arm CCA. */
#include "test/attest/kinds.h"

#include "client/attest/cca.h"

#include <stdio.h>
#include <stdlib.h>

/* Text where the token has text, else hex digits; what is not there is left out. */
static json_t *platform_facts(const struct cca_platform *p)
{
	json_t *o = json_object();

	fact_text(o, "profile", p->profile);
	fact_hex(o, "challenge", p->challenge);
	fact_hex(o, "implementation_id", p->implementation);
	fact_hex(o, "instance_id", p->instance);
	fact_hex(o, "config", p->config);
	fact_text(o, "hash_algo", p->hash_algorithm);
	if (p->service.data != NULL)
		fact_text(o, "verification_service", p->service);
	fact_number(o, "lifecycle", p->lifecycle);
	return o;
}

static json_t *realm_facts(const struct cca_realm *r)
{
	json_t *o = json_object(), *list = json_array(), *one = json_object();

	if (r->profile.data != NULL)
		fact_text(o, "profile", r->profile);
	fact_hex(o, "challenge", r->challenge);
	fact_hex(o, "personalization", r->personalization);
	fact_hex(o, "initial_measurement", r->initial);
	fact_text(o, "hash_algo_id", r->hash_algorithm);
	fact_hex(o, "public_key", r->key);
	fact_text(o, "public_key_hash_algo", r->key_hash_algorithm);
	for (unsigned i = 0; i < CCA_EXTENSIBLE_COUNT; i++) {
		fact_hex(one, "at", r->extensible[i]);
		json_array_append(list, json_object_get(one, "at"));
	}
	json_object_set_new(o, "extensible_measurements", list);
	json_decref(one);
	return o;
}

static json_t *cca_facts(struct slice token)
{
	static struct cca_token t;
	json_t *o = json_object();

	if (cca_token_parse(token, &t, NULL) == OK) {
		json_object_set_new(o, "platform", platform_facts(&t.platform));
		json_object_set_new(o, "realm", realm_facts(&t.realm));
	}
	return o;
}

static enum outcome cca_case(struct vector *c)
{
	static const char *const names[] = {"challenge", "initial_measurement", "personalization", "instance_id",
	                                    "implementation_id"};
	static uint8_t rooms[ARRAY_COUNT(names)][256];
	json_t *opt = json_object_get(c->json, "opt");
	struct cca_input in = {.token = case_file(c, "token"), .cpak = case_file(c, "cpak")};
	struct slice challenge, *demands[ARRAY_COUNT(names)] = {&challenge, &in.initial, &in.personalization,
	                                                        &in.instance, &in.implementation};
	struct verdict v;
	enum outcome o;

	in.allow_unsecured = case_option(opt, "allow_unsecured", false);
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (json_object_get(opt, names[i]) != NULL)
			*demands[i] = slice_of(rooms[i], case_hex(case_text(opt, names[i]), rooms[i], sizeof rooms[i]));
	in.challenge = json_object_get(opt, "challenge") != NULL ? &challenge : NULL;
	cca_verify(&in, &v);
	o = case_compare(c, &v);
	return o != PASSED || !v.ok ? o : case_facts(c, cca_facts(in.token));
}

/* ---- tables ---- */

static const struct kind kinds[] = {
        {"cca", cca_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"token-tag", "cca.token.read"},
        {"token-members", "cca.token.read"},
        {"token-trailing", "cca.token.read"},
        {"challenge-missing", "cca.token.read"},
        {"rak-missing", "cca.token.read"},
        {"realm-challenge-size", "cca.token.read"},
        {"cose-tag", "cca.token.read"},
        {"cose-alg", "cca.token.read"},
        {"cose-signature-length", "cca.token.read cca.platform.signature cca.realm.signature"},
        {"cose-signature", "cca.platform.signature cca.realm.signature"},
        {"rak-hash-algorithm", "cca.binding.algorithm cca.token.read"},
        {"rak-kty", "cca.realm.key cca.token.read"},
        {"binding", "cca.binding"},
        {"lifecycle", "cca.platform.lifecycle"},
        {"challenge-mismatch", "cca.challenge"},
        {NULL, NULL},
};

const struct kind_set cca_set = {kinds, reasons};
