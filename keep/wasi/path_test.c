/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/wasi/path.h"

#include "keep/wasi/memfs.h"
#include "test/wasi/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct memfs fs;
static struct vfs_node *root, *box; /* box: the directory the program was given; root is above it */
static void *memory;

static void dirs(const char *path)
{
	struct vfs_node *n = NULL;

	assert_int_equal(path_make_dirs(root, slice_text(path), &n), WASI_OK);
	vfs_release(n);
}

static void put(struct vfs_node *dir, const char *name, const char *link_target)
{
	struct vfs_node *n = NULL;

	if (link_target != NULL)
		assert_int_equal(dir->fs->ops->symlink(dir, slice_text(name), slice_text(link_target)), WASI_OK);
	else
		assert_int_equal(dir->fs->ops->create(dir, slice_text(name), WASI_TYPE_FILE, &n), WASI_OK);
	vfs_release(n);
}

static int setup(void **state)
{
	static struct arena a;

	(void)state;
	memory = malloc(1 << 20);
	a = arena_of(memory, 1 << 20);
	if (memory == NULL || memfs_init(&fs, &a, NULL, 1 << 20) != OK)
		return -1;
	root = memfs_root(&fs);
	dirs("box/dir/deep");
	assert_int_equal(path_make_dirs(root, slice_text("box"), &box), WASI_OK);
	put(root, "secret", NULL);
	put(box, "file", NULL);
	put(box, "to_file", "file");
	put(box, "to_dir", "dir");
	put(box, "to_dir_slash", "dir/");
	put(box, "dangling", "nothing");
	put(box, "loop", "loop");
	put(box, "up", "../secret");
	put(box, "up_deep", "dir/../../secret");
	put(box, "absolute", "/box/file");
	put(box, "around", "dir/deep/../../file");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_release(box);
	vfs_release(root);
	free(memory);
	return 0;
}

struct expect {
	const char *path;
	bool follow;
	enum wasi_errno err;
	enum wasi_filetype type; /* WASI_TYPE_UNKNOWN: no such name in an existing directory */
	const char *name;        /* NULL: the walk ended in a directory itself */
	bool slash;
};

static void check(const struct expect *e)
{
	struct place p;
	enum wasi_errno err = path_walk(box, slice_text(e->path), e->follow, &p);

	if (err != e->err)
		fail_msg("%s: errno %d, expected %d", e->path, (int)err, (int)e->err);
	if (err != WASI_OK)
		return;
	if ((p.node == NULL ? WASI_TYPE_UNKNOWN : p.node->type) != e->type)
		fail_msg("%s: wrong type", e->path);
	if (p.must_be_dir != e->slash)
		fail_msg("%s: slash", e->path);
	if (e->name == NULL ? p.dir != NULL : !slice_is(place_name(&p), e->name))
		fail_msg("%s: name", e->path);
	place_end(&p);
}

