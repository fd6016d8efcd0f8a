/* SPDX-License-Identifier: Apache-2.0 */
/* Where the software stand-in keeps its test root below a state directory: host and local client must agree. */
#ifndef BROCH_SYS_SOFT_ROOT_H
#define BROCH_SYS_SOFT_ROOT_H

#include "lib/base/err.h"

#define SOFT_ROOT_DIR "soft-snp"

/* Writes "STATE_DIR/soft-snp/ark.pem", the root's certificate. ERR_SPACE when it does not fit. The file may not exist
 * yet: the host's tee_soft_snp.open makes it. */
MUST_USE enum err soft_root_path(const char *state_dir, char *out, size_t size);

#endif
