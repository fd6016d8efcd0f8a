/* SPDX-License-Identifier: Apache-2.0 */
/* For secrets: comparison whose time depends on the size only, and a wipe that no compiler removes. */
#ifndef BROCH_BASE_CT_H
#define BROCH_BASE_CT_H

#include "lib/base/attr.h"

MUST_USE bool ct_equal(const void *a, const void *b, size_t size);
void wipe(void *p, size_t size);

#endif
