/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the judgement of evidence: what attests before a guest runs, under a policy. A platform's certificates (is
 * it genuine, and one of those named?), the launch measurement of SEV and SEV-ES, the report on a running guest, and an
 * ESM blob of IBM PEF. Each fills v whole, but for whether the policy names the TEE; set is the caller's collateral.
 */
#ifndef BROCH_CLIENT_EVIDENCE_SEV_H
#define BROCH_CLIENT_EVIDENCE_SEV_H

#include "client/attest/evidence.h"

void evidence_sev_platform(const struct evidence_input *in, struct verdict *v);
void evidence_sev_launch(const struct evidence_input *in, struct verdict *v);
void evidence_sev_report(const struct evidence_input *in, const struct collateral *set, struct verdict *v);
void evidence_pef(const struct evidence_input *in, struct verdict *v);

#endif
