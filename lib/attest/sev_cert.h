/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of SEV and SEV-ES platforms (AMD 55766 "SEV API"): the form of the CEK, OCA, PEK and PDH (appendix C),
 * and the form of the ARK and the ASK (appendix B). Bytes to fields only; signatures are the verifier's business.
 * Numbers stay as they are stored: little-endian. Slices point into the input.
 */
#ifndef BROCH_ATTEST_SEV_CERT_H
#define BROCH_ATTEST_SEV_CERT_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SEV_CERT_SIZE = 2084,
	SEV_CERT_SIGNED = 0x414,  /* the signatures are over the bytes before here */
	SEV_SIGNATURE_SIZE = 512,
	SEV_NUMBER_SIZE = 72,     /* a coordinate, R or S */
	SEV_CA_HEAD = 64,
	SEV_CA_SIZE_MAX = SEV_CA_HEAD + 3 * 512,
	SEV_CURVE_P256 = 1,
	SEV_CURVE_P384 = 2,
};

enum sev_usage {
	SEV_ARK = 0x0000,
	SEV_ASK = 0x0013,
	SEV_NOBODY = 0x1000, /* an unused signature */
	SEV_OCA = 0x1001,
	SEV_PEK = 0x1002,
	SEV_PDH = 0x1003,
	SEV_CEK = 0x1004,
};

enum sev_algorithm {
	SEV_RSA_SHA256 = 0x001,
	SEV_ECDSA_SHA256 = 0x002,
	SEV_ECDH_SHA256 = 0x003,
	SEV_RSA_SHA384 = 0x101,
	SEV_ECDSA_SHA384 = 0x102,
	SEV_ECDH_SHA384 = 0x103,
};

struct sev_signature {
	uint32_t usage, algorithm; /* of the signing key */
	struct slice value;        /* SEV_SIGNATURE_SIZE bytes: R and S of 72 each, or an RSA number */
};

struct sev_cert {
	uint32_t version, usage, algorithm;
	uint8_t api_major, api_minor;
	uint32_t curve;
	struct slice x, y;         /* SEV_NUMBER_SIZE bytes each; only for the algorithms of a curve */
	struct slice exponent, modulus; /* 512 and 256 or 512 bytes; only for RSA of 2048 and 4096 bits: the owner's CA */
	struct slice signed_part;
	struct sev_signature signatures[2];
};

struct sev_ca { /* the ARK or the ASK */
	uint32_t version, usage;
	struct slice key_id, signer_id; /* 16 bytes each */
	struct slice exponent, modulus, signature; /* 256 or 512 bytes each */
	struct slice signed_part;
};

/* ERR_TRUNCATED or ERR_TRAILING (not 2084 bytes), ERR_VERSION. Usage and algorithm may be ones that are not listed. */
MUST_USE enum err sev_cert_parse(struct slice in, struct sev_cert *out);
/* ERR_VERSION, ERR_UNSUPPORTED (key of another size than 2048 or 4096 bits), ERR_TRUNCATED, ERR_TRAILING. */
MUST_USE enum err sev_ca_parse(struct slice in, struct sev_ca *out);

/* The guest owner's key for the exchange with a PDH (appendix C; LAUNCH_START takes it as GODH certificate), which
 * nobody signs. x and y: on P-384, little-endian, 48 bytes. */
MUST_USE enum err sev_cert_write_godh(struct slice x, struct slice y, uint8_t out[static SEV_CERT_SIZE]);

/* ATTESTATION's answer (section 6.8): what the platform says about a running guest, signed by its PEK. */
enum { SEV_REPORT_SIZE = 208 };
struct sev_report {
	struct slice mnonce, digest; /* 16, 32 */
	uint32_t policy, usage, algorithm;
	struct slice r, s;           /* SEV_NUMBER_SIZE each */
	struct slice signed_part;
};
/* ERR_TRUNCATED, ERR_TRAILING, ERR_FORMAT (reserved bytes). */
MUST_USE enum err sev_report_parse(struct slice in, struct sev_report *out);

#endif
