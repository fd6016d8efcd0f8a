/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation token of Arm CCA (Realm Management Monitor specification, Arm DEN0137, section A7.2.3;
 * draft-ffm-rats-cca-token): a CBOR map of two COSE_Sign1 messages. The platform's claims are signed with the key of
 * the platform (CPAK), the realm's with a key that the platform's claims name by its hash (RAK). Nothing is judged here
 * but form. All slices point into the input.
 */
#ifndef BROCH_ATTEST_CCA_TOKEN_H
#define BROCH_ATTEST_CCA_TOKEN_H

#include "lib/attest/cose.h"

enum {
	CCA_TOKEN_SIZE_MAX = 32 * 1024,
	CCA_COMPONENTS_MAX = 64,
	CCA_EXTENSIBLE_COUNT = 4,
	CCA_CHALLENGE_SIZE = 64,
	CCA_PERSONALIZATION_SIZE = 64,
	CCA_IMPLEMENTATION_SIZE = 32,
	CCA_INSTANCE_SIZE = 33, /* the first byte is 1 */
};

/* "A hash" is 32, 48 or 64 bytes; texts are not checked to be UTF-8. */
struct cca_component {
	struct slice measurement, signer;           /* hashes */
	struct slice type, version, hash_algorithm; /* text; empty when not said */
};

struct cca_platform {
	struct cose_sign1 cose;
	struct slice profile;        /* text */
	struct slice challenge;      /* a hash: of the realm's key */
	struct slice implementation; /* CCA_IMPLEMENTATION_SIZE */
	struct slice instance;       /* CCA_INSTANCE_SIZE */
	struct slice config;         /* of any size */
	uint16_t lifecycle;
	struct cca_component components[CCA_COMPONENTS_MAX];
	size_t component_count;      /* at least one */
	struct slice hash_algorithm; /* text */
	struct slice service;        /* text; empty when not said */
};

struct cca_realm {
	struct cose_sign1 cose;
	struct slice profile;                          /* text; empty when not said */
	struct slice challenge;                        /* CCA_CHALLENGE_SIZE */
	struct slice personalization;                  /* CCA_PERSONALIZATION_SIZE */
	struct slice initial;                          /* a hash */
	struct slice extensible[CCA_EXTENSIBLE_COUNT]; /* hashes */
	struct slice hash_algorithm;                   /* text: of the measurements */
	struct slice key, key_hash_algorithm;          /* as encoded, at least one byte; text */
};

struct cca_token {
	struct cca_platform platform;
	struct cca_realm realm;
};

/*
 * Tag 399 (RMM 1.0) or 907 (RMM 2.0) or none; the messages as byte strings, or as wrapped by RMM 2.0: [263, bytes].
 * Both messages have tag 18. A label twice, a claim missing or of another size, bytes behind: refused, and n says
 * where. Claims we do not know are passed over, as EAT demands (RFC 9711 section 6.3.15).
 *
 * Whether measurements are as long as hash_algorithm says is not asked: published tokens of the specification's authors
 * say "sha-256" beside 64 bytes.
 */
MUST_USE enum err cca_token_parse(struct slice in, struct cca_token *out, struct note *n);

/* The realm's key: an uncompressed point (04 x y, RMM 1.0), or a COSE_Key. The errors of cose_key_read. */
MUST_USE enum err cca_realm_key(struct slice encoded, struct cose_key *out);

#endif
