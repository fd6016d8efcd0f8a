/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of Arm CCA. */
#include "test/attest/kinds.h"

#include "client/attest/cca.h"

#include <stdio.h>
#include <stdlib.h>

static bool text_or_hex_is(struct vector *c, const char *key, json_t *want, struct slice found)
{
	const char *text = json_string_value(want);

	if (text != NULL && (slice_is(found, text) || hex_is(found, text)))
		return true;
	snprintf(c->why, sizeof c->why, "field %s is not what was expected", key);
	return false;
}

static bool list_is(struct vector *c, const char *key, json_t *want, const struct slice *found, size_t count)
{
	if (json_array_size(want) != count) {
		snprintf(c->why, sizeof c->why, "field %s is no list of %zu", key, count);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!text_or_hex_is(c, key, json_array_get(want, i), found[i]))
			return false;
	return true;
}

static bool field_is(struct vector *c, const struct cca_token *t, const char *key, json_t *want)
{
	const struct {
		const char *key;
		struct slice value;
	} fields[] = {
	        {"platform.profile", t->platform.profile},
	        {"platform.challenge", t->platform.challenge},
	        {"platform.implementation_id", t->platform.implementation},
	        {"platform.instance_id", t->platform.instance},
	        {"platform.config", t->platform.config},
	        {"platform.hash_algo", t->platform.hash_algorithm},
	        {"platform.verification_service", t->platform.service},
	        {"realm.profile", t->realm.profile},
	        {"realm.challenge", t->realm.challenge},
	        {"realm.personalization", t->realm.personalization},
	        {"realm.initial_measurement", t->realm.initial},
	        {"realm.hash_algo_id", t->realm.hash_algorithm},
	        {"realm.public_key", t->realm.key},
	        {"realm.public_key_hash_algo", t->realm.key_hash_algorithm},
	};

	for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return text_or_hex_is(c, key, want, fields[i].value);
	if (strcmp(key, "realm.extensible_measurements") == 0)
		return list_is(c, key, want, t->realm.extensible, CCA_EXTENSIBLE_COUNT);
	if (strcmp(key, "platform.lifecycle") == 0 && json_integer_value(want) == t->platform.lifecycle)
		return true;
	snprintf(c->why, sizeof c->why, "field %s is not what was expected, or not known", key);
	return false;
}

static bool fields(struct vector *c, struct slice token)
{
	static struct cca_token t;
	const char *key;
	json_t *want;

	if (cca_token_parse(token, &t, NULL) != OK)
		return false;
	json_object_foreach(json_object_get(json_object_get(c->json, "expect"), "fields"), key, want)
	{
		if (!field_is(c, &t, key, want))
			return false;
	}
	return true;
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
	return o != PASSED || !v.ok || fields(c, in.token) ? o : FAILED;
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
