/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/jwk.h"

#include <jansson.h>

/* RFC 4648 section 5 without padding; 64: no such letter. */
static unsigned sextet(char c)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c != 0 ? strchr(letters, c) : NULL;

	return at != NULL ? (unsigned)(at - letters) : 64;
}

/* Exactly size bytes, in the one encoding that they have. */
static bool base64url(const char *text, uint8_t *out, size_t size)
{
	unsigned bits = 0, have = 0;

	if (strlen(text) != (8 * size + 5) / 6)
		return false;
	for (; *text != 0; text++) {
		unsigned s = sextet(*text);

		if (s == 64)
			return false;
		bits = (bits << 6 | s) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		*out++ = (uint8_t)(bits >> have);
	}
	return (bits & ((1u << have) - 1)) == 0;
}

static const char *member(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
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
	if (base64url(member(o, "x"), point + 1, size) && base64url(member(o, "y"), point + 1 + size, size))
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
