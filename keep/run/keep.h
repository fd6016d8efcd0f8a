/* SPDX-License-Identifier: Apache-2.0 */
/* Where the shim of each kind of Keep hands over. The door is open (call_init was done) and the stack is ours. */
#ifndef BROCH_KEEP_RUN_KEEP_H
#define BROCH_KEEP_RUN_KEEP_H

#include "abi/boot.h"
#include "lib/base/attr.h"

NORETURN void keep_main(const struct boot_info *boot);

#endif
