/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_SHIM_PROCESS_FILTER_H
#define BROCH_SHIM_PROCESS_FILTER_H

#include "lib/base/attr.h"

/* From here on the process can do what abi/process.h lists, and nothing else. False: the kernel refused. */
MUST_USE bool filter_install(void);

#endif
