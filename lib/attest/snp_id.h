/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNP ID block and ID authentication page (AMD 56860 section 8.18): what an owner signs about a guest before its launch.
 * The firmware refuses a launch whose digest or policy differ, and puts the digests of the two keys into every report.
 * Bytes to fields only; signatures are the verifier's business.
 */
#ifndef BROCH_ATTEST_SNP_ID_H
#define BROCH_ATTEST_SNP_ID_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SNP_ID_BLOCK_SIZE = 96,
	SNP_ID_AUTH_SIZE = 4096,
	SNP_ID_KEY_SIZE = 1028,
	SNP_ID_SIGNATURE_SIZE = 512,
	SNP_ID_BLOCK_VERSION = 1,
	SNP_ID_ALGO_ECDSA_P384_SHA384 = 1,
	SNP_ID_CURVE_P384 = 2,
};

struct snp_id_block {
	struct slice launch_digest, family_id, image_id;
	uint32_t version, guest_svn;
	uint64_t policy;
};

struct snp_id_key {
	struct slice raw;  /* all of it: its SHA-384 is the key's digest in reports */
	uint32_t curve;
	struct slice x, y; /* little-endian, 72 bytes */
	bool padded;       /* are all unused bytes zero? */
};

struct snp_id_signature {
	struct slice r, s; /* little-endian, 72 bytes */
	bool padded;
};

struct snp_id_auth {
	uint32_t id_algorithm, author_algorithm; /* author_algorithm 0: there is no author */
	struct snp_id_signature block_signature; /* of the ID block, by the id key */
	struct snp_id_key id_key;
	struct snp_id_signature key_signature;   /* of the id key, by the author key */
	struct snp_id_key author_key;
	bool padded;                             /* reserved bytes between the parts */
};

/* Slices point into the input. ERR_TRUNCATED or ERR_TRAILING: not of this size. */
MUST_USE enum err snp_id_block_parse(struct slice in, struct snp_id_block *out);
MUST_USE enum err snp_id_auth_parse(struct slice in, struct snp_id_auth *out);
MUST_USE enum err snp_id_key_parse(struct slice in, struct snp_id_key *out);

/* The way back. Slices have the sizes they are read with (x, y, r and s 72 bytes), else ERR_INVALID; of the keys only raw
 * is looked at, and of the author nothing when author_algorithm is 0. */
MUST_USE enum err snp_id_block_write(const struct snp_id_block *b, uint8_t out[static SNP_ID_BLOCK_SIZE]);
MUST_USE enum err snp_id_key_write(struct slice x, struct slice y, uint8_t out[static SNP_ID_KEY_SIZE]);
MUST_USE enum err snp_id_auth_write(const struct snp_id_auth *a, uint8_t out[static SNP_ID_AUTH_SIZE]);

#endif
