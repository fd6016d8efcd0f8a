/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to a place in the tree, without ever leaving the directory the walk started in: absolute paths, absolute
 * links and ".." above the start are EPERM, wherever in the path or behind however many links they appear.
 */
#ifndef BROCH_KEEP_WASI_PATH_H
#define BROCH_KEEP_WASI_PATH_H

#include "keep/wasi/vfs.h"
#include "keep/wasi/wasi.h"

enum { PATH_LINKS_MAX = 40 };

struct place {
	struct vfs_node *dir;  /* held; NULL when the path ends in ".", ".." or at the start itself */
	struct vfs_node *node; /* held; NULL when dir has no such name */
	bool must_be_dir;      /* the path ended in '/' */
	uint8_t name_size;     /* 0 when dir is NULL */
	uint8_t name[WASI_NAME_MAX];
};

/*
 * Everything on the way must exist. `follow`: a symbolic link at the end is followed too (it is anyway before a trailing
 * '/'). ENOENT for an empty path, EILSEQ when it is not UTF-8, EINVAL for a zero byte, ELOOP, ENAMETOOLONG, ENOTDIR.
 * On success the caller ends with place_end.
 */
MUST_USE enum wasi_errno path_walk(struct vfs_node *start, struct slice path, bool follow, struct place *out);
void place_end(struct place *p);

static inline struct slice place_name(const struct place *p)
{
	return slice_of(p->name, p->name_size);
}

/* Makes directories for all components that are missing and returns the last, held. For paths that are ours. */
MUST_USE enum wasi_errno path_make_dirs(struct vfs_node *start, struct slice path, struct vfs_node **out);

/* Well-formed UTF-8 without surrogates, overlong forms and zero bytes? EILSEQ, EINVAL. */
MUST_USE enum wasi_errno path_check(struct slice path);

#endif
