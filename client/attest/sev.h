/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV and SEV-ES as a guest's owner sees them (AMD 55766 "SEV API"): is this a genuine platform (before a session is made
 * for its PDH), did it launch what it should (before a secret goes there), and what does it say about a running guest.
 * Each judge fills v whole, like verify_evidence. There are no validity times and no revocation lists in these formats:
 * refuse platforms by API version, and by the identity of their CEK, where that matters.
 */
#ifndef BROCH_CLIENT_SEV_H
#define BROCH_CLIENT_SEV_H

#include "client/attest/dcap_rules.h"
#include "client/attest/verify.h"
#include "client/attest/x509.h"
#include "lib/attest/sev_session.h"

enum sev_link { SEV_LINK_ARK, SEV_LINK_ASK, SEV_LINK_CEK, SEV_LINK_OCA, SEV_LINK_PEK, SEV_LINK_PDH, SEV_LINK_COUNT };
/* "ark", "ask", ... */
extern const char *const sev_link_names[SEV_LINK_COUNT];

/* SHA-256 of the SubjectPublicKeyInfo of AMD's roots for Naples, Milan, Genoa and Turin. Those of the last three are the
 * keys of their X.509 roots. */
enum { SEV_AMD_ROOT_COUNT = 4 };
const uint8_t *sev_amd_root(unsigned i);

struct sev_chain_input {
	struct slice certs[SEV_LINK_COUNT];
	const uint8_t *root;                     /* the one root that is trusted, SHA-256 of its SubjectPublicKeyInfo; NULL: AMD's */
	uint8_t api_major_min, api_minor_min;    /* of the PEK; 0.0: any */
	const struct digest_list *ceks, *ocas;   /* SHA-256 of the SubjectPublicKeyInfo of whose key it must be; NULL: any */
};

/* As platforms export it: PDH, PEK, OCA and CEK, then ASK and ARK, which are of one size. false: no such file. */
bool sev_chain_split(struct slice all, struct slice certs[static SEV_LINK_COUNT]);

/* ARK and ASK alone. */
void sev_ca_verify(const struct sev_chain_input *in, struct verdict *v);
/* All six. Who signed as the OCA is for the owner to know: its key's digest is in the verdict's words. */
void sev_chain_verify(const struct sev_chain_input *in, struct verdict *v);

/* An exchange with a platform whose chain was judged good. *godh takes the owner's public key; keys and session are made
 * from fresh randomness. ERR_CRYPTO, ERR_INVALID (the PDH is no key of P-384). Wipe *keys. */
struct sev_offer {
	uint8_t godh[2084], session[SEV_SESSION_SIZE];
	struct sev_transport keys;
};
MUST_USE enum err sev_offer_make(struct slice pdh, uint32_t policy, struct sev_offer *out, struct note *n);
/* The shared secret of one's own key and the other's certificate: X, big-endian, 48 bytes. ERR_INVALID, ERR_CRYPTO. */
MUST_USE enum err sev_shared_secret(EVP_PKEY *own, struct slice peer, uint8_t z[static 48]);

/* What the owner wants of the launch, beyond the measurement itself. */
struct sev_launch_rules {
	uint32_t policy_set, policy_clear;       /* bits that must be one; bits that must be zero */
	uint8_t api_major_min, api_minor_min, build_min;
};
/* measure: what LAUNCH_MEASURE gave, 48 bytes. */
void sev_launch_verify(const struct sev_transport *keys, const struct sev_launch *l, struct slice measure,
		       const struct sev_launch_rules *rules, struct verdict *v);

struct sev_report_input {
	struct slice pek, report;
	struct slice mnonce, digest;             /* 16 and 32 bytes: the nonce asked with, the launch digest; data NULL: not asked */
	const uint32_t *policy;                  /* NULL: any */
	uint32_t policy_set, policy_clear;       /* as struct sev_launch_rules has it */
};
/* The PEK's chain must have been judged before. */
void sev_report_verify(const struct sev_report_input *in, struct verdict *v);

#endif
