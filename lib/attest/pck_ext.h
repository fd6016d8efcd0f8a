/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PCK certificate says of its platform: the value of the extension 1.2.840.113741.1.13.1 (Intel SGX PCK
 * certificate and CRL profile specification, section 1.3.5), a SEQUENCE of {OID, value}. Slices point into the input.
 */
#ifndef BROCH_ATTEST_PCK_EXT_H
#define BROCH_ATTEST_PCK_EXT_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { PCK_COMPONENTS = 16, PCK_FMSPC_SIZE = 6, PCK_PCEID_SIZE = 2, PCK_PPID_SIZE = 16, PCK_INSTANCE_SIZE = 16 };

struct pck_ext {
	struct slice ppid, cpusvn, pceid, fmspc;
	uint8_t components[PCK_COMPONENTS];
	uint32_t pcesvn;
	uint32_t sgx_type;     /* 0 standard, 1 scalable, 2 scalable with integrity */
	struct slice instance; /* only from the Platform CA, else empty */
	bool configured;       /* the three below were said */
	bool dynamic, cached_keys, smt;
};

/* The DER content of the OID above, for cert_extension. */
extern const struct slice pck_ext_oid;

/* Every field but instance and configuration must be there, none twice; unknown arcs are skipped, other forms refused.
 */
MUST_USE enum err pck_ext_parse(struct slice value, struct pck_ext *out, struct note *n);

#endif
