/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the vendors give out what belongs to a piece of evidence: AMD's Key Distribution Service (57230 chapter 4) and
 * Intel's Provisioning Certification Service (PCS API version 4). Only addresses; nobody is asked here.
 */
#ifndef BROCH_CLIENT_COLLATERAL_WHERE_H
#define BROCH_CLIENT_COLLATERAL_WHERE_H

#include "client/attest/evidence.h"

enum { WHERE_MAX = 8, WHERE_URL_SIZE = 512, WHERE_FILE_SIZE = 48 };

struct where {
	char url[WHERE_URL_SIZE];
	char file[WHERE_FILE_SIZE]; /* what to call the answer */
	const char *chain_header;   /* the answer's header with the issuer chain (PEM, percent-encoded); NULL: none */
};

struct where_list {
	struct where at[WHERE_MAX];
	size_t count;
};

struct where_wish {
	const char *base;    /* instead of the vendors' addresses, without '/' at its end; NULL: the vendors' */
	const char *product; /* AMD: for reports of version 2, which do not say; NULL */
};

/* ERR_FORMAT: the evidence cannot be read, or does not say enough; ERR_UNSUPPORTED: this kind needs nothing, or nobody
 * gives it out. The caller's set is for the TD quote of a vTPM; may be NULL. */
MUST_USE enum err collateral_where(const struct evidence *e, const struct collateral *c, const struct where_wish *wish,
                                   struct where_list *out, struct note *n);

#endif
