/* SPDX-License-Identifier: Apache-2.0 */
/* Intel SGX and TDX (DCAP): no kind yet. */
#include "test/attest/kinds.h"

static const struct kind kinds[] = {{NULL, NULL}};
static const struct reason reasons[] = {{NULL, NULL}};

const struct kind_set dcap_set = {kinds, reasons};
