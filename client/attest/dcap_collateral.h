/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel's statements about platforms and quoting enclaves: TCB info (versions 2 and 3) and QE identity (version 2), as
 * the Provisioning Certification Service signs them in JSON (PCS API version 4). Strict: duplicate members, missing
 * fields, numbers out of range, unknown statuses and impossible dates are refused; unknown members are not looked at.
 * The signature is over the exact bytes, so it is judged before anything here is believed.
 */
#ifndef BROCH_CLIENT_DCAP_COLLATERAL_H
#define BROCH_CLIENT_DCAP_COLLATERAL_H

#include "lib/attest/pck_ext.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <jansson.h>

enum {
	DCAP_TEXT_MAX = 256 * 1024,
	DCAP_LEVELS_MAX = 64,
	DCAP_ISV_LEVELS_MAX = 32,
	DCAP_MODULES_MAX = 16,
	DCAP_ADVISORY_MAX = 32, /* letters of one id, with the ending zero */
	DCAP_ADVISORIES_MAX = 128,
};

enum tcb_status {
	TCB_UP_TO_DATE,
	TCB_SW_HARDENING,
	TCB_CONFIGURATION,
	TCB_CONFIGURATION_AND_SW_HARDENING,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIGURATION,
	TCB_REVOKED,
	/* These two are never said by Intel's statements; they come out of the comparison with the TD's newer TCB. */
	TCB_RELAUNCH,
	TCB_RELAUNCH_CONFIGURATION,
	TCB_STATUS_COUNT
};
extern const char *const tcb_status_names[TCB_STATUS_COUNT];

struct tcb_level {
	uint8_t sgx[PCK_COMPONENTS], tdx[PCK_COMPONENTS]; /* tdx: only in a TCB info for TDX */
	uint32_t pcesvn;
	enum tcb_status status;
	char date[24];
	const json_t *advisories; /* borrowed from the document; NULL: none */
};

struct isv_level {
	uint32_t svn;
	enum tcb_status status;
	const json_t *advisories;
};

struct isv_levels {
	struct isv_level level[DCAP_ISV_LEVELS_MAX];
	size_t count;
};

struct tdx_module {
	uint8_t id; /* the major version: TDX_01 is 1; of tdxModule 0 */
	uint8_t mrsigner[48], attributes[8], attributes_mask[8];
	struct isv_levels levels; /* none in tdxModule */
};

/* What both statements say of themselves. */
struct dcap_statement {
	json_t *doc; /* owned */
	char id[8];  /* "SGX", "TDX", "QE", "TD_QE" */
	uint32_t version, evaluation;
	int64_t issued, next;
};

struct tcb_info {
	struct dcap_statement s;
	uint8_t fmspc[PCK_FMSPC_SIZE], pceid[PCK_PCEID_SIZE];
	struct tcb_level level[DCAP_LEVELS_MAX];
	size_t level_count;
	bool has_module;
	struct tdx_module module, modules[DCAP_MODULES_MAX];
	size_t module_count;
};

struct qe_identity {
	struct dcap_statement s;
	uint32_t miscselect, miscselect_mask;
	uint8_t attributes[16], attributes_mask[16], mrsigner[32];
	uint32_t prod_id;
	struct isv_levels levels;
};

/* On failure there is nothing to free. */
MUST_USE enum err tcb_info_parse(struct slice text, struct tcb_info *out, struct note *n);
void tcb_info_free(struct tcb_info *t); /* takes a zeroed struct */
MUST_USE enum err qe_identity_parse(struct slice text, struct qe_identity *out, struct note *n);
void qe_identity_free(struct qe_identity *q); /* takes a zeroed struct */

/* The answer of the PCS, {"member":{...},"signature":"hex"}: the exact bytes of the inner object and the signature's
 * digits. ERR_FORMAT when it has another form. */
MUST_USE enum err dcap_unwrap(struct slice answer, const char *member, struct slice *text, struct slice *signature);

#endif
