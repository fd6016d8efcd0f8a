/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Intel's statements say of one platform: which level, which status, which advisories (PCS API version 4, "TCB
 * info" and its way of comparing; the merging of Intel's quote verification library). Only arithmetic: no evidence is
 * judged here.
 */
#ifndef BROCH_CLIENT_DCAP_STATUS_H
#define BROCH_CLIENT_DCAP_STATUS_H

#include "client/attest/dcap_collateral.h"

/*
 * The highest level that the platform reaches: all SGX components and PCESVN of the PCK certificate, and for TDX the
 * components of TEE_TCB_SVN (tdx_svn, NULL: none); of these the first two belong to the TDX module when the second is
 * not zero, and are then left to its identity. NULL: no level. The order in which levels are listed does not matter.
 */
const struct tcb_level *tcb_level_of(const struct tcb_info *t, const struct pck_ext *e, const uint8_t *tdx_svn);
/* The level with the highest SVN that is at most this one; NULL: none. */
const struct isv_level *isv_level_of(const struct isv_levels *l, uint32_t svn);
/* The module's identity by its major version; tdxModule when that is 0; NULL: unknown. */
const struct tdx_module *tdx_module_of(const struct tcb_info *t, uint8_t major);

/* The platform's status with that of its quoting enclave or TDX module folded in. */
enum tcb_status tcb_merge(enum tcb_status platform, enum tcb_status other);

struct relaunch {
	enum tcb_status merged; /* platform with module */
	enum tcb_status sgx;    /* of the platform, TDX components left out */
	enum tcb_status module, qe;
	const uint8_t *svn2; /* TEE_TCB_SVN_2: the TCB that the TD would have if it were launched now */
};
/* TDX 1.5: when only the module that the TD was launched with is old, and the platform has the newest one by now, it is
 * enough to launch the TD again. Otherwise the status stays r->merged. */
enum tcb_status tcb_relaunch(const struct tcb_info *t, const struct relaunch *r);

#endif
