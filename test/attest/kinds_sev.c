/* SPDX-License-Identifier: Apache-2.0 */
/* SEV and SEV-ES: no kind yet. */
#include "test/attest/kinds.h"

static const struct kind kinds[] = {{NULL, NULL}};
static const struct reason reasons[] = {{NULL, NULL}};

const struct kind_set sev_set = {kinds, reasons};
