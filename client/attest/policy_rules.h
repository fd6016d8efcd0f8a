/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy says, as data: filled by policy.c from TOML, read by the judges (snp.c and its like), made by hand in
 * tests. All zero refuses everything. Pointers belong to the policy.
 */
#ifndef BROCH_CLIENT_POLICY_RULES_H
#define BROCH_CLIENT_POLICY_RULES_H

#include "client/attest/amd.h"
#include "client/attest/dcap_rules.h"
#include "client/attest/policy.h"

enum snp_pin {
	SNP_PIN_HOST_DATA,
	SNP_PIN_ID_KEY,
	SNP_PIN_AUTHOR_KEY,
	SNP_PIN_FAMILY_ID,
	SNP_PIN_IMAGE_ID,
	SNP_PIN_COUNT
};
/* Key in [snp] and size of each pin. */
extern const struct snp_pin_info {
	const char *key;
	size_t size;
} snp_pins[SNP_PIN_COUNT];

struct snp_rules {
	bool accepted;     /* is this TEE named at all? */
	uint32_t products; /* 1 << enum snp_product */
	const struct snp_root_pin *roots;
	size_t root_count;
	bool vcek, vlek; /* which keys may sign */
	bool any_vmpl;   /* for tests and the vectors only; no policy file can say it */
	uint32_t vmpl;
	bool debug, migration, smt, masked_chip_id; /* tolerated */
	bool crl_required;
	uint64_t crl_max_age_s; /* 0: its own nextUpdate */
	struct snp_tcb minimum[SNP_PRODUCT_COUNT];
	bool any_measurement;                   /* as any_vmpl */
	struct digest_list pins[SNP_PIN_COUNT]; /* count 0: not asked for */
};

/* AWS Nitro Enclaves: the platform configuration registers, 48 bytes each. */
enum { NITRO_RULE_PCRS = 32, VTPM_RULE_PCRS = 24, PCR_SIZE_MAX = 48 };
struct nitro_rules {
	bool accepted, debug;
	bool root_set;                            /* else AWS's root */
	uint8_t root[32];                         /* SHA-256 of the certificate */
	struct digest_list pcrs[NITRO_RULE_PCRS]; /* count 0: not asked for */
	bool crl_required;                        /* one of each authority in the chain */
	uint64_t crl_max_age_s, max_age_s;        /* of lists; of the document itself. 0: not asked for */
};

/* Azure's vTPM; the hardware below is judged by the rules of its own TEE. */
struct vtpm_rules {
	bool accepted, any_pcrs;
	struct digest_list pcrs[VTPM_RULE_PCRS]; /* SHA-256 bank; count 0: not asked for */
};

/* Arm CCA. There is no vendor's root: the keys of the platforms are the policy's own. */
enum { CCA_RULE_KEYS = 16, CCA_RULE_REMS = 4 };
struct cca_rules {
	bool accepted, unsecured;         /* unsecured: tolerated */
	struct slice keys[CCA_RULE_KEYS]; /* JWK, owned */
	size_t key_count;
	struct digest_list initial, rems[CCA_RULE_REMS], software; /* hashes in a common form: size, bytes, zeros */
	bool any_software;
	struct digest_list personalizations, implementations, instances; /* count 0: not asked for */
};
/* SEV and SEV-ES: one table for both; which of them a guest is, its own policy says. */
struct sev_rules {
	bool accepted, es_accepted;
	bool root_set; /* else AMD's roots */
	uint8_t root[SPKI_DIGEST_SIZE];
	struct digest_list digests;         /* launch digests, 32 bytes each */
	struct digest_list ceks, ocas;      /* SHA-256 of keys' SubjectPublicKeyInfo; count 0: not asked for */
	bool minimum_set;
	uint8_t minimum[3];                 /* of the firmware: API major and minor, build */
	bool debug, key_sharing, migration; /* tolerated */
};

/* IBM PEF: what a blob may let start, SHA-512 each. */
enum pef_rule { PEF_RULE_KERNEL, PEF_RULE_INITRD, PEF_RULE_BOOTARGS, PEF_RULE_RTAS, PEF_RULE_COUNT };
struct pef_rules {
	bool accepted;
	struct digest_list lists[PEF_RULE_COUNT];
};

/* A hash of 32, 48 or 64 bytes in the form of the lists above. */
enum { CCA_HASH_SIZE = 65 };
void cca_hash_form(struct slice hash, uint8_t out[static CCA_HASH_SIZE]);

struct policy {
	struct digest_list workloads;                  /* SHA-256 of manifests; count 0: the policy does not say */
	struct digest_list measurements, platform_ids; /* platform_ids.count 0: any platform under the root */
	struct snp_rules snp, soft;
	struct dcap_rules sgx, tdx;
	struct nitro_rules nitro;
	struct vtpm_rules vtpm;
	struct cca_rules cca;
	struct sev_rules sev;
	struct pef_rules pef;
	struct snp_root_pin snp_root[SNP_SOFT]; /* what the roots point to when the policy names its own */
	uint8_t sgx_root[1][SPKI_DIGEST_SIZE], tdx_root[1][SPKI_DIGEST_SIZE];
	struct snp_root_pin soft_root; /* what soft.roots points to */
	struct policy_limits limits;
};

#endif
