/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who may not open a device can do about it. */
#ifndef BROCH_SYS_DEVICE_H
#define BROCH_SYS_DEVICE_H

#include "lib/base/attr.h"

#include <stddef.h>

/* Says it in the imperative, without a full stop: which group to join, or how a group is let in at all. */
void device_permission_cure(const char *path, char *out, size_t size);

#endif
