/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence + collateral + policy + explicit time -> verdict: the list of checks, each with what was expected and found.
 * One code path for `broch verify` and for the client agent. No network, no clock of its own, deny by default: a verdict
 * is OK only when every check that applies passed and at least one accepted TEE's checks all ran.
 */
#ifndef BROCH_CLIENT_VERIFY_H
#define BROCH_CLIENT_VERIFY_H

#include "client/attest/policy.h"
#include "lib/attest/envelope.h"

enum check_result { CHECK_PASS, CHECK_FAIL, CHECK_SKIP /* does not apply, with the reason */ };

enum { CHECK_TEXT_MAX = 200, VERDICT_CHECKS_MAX = 128 };

struct check { /* one link or one rule, in the order of the chain: root, platform key, report, ... */
	const char *id;    /* stable machine name, e.g. "snp.report.signature" */
	const char *link;  /* which link of the chain it belongs to: "policy", "root", "platform key", "report", "measurement", "handshake", "module" */
	enum check_result result;
	bool tolerated;    /* passed only because the policy tolerates what it should not be */
	char expected[CHECK_TEXT_MAX], found[CHECK_TEXT_MAX];
	char cure[CHECK_TEXT_MAX]; /* what to do, when it failed */
	const char *spec;  /* document and section, or "" */
};

struct verdict {
	bool ok;
	char tee[32];
	bool soft;         /* a software stand-in signed this: say so wherever it is shown */
	uint8_t measurement[64];
	size_t measurement_size;
	struct check checks[VERDICT_CHECKS_MAX];
	size_t check_count;
};

struct verify_input {
	struct slice envelope;            /* lib/attest/envelope.h */
	struct slice report_data;         /* 64 bytes the evidence must be bound to; empty only for `broch verify` of a bare
					   * report, which then says that nothing is bound */
	const struct policy *policy;
	int64_t at;                       /* seconds since 1970: the time at which everything must be valid */
};

/* Never fails: what cannot even be read is a failed check. v is filled whole. */
void verify_evidence(const struct verify_input *in, struct verdict *v);
/* The same with an envelope that is open already; in->envelope is not looked at. v is filled whole. */
void verify_opened(const struct verify_input *in, const struct envelope *e, struct verdict *v);
/* Nothing said yet, and not ok. Checks behind check_count are never looked at, and stay as they are. */
void verdict_clear(struct verdict *v);
/* Starts a verdict about this kind of evidence: the policy names it, or not. v->ok says which. */
void verdict_begin(struct verdict *v, const char *tee, const char *policy_word, bool named);
/* Adds one more check (the caller's own links: handshake, module digest) and updates v->ok. */
void verdict_add(struct verdict *v, const struct check *c);
/* First failed check, or NULL. */
const struct check *verdict_reason(const struct verdict *v);

#endif
