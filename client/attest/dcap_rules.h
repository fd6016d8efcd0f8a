/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy says about Intel's TEEs, one struct for [sgx] and one for [tdx]. All zero refuses everything. */
#ifndef BROCH_CLIENT_DCAP_RULES_H
#define BROCH_CLIENT_DCAP_RULES_H

#include "client/attest/dcap_collateral.h"
#include "client/attest/x509.h"

struct digest_list { /* count values of `size` bytes, one behind the other */
	uint8_t *bytes;
	size_t size, count;
};
bool digest_list_has(const struct digest_list *l, struct slice one);

enum dcap_pin {
	/* SGX */
	DCAP_PIN_MRENCLAVE,
	DCAP_PIN_MRSIGNER,
	DCAP_PIN_EXT_PROD_ID,
	DCAP_PIN_FAMILY_ID,
	DCAP_PIN_CONFIG_ID,
	/* TDX */
	DCAP_PIN_MRTD,
	DCAP_PIN_RTMR0,
	DCAP_PIN_RTMR1,
	DCAP_PIN_RTMR2,
	DCAP_PIN_RTMR3,
	DCAP_PIN_MRSEAM,
	DCAP_PIN_MRCONFIGID,
	DCAP_PIN_MROWNER,
	DCAP_PIN_MROWNERCONFIG,
	DCAP_PIN_MRSERVICETD,
	/* the platform */
	DCAP_PIN_FMSPC,
	DCAP_PIN_PPID,
	DCAP_PIN_INSTANCE,
	DCAP_PIN_COUNT
};

enum { DCAP_IN_SGX = 1, DCAP_IN_TDX = 2 };
/* Key in the policy's table, size of a value, and in which of the tables it may stand. */
extern const struct dcap_pin_info {
	const char *key;
	size_t size;
	unsigned in;
} dcap_pins[DCAP_PIN_COUNT];

struct dcap_rules {
	bool accepted; /* is this TEE named at all? */
	const uint8_t (*roots)[SPKI_DIGEST_SIZE];
	size_t root_count;
	bool no_collateral;   /* for tests and the vectors only: without any, only signatures and chain are judged */
	bool no_qe_identity;  /* as no_collateral: Enarx requests do not bring one */
	bool any_measurement; /* as no_collateral */
	bool any_advisory;
	uint64_t max_age_s;                /* of PCK lists and statements; 0: as long as they say themselves */
	uint64_t root_crl_max_age_s;       /* of the root's list, which is made once a year; 0: likewise */
	uint32_t statuses;                 /* 1 << enum tcb_status */
	uint32_t evaluation_min;           /* tcbEvaluationDataNumber */
	struct digest_list advisories;     /* tolerated: ids padded with zeros to DCAP_ADVISORY_MAX */
	bool debug, migration, service_td; /* tolerated */
	uint64_t td_attributes;            /* bits that must be one */
	bool xfam_limited;
	uint64_t xfam; /* bits that may be one */
	bool prod_id_set;
	bool svn_set; /* was a minimum said at all? */
	uint32_t prod_id, svn_min, config_svn_min;
	struct digest_list pins[DCAP_PIN_COUNT]; /* count 0: not asked for */
};

/* Intel's SGX root key: one key in two certificates, one of which ends 2033, the other 2049. */
enum { INTEL_ROOT_COUNT = 1 };
extern const uint8_t intel_roots[INTEL_ROOT_COUNT][SPKI_DIGEST_SIZE];

#endif