static void walks_end_where_they_should(void **state)
{
#define D WASI_TYPE_DIRECTORY
#define F WASI_TYPE_FILE
#define S WASI_TYPE_SYMLINK
#define N WASI_TYPE_UNKNOWN
	static const struct expect table[] = {
		{"file", false, WASI_OK, F, "file", false},
		{"./file", false, WASI_OK, F, "file", false},
		{"dir/../file", false, WASI_OK, F, "file", false},
		{"dir//deep/.././/../file", false, WASI_OK, F, "file", false},
		{"file/", false, WASI_OK, F, "file", true},
		{"file/x", false, WASI_ENOTDIR, N, NULL, false},
		{"file/.", false, WASI_ENOTDIR, N, NULL, false},
		{"dir", false, WASI_OK, D, "dir", false},
		{"dir///", false, WASI_OK, D, "dir", true},
		{".", false, WASI_OK, D, NULL, true},
		{"dir/..", false, WASI_OK, D, NULL, true},
		{"dir/.", false, WASI_OK, D, NULL, true},
		{"new", false, WASI_OK, N, "new", false},
		{"new/", false, WASI_OK, N, "new", true},
		{"new/x", false, WASI_ENOENT, N, NULL, false},
		{"", false, WASI_ENOENT, N, NULL, false},
		{"to_file", false, WASI_OK, S, "to_file", false},
		{"to_file", true, WASI_OK, F, "file", false},
		{"to_dir", false, WASI_OK, S, "to_dir", false},
		{"to_dir/", false, WASI_OK, D, "dir", true},
		{"to_dir/deep", false, WASI_OK, D, "deep", false},
		{"to_dir_slash", true, WASI_OK, D, "dir", true},
		{"to_dir_slash/deep", false, WASI_OK, D, "deep", false},
		{"dangling", false, WASI_OK, S, "dangling", false},
		{"dangling", true, WASI_OK, N, "nothing", false},
		{"loop", true, WASI_ELOOP, N, NULL, false},
		{"loop/x", false, WASI_ELOOP, N, NULL, false},
		{"around", true, WASI_OK, F, "file", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		check(&table[i]);
}

static void nothing_leaves_the_start(void **state)
{
	static const char *const table[] = {
		"..", "../", "../secret", "../box/file", "dir/../../secret", "dir/deep/../../../box/file", "/", "/file", "//file",
		"./../secret", "dir/../..",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		check(&(struct expect){.path = table[i], .err = WASI_EPERM});
	check(&(struct expect){.path = "up", .follow = true, .err = WASI_EPERM});
	check(&(struct expect){.path = "up/", .err = WASI_EPERM});
	check(&(struct expect){.path = "up_deep", .follow = true, .err = WASI_EPERM});
	check(&(struct expect){.path = "absolute", .follow = true, .err = WASI_EPERM});
	check(&(struct expect){.path = "to_dir/../../secret", .err = WASI_EPERM});
}

static void lengths_are_exact(void **state)
{
	char path[WASI_PATH_MAX + 2];
	struct place p;

	(void)state;
	memset(path, 'a', sizeof path);
	assert_int_equal(path_walk(box, slice_of(path, WASI_NAME_MAX), false, &p), WASI_OK);
	place_end(&p);
	assert_int_equal(path_walk(box, slice_of(path, WASI_NAME_MAX + 1), false, &p), WASI_ENAMETOOLONG);
	for (size_t i = 0; i < sizeof path; i++)
		path[i] = i % 2 == 0 ? '.' : '/';
	assert_int_equal(path_walk(box, slice_of(path, WASI_PATH_MAX), false, &p), WASI_OK);
	place_end(&p);
	assert_int_equal(path_walk(box, slice_of(path, WASI_PATH_MAX + 1), false, &p), WASI_ENAMETOOLONG);
	/* A link does not fit in front of what is left any more. */
	memcpy(path, "to_dir/", 7);
	assert_int_equal(path_walk(box, slice_of(path, WASI_PATH_MAX), false, &p), WASI_OK);
	place_end(&p);
	memcpy(path, "around/", 7);
	assert_int_equal(path_walk(box, slice_of(path, WASI_PATH_MAX), false, &p), WASI_ENAMETOOLONG);
}

static void names_are_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum wasi_errno err;
	} table[] = {
		{"\xc3\xa9", 2, WASI_OK}, {"\xe2\x82\xac", 3, WASI_OK}, {"\xf0\x9f\x8f\xb0", 4, WASI_OK},
		{"\x80", 1, WASI_EILSEQ}, {"\xc3", 1, WASI_EILSEQ}, {"\xc3/", 2, WASI_EILSEQ},
		{"\xc0\xaf", 2, WASI_EILSEQ}, {"\xc1\x81", 2, WASI_EILSEQ}, {"\xe0\x80\xaf", 3, WASI_EILSEQ},
		{"\xe0\x9f\xbf", 3, WASI_EILSEQ}, {"\xed\xa0\x80", 3, WASI_EILSEQ}, {"\xed\x9f\xbf", 3, WASI_OK},
		{"\xf0\x80\x80\xaf", 4, WASI_EILSEQ}, {"\xf4\x8f\xbf\xbf", 4, WASI_OK}, {"\xf4\x90\x80\x80", 4, WASI_EILSEQ},
		{"\xf5\x80\x80\x80", 4, WASI_EILSEQ}, {"\xff", 1, WASI_EILSEQ}, {"a\0b", 3, WASI_EINVAL}, {"\0", 1, WASI_EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		assert_int_equal(path_check(slice_of(table[i].bytes, table[i].size)), table[i].err);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(walks_end_where_they_should),
		T(nothing_leaves_the_start),
		T(lengths_are_exact),
		T(names_are_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
