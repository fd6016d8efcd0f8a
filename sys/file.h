/* SPDX-License-Identifier: Apache-2.0 */
/* Files and descriptors: whole reads with a maximum, whole writes, close that forgets. Notes name the path and the cause. */
#ifndef BROCH_SYS_FILE_H
#define BROCH_SYS_FILE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* What errno means in our enumeration; ERR_IO for what has no better name. */
enum err err_of_errno(int code);

/* Reads a regular file of at most `max` bytes. *out is malloc'ed memory the caller frees (out->data); ERR_LIMIT when it
 * is larger, ERR_NOT_FOUND, ERR_PERMISSION, ERR_IO. Nothing is left behind on failure. */
MUST_USE enum err file_read(const char *path, size_t max, struct slice *out, struct note *n);

/* The same into page-aligned private memory of its own, which the caller gives back by munmap(out->data, out->size). */
MUST_USE enum err file_read_pages(const char *path, size_t max, struct slice *out, struct note *n);

/* Writes a new file beside `path` and renames it over: readers see the old or the new content, never a part. */
MUST_USE enum err file_replace(const char *path, struct slice content, unsigned mode, struct note *n);

/* All of it or an error; for descriptors that block. */
MUST_USE enum err fd_write_all(int fd, struct slice s);

/* Closes *fd unless it is -1, and sets it to -1. errno survives. */
void fd_close(int *fd);

#endif
