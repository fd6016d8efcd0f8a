/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/certificate.h"

#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "lib/attest/dice.h"
#include "lib/attest/envelope.h"
#include "lib/tls/certificate.h"

enum { HOUR = 3600, HEADS = 16, COLLATERAL_UP_TO = 12288 /* of evidence */ };

static void sha256(struct slice in, uint8_t out[static 32])
{
	br_sha256_context sha;

	br_sha256_init(&sha);
	br_sha256_update(&sha, in.data, in.size);
	br_sha256_out(&sha, out);
}

/* Collateral is a convenience, and verifiers take certificates up to a size. */
static enum err without_collateral(struct arena *a, struct slice *envelope)
{
	struct envelope e;
	uint8_t *room = arena_scratch(a, envelope->size, 1, 1);
	size_t size;

	if (room == NULL)
		return ERR_NOMEM;
	TRY(envelope_decode(*envelope, &e, NULL));
	e.collateral_count = 0;
	TRY(envelope_encode(&e, room, envelope->size, &size));
	*envelope = slice_of(room, size);
	return OK;
}

/* The report data is SHA-256 of the claims, then zeros: what every judge of such certificates expects. */
static enum err evidence(struct arena *a, const uint8_t public[static 65], const uint8_t *manifest, struct slice *value,
                         struct note *n)
{
	uint8_t spki[CERTIFICATE_SPKI_SIZE], key_hash[32], claims[DICE_CLAIMS_MAX], report[64] = {0};
	uint8_t *envelope = arena_scratch(a, KEEPCALL_EVIDENCE_MAX, 1, 1), *out;
	struct slice given;
	size_t claims_size, size;

	if (envelope == NULL)
		return ERR_NOMEM;
	certificate_spki(public, spki);
	sha256(slice_of(spki, sizeof spki), key_hash);
	TRY(dice_claims_write(key_hash, manifest, claims, &claims_size));
	sha256(slice_of(claims, claims_size), report);
	if (call_evidence(report, envelope, KEEPCALL_EVIDENCE_MAX, &size) != OK)
		return refuse(n, ERR_IO, "the host gives no evidence for the Keep's certificate");
	given = slice_of(envelope, size);
	if (size > COLLATERAL_UP_TO)
		TRY(without_collateral(a, &given));
	size = given.size + DICE_CLAIMS_MAX + HEADS;
	out = arena_scratch(a, size, 1, 1);
	if (out == NULL)
		return ERR_NOMEM;
	TRY(dice_evidence_write(given, slice_of(claims, claims_size), out, size, &size));
	*value = slice_of(out, size);
	return OK;
}

enum err keep_certificate_make(struct identity *id, struct arena *a, const struct keep_certificate_wish *wish,
                               struct keep_certificate *out, struct note *n)
{
	uint8_t *der = arena_alloc(a, KEEP_CERTIFICATE_MAX, 1);
	const size_t mark = a->used;
	struct certificate_settings s = {.key = &out->key,
	                                 .subject = "Broch Keep",
	                                 .names = wish->names,
	                                 .name_count = wish->name_count,
	                                 .from_s = wish->now_s > HOUR ? wish->now_s - HOUR : 0,
	                                 .until_s = wish->now_s + KEEP_CERTIFICATE_LIFE_S};
	struct slice public;
	size_t size;
	enum err err;

	if (der == NULL)
		return ERR_NOMEM;
	TRY(identity_public(id, &public));
	out->key = (br_ec_private_key){BR_EC_secp256r1, id->secret, sizeof id->secret};
	s.public = public.data;
	TRY(cpu_random(s.serial, sizeof s.serial));
	err = evidence(a, public.data, wish->manifest, &s.evidence, n);
	if (err == OK)
		err = certificate_make(&s, der, KEEP_CERTIFICATE_MAX, &size);
	arena_release(a, mark);
	if (err != OK)
		return refuse(n, err, "the Keep's certificate cannot be made: %s", err_text(err));
	out->der = (br_x509_certificate){der, size};
	return OK;
}
