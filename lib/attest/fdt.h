/* SPDX-License-Identifier: Apache-2.0 */
/* Flattened device trees (Devicetree Specification chapter 5), read in one pass without building a tree. */
#ifndef BROCH_ATTEST_FDT_H
#define BROCH_ATTEST_FDT_H

#include "lib/base/rw.h"

enum { FDT_PATH_MAX = 128, FDT_DEPTH_MAX = 8 };

/* Gets every property; path is that of its node, "/" for the root's. An error ends the walk. */
typedef enum err fdt_visit(void *context, const char *path, struct slice name, struct slice value);
/* Bytes behind the size that the header names are no part of the tree. ERR_FORMAT, ERR_TRUNCATED, ERR_LIMIT. */
MUST_USE enum err fdt_walk(struct slice in, fdt_visit *visit, void *context);

#endif
