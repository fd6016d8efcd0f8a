/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict in words and in JSON; the same for every verb that shows one. */
#ifndef BROCH_CLIENT_VERDICT_H
#define BROCH_CLIENT_VERDICT_H

#include "client/attest/verify.h"

#include <jansson.h>
#include <stdio.h>

/* The links of the chain in their order; the last one is for what belongs to none. */
enum { VERDICT_LINKS = 9 };
const char *verdict_link_name(unsigned link);
unsigned verdict_link_of(const struct check *c);
/* What a link comes to: how its checks went, and the finding that stands for the whole. */
struct link_sum {
	unsigned passed, failed, skipped;
	const char *said; /* into v, never NULL */
};
struct link_sum verdict_link_sum(const struct verdict *v, unsigned link);

/*
 * The chain of trust, a line for each link with a tick, or with the reason and what to do about it; then one line that
 * says what it comes to. A soft TEE is called so. Nothing in it comes unescaped from outside.
 */
void verdict_print(FILE *f, const struct verdict *v, bool colour);
/* The same as a tree, with every check, what was expected and found, where it is specified and what to do. */
void verdict_print_checks(FILE *f, const struct verdict *v, bool colour);
/* {"schema": "broch.verdict/1", "ok", "tee", "soft", "measurement", "reason", "checks": [...]}; NULL: out of memory. */
json_t *verdict_json(const struct verdict *v);

/* What stands around a verdict that is kept: all but the time may be NULL. */
struct verdict_about {
	const char *file, *kind, *policy;
	int64_t at;
	const struct slice *nonce;
};
/* One page in HTML that needs nothing else: the chain as a picture, the trustworthiness vector, every check. No script,
 * no address is loaded; everything is escaped. */
void verdict_page(FILE *f, const struct verdict *v, const struct verdict_about *about);

#endif
