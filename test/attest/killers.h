/* SPDX-License-Identifier: Apache-2.0 */
/* What mutation tests share: a change fails one check alone, and no check of a path is without a change. */
#ifndef BROCH_TEST_KILLERS_H
#define BROCH_TEST_KILLERS_H

#include "client/attest/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

/* too: one more check that must fail with it, where the rules cannot be told apart; NULL: none. */
static inline void killed_only(const struct verdict *v, const char *id, const char *too, const char *name)
{
	assert_false(v->ok);
	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];
		const bool must = strcmp(c->id, id) == 0 || (too != NULL && strcmp(c->id, too) == 0);

		if ((c->result == CHECK_FAIL) != must)
			fail_msg("%s: %s %s (%s)", name, c->id, must ? "did not fail" : "failed", c->found);
	}
}

/* v: of evidence that is accepted and asked for everything. Checks whose id begins with another word are tested
 * elsewhere. id_of gives the id of killer number i, NULL behind the last one. */
static inline void all_have_killers(const struct verdict *v, const char *prefix, const char *(*id_of)(size_t i))
{
	size_t bad = 0, seen = 0;

	for (size_t i = 0; i < v->check_count; i++) {
		bool killed = false;
		const char *one;

		if (strncmp(v->checks[i].id, prefix, strlen(prefix)) != 0)
			continue;
		seen++;
		for (size_t k = 0; !killed && (one = id_of(k)) != NULL; k++)
			killed = strcmp(one, v->checks[i].id) == 0;
		if (!killed)
			print_error("no change turns %s red\n", v->checks[i].id);
		bad += !killed;
	}
	assert_true(seen > 0);
	assert_int_equal(bad, 0);
}

#endif
