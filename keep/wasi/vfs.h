/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one file-system interface: nodes (files, directories, symbolic links) and what can be done to them. memfs.c
 * implements it in memory; a sealed storage implements the same table. Path names, permissions of descriptors and
 * offsets are none of its business: path.c and fds.c know those.
 *
 * Nodes are counted: every function that hands one out has held it for the caller, who releases it. A node without
 * names and holders is gone, with its bytes. Names are non-empty, without '/' and 0, not "." or "..", and at most
 * WASI_NAME_MAX bytes; the caller sees to that. Arguments named dir are directories, file regular files.
 * A failed call leaves everything as it was, but for a short write or allocate.
 */
#ifndef BROCH_KEEP_WASI_VFS_H
#define BROCH_KEEP_WASI_VFS_H

#include "keep/wasi/abi.h"
#include "lib/base/slice.h"

struct vfs { /* the first member of an implementation */
	const struct vfs_ops *ops;
	uint32_t dev; /* what st_dev tells programs: one for each file system, not 0 */
};

struct vfs_node { /* the first member of an implementation's node; only the implementation writes it */
	struct vfs *fs;
	uint64_t ino; /* never used twice */
	enum wasi_filetype type;
};

struct vfs_stat {
	uint64_t ino, size, atim, mtim, ctim; /* times in ns since 1970 */
	uint64_t links;
	enum wasi_filetype type;
	bool read_only; /* the content cannot be changed */
};

struct vfs_entry {
	uint64_t next; /* the cookie that continues after this entry */
	uint64_t ino;
	enum wasi_filetype type;
	struct slice name; /* valid until the directory changes */
};

struct vfs_ops {
	void (*hold)(struct vfs_node *n);
	void (*release)(struct vfs_node *n);
	void (*stat)(const struct vfs_node *n, struct vfs_stat *out);
	enum wasi_errno (*set_times)(struct vfs_node *n, uint64_t atim, uint64_t mtim);
	enum wasi_errno (*sync)(struct vfs_node *n);

	/* *done < size: end of file. */
	enum wasi_errno (*read)(struct vfs_node *file, uint64_t at, void *out, size_t size, size_t *done);
	/* Grows the file as needed, holes read as zero. *done < size: out of space after so many bytes. */
	enum wasi_errno (*write)(struct vfs_node *file, uint64_t at, const void *data, size_t size, size_t *done);
	enum wasi_errno (*resize)(struct vfs_node *file, uint64_t size);
	/* Makes sure that writes to [at, at + size) will not fail for want of space; grows the file to its end. */
	enum wasi_errno (*allocate)(struct vfs_node *file, uint64_t at, uint64_t size);

	enum wasi_errno (*lookup)(struct vfs_node *dir, struct slice name, struct vfs_node **out);
	/* The directory above; the root's and a removed directory's is itself. */
	struct vfs_node *(*parent)(struct vfs_node *dir);
	/* The first entry after cookie (0: from the start, "." and ".." included). false: no more. */
	bool (*list)(struct vfs_node *dir, uint64_t cookie, struct vfs_entry *out);
	/* A new file or directory. */
	enum wasi_errno (*create)(struct vfs_node *dir, struct slice name, enum wasi_filetype type, struct vfs_node **out);
	enum wasi_errno (*symlink)(struct vfs_node *dir, struct slice name, struct slice target);
	/* Points into the node. */
	struct slice (*readlink)(const struct vfs_node *symlink);
	enum wasi_errno (*link)(struct vfs_node *node, struct vfs_node *dir, struct slice name);
	enum wasi_errno (*unlink)(struct vfs_node *dir, struct slice name);
	enum wasi_errno (*rmdir)(struct vfs_node *dir, struct slice name);
	/* As POSIX rename(2): replaces a file by a non-directory, an empty directory by a directory. */
	enum wasi_errno (*rename)(struct vfs_node *from, struct slice name, struct vfs_node *to, struct slice new_name);
};

static inline const struct vfs_ops *vfs_ops(const struct vfs_node *n)
{
	return n->fs->ops;
}

static inline struct vfs_node *vfs_hold(struct vfs_node *n)
{
	vfs_ops(n)->hold(n);
	return n;
}

static inline void vfs_release(struct vfs_node *n) /* takes NULL */
{
	if (n != NULL)
		vfs_ops(n)->release(n);
}

static inline struct vfs_stat vfs_stat(const struct vfs_node *n)
{
	struct vfs_stat st;

	vfs_ops(n)->stat(n, &st);
	return st;
}

#endif
