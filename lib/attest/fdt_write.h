/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flattened device trees (Devicetree Specification chapter 5), written front to back: fdt_begin, then nodes in nodes,
 * properties of a node before its nodes, then fdt_finish. Sizes are the caller's; all of them fail with ERR_SPACE.
 */
#ifndef BROCH_ATTEST_FDT_WRITE_H
#define BROCH_ATTEST_FDT_WRITE_H

#include "lib/base/rw.h"

enum { FDT_STRINGS_MAX = 512 };

struct fdt_writer { /* private */
	struct writer body;
	char strings[FDT_STRINGS_MAX];
	size_t strings_size, open;
};

/* room is for the structure, which fdt_finish copies. The root is open then. */
MUST_USE enum err fdt_begin(struct fdt_writer *t, void *room, size_t size);
MUST_USE enum err fdt_node(struct fdt_writer *t, const char *name);
MUST_USE enum err fdt_property(struct fdt_writer *t, const char *name, struct slice value);
/* With the zero byte behind it that texts have. */
MUST_USE enum err fdt_text(struct fdt_writer *t, const char *name, const char *value);
MUST_USE enum err fdt_close(struct fdt_writer *t); /* the node opened last; the root is closed by fdt_finish */
/* ERR_STATE: a node is still open. */
MUST_USE enum err fdt_finish(struct fdt_writer *t, struct writer *out);

#endif
