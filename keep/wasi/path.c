/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path still to be walked lies at the end of a buffer; a symbolic link's target is put in front of what is left of
 * it. So one loop over components does it all, with one buffer and no recursion, and the buffer bounds the expansion.
 */
#include "keep/wasi/path.h"

struct walk {
	struct vfs_node *start; /* not held */
	struct vfs_node *at;    /* held: the directory reached */
	unsigned links;
	size_t begin;           /* of what is left in text */
	uint8_t text[WASI_PATH_MAX];
};

static unsigned utf8_size(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if ((first & 0xf0) == 0xe0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The second byte has a narrower range after these four (Unicode 15, table 3-7). */
static bool utf8_second(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0: return second >= 0xa0;
	case 0xed: return second < 0xa0;
	case 0xf0: return second >= 0x90;
	case 0xf4: return second < 0x90;
	default: return true;
	}
}

enum wasi_errno path_check(struct slice path)
{
	for (size_t i = 0; i < path.size;) {
		unsigned n = utf8_size(path.data[i]);

		if (path.data[i] == 0)
			return WASI_EINVAL;
		if (n == 0 || n > path.size - i || (n > 1 && !utf8_second(path.data[i], path.data[i + 1])))
			return WASI_EILSEQ;
		for (unsigned k = 1; k < n; k++)
			if ((path.data[i + k] & 0xc0) != 0x80)
				return WASI_EILSEQ;
		i += n;
	}
	return WASI_OK;
}

static enum wasi_errno push_front(struct walk *w, struct slice s)
{
	if (s.size > w->begin)
		return WASI_ENAMETOOLONG;
	w->begin -= s.size;
	memcpy(w->text + w->begin, s.data, s.size);
	return WASI_OK;
}

static void skip_slashes(struct walk *w)
{
	while (w->begin < sizeof w->text && w->text[w->begin] == '/')
		w->begin++;
}

/* Takes the next component off; empty at the end. Points into the buffer, until the next push_front. */
static struct slice next_component(struct walk *w)
{
	size_t from = w->begin;

	while (w->begin < sizeof w->text && w->text[w->begin] != '/')
		w->begin++;
	return slice_of(w->text + from, w->begin - from);
}

static void move_to(struct walk *w, struct vfs_node *held)
{
	vfs_release(w->at);
	w->at = held;
}

/* A step that names no entry: "" (the end), "." or "..". */
static enum wasi_errno step_dots(struct walk *w, struct slice name)
{
	if (!slice_is(name, ".."))
		return WASI_OK;
	if (w->at == w->start)
		return WASI_EPERM;
	move_to(w, vfs_ops(w->at)->parent(w->at));
	return WASI_OK;
}

static enum wasi_errno step_link(struct walk *w, const struct vfs_node *link)
{
	struct slice target = vfs_ops(link)->readlink(link);

	if (++w->links > PATH_LINKS_MAX)
		return WASI_ELOOP;
	if (target.size > 0 && target.data[0] == '/')
		return WASI_EPERM;
	return push_front(w, target);
}

/* The walk is over: at `name` in w->at, which is `node` or nothing. Takes over the hold of node, holds dir. */
static enum wasi_errno arrive(struct walk *w, struct slice name, struct vfs_node *node, bool slash, struct place *out)
{
	*out = (struct place){.dir = vfs_hold(w->at), .node = node, .must_be_dir = slash};
	out->name_size = (uint8_t)name.size;
	memcpy(out->name, name.data, name.size);
	return WASI_OK;
}

static enum wasi_errno walk_on(struct walk *w, bool follow, struct place *out)
{
	for (;;) {
		struct slice name = next_component(w);
		bool slash = w->begin < sizeof w->text;
		struct vfs_node *node = NULL;
		enum wasi_errno err;
		bool last;

		skip_slashes(w);
		last = w->begin == sizeof w->text;
		if (name.size > WASI_NAME_MAX)
			return WASI_ENAMETOOLONG;
		if (name.size == 0 || slice_is(name, ".") || slice_is(name, "..")) {
			ETRY(step_dots(w, name));
			if (last) {
				*out = (struct place){.node = vfs_hold(w->at), .must_be_dir = true};
				return WASI_OK;
			}
			continue;
		}
		err = vfs_ops(w->at)->lookup(w->at, name, &node);
		if (err == WASI_ENOENT && last)
			return arrive(w, name, NULL, slash, out);
		ETRY(err);
		if (node->type == WASI_TYPE_SYMLINK && (follow || slash)) {
			if (slash) /* keep it for what follows, or to say that the end must be a directory */
				w->text[--w->begin] = '/';
			err = step_link(w, node);
			vfs_release(node);
			ETRY(err);
			continue;
		}
		if (last)
			return arrive(w, name, node, slash, out);
		if (node->type != WASI_TYPE_DIRECTORY) {
			vfs_release(node);
			return WASI_ENOTDIR;
		}
		move_to(w, node);
	}
}

enum wasi_errno path_walk(struct vfs_node *start, struct slice path, bool follow, struct place *out)
{
	struct walk w = {.start = start, .begin = sizeof w.text};
	enum wasi_errno err;

	if (path.size == 0)
		return WASI_ENOENT;
	if (path.size > sizeof w.text)
		return WASI_ENAMETOOLONG;
	ETRY(path_check(path));
	if (path.data[0] == '/')
		return WASI_EPERM;
	ETRY(push_front(&w, path));
	w.at = vfs_hold(start);
	err = walk_on(&w, follow, out);
	vfs_release(w.at);
	return err;
}

void place_end(struct place *p)
{
	vfs_release(p->dir);
	vfs_release(p->node);
}

/* The directory `name` in dir, held, made if it is missing. */
static enum wasi_errno make_dir(struct vfs_node *dir, struct slice name, struct vfs_node **out)
{
	enum wasi_errno err = vfs_ops(dir)->lookup(dir, name, out);

	if (err == WASI_ENOENT)
		return vfs_ops(dir)->create(dir, name, WASI_TYPE_DIRECTORY, out);
	if (err == WASI_OK && (*out)->type != WASI_TYPE_DIRECTORY) {
		vfs_release(*out);
		return WASI_ENOTDIR;
	}
	return err;
}

enum wasi_errno path_make_dirs(struct vfs_node *start, struct slice path, struct vfs_node **out)
{
	struct vfs_node *at = vfs_hold(start);

	for (size_t i = 0, n; i < path.size; i += n + 1) {
		struct vfs_node *below = NULL;
		enum wasi_errno err;

		for (n = 0; i + n < path.size && path.data[i + n] != '/';)
			n++;
		if (n == 0 || (n == 1 && path.data[i] == '.'))
			continue;
		err = n > WASI_NAME_MAX || slice_is(slice_of(path.data + i, n), "..")
			      ? WASI_EINVAL
			      : make_dir(at, slice_of(path.data + i, n), &below);
		vfs_release(at);
		ETRY(err);
		at = below;
	}
	*out = at;
	return WASI_OK;
}
