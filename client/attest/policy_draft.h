/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy that accepts what a piece of evidence says, for somebody to read and to change: a draft is written from what
 * nobody has judged. Tolerances that the evidence needs (debug, an RTMR of zeros) are not hidden in it: each stands on a
 * line of its own with what it means.
 */
#ifndef BROCH_CLIENT_POLICY_DRAFT_H
#define BROCH_CLIENT_POLICY_DRAFT_H

#include "client/attest/evidence.h"

#include <stdio.h>

/* collateral: for the PCR values of a vTPM; may be NULL. ERR_FORMAT: the evidence cannot be read, and nothing was written
 * that could be taken for a policy. */
MUST_USE enum err policy_draft(FILE *f, const struct evidence *e, const struct collateral *c, struct note *n);

#endif
