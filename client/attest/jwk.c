/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/jwk.h"

#include "client/attest/base64url.h"

#include <jansson.h>

static const char *member(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

/* Exactly size bytes: RFC 7518 section 6.2.1.2 has leading zeros written. */
static bool coordinate(json_t *o, const char *key, uint8_t *out, size_t size)
{
	size_t have;

	return base64url_decode(member(o, key), out, size, &have) == OK && have == size;
}

static EVP_PKEY *key_of(json_t *o, struct note *n)
{
	uint8_t point[ECDSA_POINT_MAX] = {4};
	EVP_PKEY *key = NULL;
	unsigned curve = 0;
	size_t size;

	while (curve < ECDSA_CURVE_COUNT && strcmp(member(o, "crv"), ecdsa_curve_name((enum ecdsa_curve)curve)) != 0)
		curve++;
	if (strcmp(member(o, "kty"), "EC") != 0 || curve == ECDSA_CURVE_COUNT) {
		note_set(n, "not a key of kty EC with crv P-256, P-384 or P-521");
		return NULL;
	}
	if (json_object_get(o, "d") != NULL) {
		note_set(n, "a private key: give its public part only");
		return NULL;
	}
	size = ecdsa_size((enum ecdsa_curve)curve);
	if (coordinate(o, "x", point + 1, size) && coordinate(o, "y", point + 1 + size, size))
		key = ecdsa_key((enum ecdsa_curve)curve, slice_of(point, 1 + 2 * size));
	if (key == NULL)
		note_set(n, "x and y are not the base64url of a point on %s",
		         ecdsa_curve_name((enum ecdsa_curve)curve));
	return key;
}

EVP_PKEY *jwk_ec_key(struct slice json, struct note *n)
{
	json_t *o = json.size <= JWK_SIZE_MAX
	                    ? json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, NULL)
	                    : NULL;
	EVP_PKEY *key = NULL;

	if (json_is_object(o))
		key = key_of(o, n);
	else
		note_set(n, "not a JSON object of at most %u bytes, each member once", (unsigned)JWK_SIZE_MAX);
	json_decref(o);
	return key;
}
