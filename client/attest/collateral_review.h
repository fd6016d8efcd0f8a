/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a set of collateral is good for, before somebody needs it: what each piece is and how long it is valid, and what
 * is missing. Nothing is judged here: signatures are the verdict's business.
 */
#ifndef BROCH_CLIENT_COLLATERAL_REVIEW_H
#define BROCH_CLIENT_COLLATERAL_REVIEW_H

#include "client/attest/evidence.h"

#include <jansson.h>
#include <stdio.h>

enum review_state {
	REVIEW_GOOD,
	REVIEW_SOON,  /* its time ends before at + soon_s */
	REVIEW_EARLY, /* its time has not begun */
	REVIEW_EXPIRED,
	REVIEW_MISSING, /* no such piece */
	REVIEW_UNKNOWN, /* a file nobody here understands: no harm */
	REVIEW_STATE_COUNT
};

enum { REVIEW_TEXT_MAX = 160, REVIEW_LINES_MAX = COLLATERAL_PIECES_MAX + 32 };

struct review_line {
	enum review_state state;
	char what[REVIEW_TEXT_MAX]; /* the piece, or what is missing */
	char origin[64];            /* "": missing */
	char cure[REVIEW_TEXT_MAX];
	int64_t from, to; /* INT64_MIN: says nothing of it */
};

struct review {
	struct review_line line[REVIEW_LINES_MAX];
	size_t count;
	unsigned states[REVIEW_STATE_COUNT];
};

/* evidence: also what is missing for it; NULL: what the pieces themselves need, as a platform key its issuers. */
void collateral_review(const struct collateral *c, const struct evidence *evidence, int64_t at, uint64_t soon_s,
                       struct review *out);
/* Is nothing missing and everything in its time? */
bool review_good(const struct review *r);
void review_print(FILE *f, const struct review *r, bool colour);
/* {"schema": "broch.collateral/1", "good", "pieces": [...]}; NULL: out of memory. */
json_t *review_json(const struct review *r);

#endif
