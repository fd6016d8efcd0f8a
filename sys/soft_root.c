/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/soft_root.h"

#include "lib/attest/soft_names.h"

#include <stdio.h>

enum err soft_root_path(const char *state_dir, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/%s/%s", state_dir, SOFT_ROOT_DIR, SOFT_ROOT_FILE);

	return n > 0 && (size_t)n < size ? OK : ERR_SPACE;
}
