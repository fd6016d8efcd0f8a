/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/wasi/memfs.h"

#include "keep/wasi/wasi.h"
#include "test/wasi/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NAME(text) slice_text(text)
#define OPS (root->fs->ops)

static struct memfs fs;
static struct vfs_node *root;
static struct arena arena;
static void *memory;

static int setup_sized(size_t arena_size, uint64_t limit)
{
	memory = malloc(arena_size);
	arena = arena_of(memory, arena_size);
	if (memory == NULL || memfs_init(&fs, &arena, NULL, limit) != OK)
		return -1;
	root = memfs_root(&fs);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_sized(4 << 20, 3 << 20);
}

static int teardown(void **state)
{
	(void)state;
	vfs_release(root);
	free(memory);
	return 0;
}

static struct vfs_node *make(struct vfs_node *dir, const char *name, enum wasi_filetype type)
{
	struct vfs_node *n = NULL;

	assert_int_equal(OPS->create(dir, NAME(name), type, &n), WASI_OK);
	return n;
}

static struct vfs_node *file(const char *name)
{
	return make(root, name, WASI_TYPE_FILE);
}

static bool exists(struct vfs_node *dir, const char *name)
{
	struct vfs_node *n = NULL;
	bool found = OPS->lookup(dir, NAME(name), &n) == WASI_OK;

	vfs_release(n);
	return found;
}

static void put(struct vfs_node *f, uint64_t at, const void *data, size_t size)
{
	size_t done = 0;

	assert_int_equal(OPS->write(f, at, data, size, &done), WASI_OK);
	assert_int_equal(done, size);
}

static size_t get(struct vfs_node *f, uint64_t at, void *out, size_t size)
{
	size_t done = 99;

	assert_int_equal(OPS->read(f, at, out, size, &done), WASI_OK);
	return done;
}

static void content_is_what_was_written(void **state)
{
	struct vfs_node *f = file("a");
	uint8_t out[10];

	(void)state;
	put(f, 0, "hello", 5);
	put(f, 4095, "xyz", 3); /* across a block border */
	assert_int_equal(vfs_stat(f).size, 4098);
	assert_int_equal(get(f, 4, out, 3), 3);
	assert_memory_equal(out, "o\0\0", 3);
	assert_int_equal(get(f, 4094, out, 10), 4);
	assert_memory_equal(out, "\0xyz", 4);
	assert_int_equal(get(f, 4098, out, 10), 0);
	assert_int_equal(get(f, UINT64_MAX, out, 10), 0);
	vfs_release(f);
}

static void shrunk_bytes_come_back_as_zero(void **state)
{
	struct vfs_node *f = file("a");
	uint8_t out[4];

	(void)state;
	put(f, 0, "hello", 5);
	assert_int_equal(OPS->resize(f, 2), WASI_OK);
	assert_int_equal(OPS->resize(f, 6), WASI_OK);
	assert_int_equal(get(f, 1, out, 4), 4);
	assert_memory_equal(out, "e\0\0\0", 4);
	vfs_release(f);
}

/* A long random life of one sparse file against a flat array. */
static void random_writes_agree_with_an_array(void **state)
{
	enum { SIZE = 3 << 19 };
	uint8_t *model = calloc(1, SIZE), *out = malloc(SIZE);
	struct vfs_node *f = file("a");
	uint64_t size = 0, empty = memfs_used(&fs);
	uint32_t seed = 12345;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		size_t at, n;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % (SIZE / 2);
		n = (seed >> 4) % (i % 7 == 0 ? 60000 : 300);
		if (i % 11 == 0) {
			assert_int_equal(OPS->resize(f, at), WASI_OK);
			if (at < size)
				memset(model + at, 0, size - at);
			size = at;
			continue;
		}
		memset(out, (int)(seed >> 24) | 1, n);
		memcpy(model + at, out, n);
		put(f, at, out, n);
		size = at + n > size && n > 0 ? at + n : size;
		assert_int_equal(vfs_stat(f).size, size);
		if (i % 50 == 0) {
			assert_int_equal(get(f, 0, out, SIZE), size);
			assert_memory_equal(out, model, size);
		}
	}
	assert_int_equal(OPS->resize(f, 0), WASI_OK);
	assert_int_equal(memfs_used(&fs), empty);
	vfs_release(f);
	free(model);
	free(out);
}

static void far_offsets_cost_an_index_only(void **state)
{
	struct vfs_node *f = file("a");
	uint64_t before = memfs_used(&fs);
	uint8_t out[2];

	(void)state;
	put(f, (UINT64_C(1) << 48) - 1, "z", 1);
	assert_true(memfs_used(&fs) - before <= 10 * POOL_BLOCK);
	assert_int_equal(get(f, (UINT64_C(1) << 48) - 2, out, 2), 2);
	assert_memory_equal(out, "\0z", 2);
	assert_int_equal(OPS->resize(f, (UINT64_C(1) << 48) + 1), WASI_EFBIG);
	assert_int_equal(OPS->resize(f, UINT64_MAX), WASI_EFBIG);
	assert_int_equal(OPS->resize(f, 1), WASI_OK);
	assert_int_equal(get(f, 0, out, 2), 1);
	assert_int_equal(OPS->resize(f, 0), WASI_OK);
	assert_int_equal(memfs_used(&fs), before);
	vfs_release(f);
}

static void a_full_tree_says_so_and_recovers(void **state)
{
	static uint8_t data[8 << 20];
	struct vfs_node *f = file("a"), *n = NULL;
	uint64_t before = memfs_used(&fs);
	size_t done = 0;

	(void)state;
	assert_int_equal(OPS->write(f, 0, data, sizeof data, &done), WASI_OK);
	assert_in_range(done, 2 << 20, 3 << 20);
	assert_int_equal(vfs_stat(f).size, done);
	assert_int_equal(OPS->write(f, done, data, 1, &done), WASI_ENOSPC);
	assert_int_equal(OPS->allocate(f, 4 << 20, 1), WASI_ENOSPC);
	for (unsigned i = 0; n == NULL || i < 100; i++) { /* until the last slab is full as well */
		char name[16];

		snprintf(name, sizeof name, "n%u", i);
		vfs_release(n);
		n = NULL;
		if (OPS->create(root, NAME(name), WASI_TYPE_FILE, &n) != WASI_OK) {
			assert_false(exists(root, name));
			break;
		}
	}
	vfs_release(n);
	assert_int_equal(OPS->resize(f, 0), WASI_OK);
	put(f, 0, data, 1 << 20);
	assert_int_equal(OPS->resize(f, 0), WASI_OK);
	assert_true(memfs_used(&fs) <= before + 2 * POOL_BLOCK);
	vfs_release(f);
}

static void an_unlinked_file_lives_while_it_is_held(void **state)
{
	struct vfs_node *f = file("a");
	uint64_t used;
	char out[2];

	(void)state;
	put(f, 0, "hi", 2);
	used = memfs_used(&fs);
	assert_int_equal(OPS->unlink(root, NAME("a")), WASI_OK);
	assert_int_equal(OPS->unlink(root, NAME("a")), WASI_ENOENT);
	assert_int_equal(get(f, 0, out, 2), 2);
	assert_memory_equal(out, "hi", 2);
	assert_int_equal(OPS->link(f, root, NAME("b")), WASI_ENOENT);
	vfs_release(f);
	assert_true(memfs_used(&fs) < used);
}

static void a_removed_directory_takes_no_names(void **state)
{
	struct vfs_node *d = make(root, "d", WASI_TYPE_DIRECTORY), *n = NULL;

	(void)state;
	assert_int_equal(OPS->rmdir(root, NAME("d")), WASI_OK);
	assert_int_equal(OPS->create(d, NAME("x"), WASI_TYPE_FILE, &n), WASI_ENOENT);
	n = OPS->parent(d);
	assert_ptr_equal(n, d);
	vfs_release(n);
	vfs_release(d);
}

static void links_share_one_file(void **state)
{
	struct vfs_node *f = file("a"), *d = make(root, "d", WASI_TYPE_DIRECTORY);

	(void)state;
	assert_int_equal(OPS->link(f, d, NAME("b")), WASI_OK);
	assert_int_equal(OPS->link(f, d, NAME("b")), WASI_EEXIST);
	assert_int_equal(OPS->link(d, root, NAME("e")), WASI_EPERM);
	assert_int_equal(vfs_stat(f).links, 2);
	assert_int_equal(OPS->unlink(root, NAME("a")), WASI_OK);
	assert_int_equal(vfs_stat(f).links, 1);
	assert_true(exists(d, "b"));
	vfs_release(f);
	vfs_release(d);
}

static void rename_follows_posix(void **state)
{
	struct vfs_node *a = file("a"), *b = file("b"), *d = make(root, "d", WASI_TYPE_DIRECTORY),
			*e = make(d, "e", WASI_TYPE_DIRECTORY), *up;

	(void)state;
	assert_int_equal(OPS->rename(root, NAME("x"), root, NAME("y")), WASI_ENOENT);
	assert_int_equal(OPS->rename(root, NAME("a"), root, NAME("a")), WASI_OK);
	assert_int_equal(OPS->rename(root, NAME("a"), root, NAME("d")), WASI_EISDIR);
	assert_int_equal(OPS->rename(root, NAME("d"), root, NAME("a")), WASI_ENOTDIR);
	assert_int_equal(OPS->rename(root, NAME("d"), d, NAME("f")), WASI_EINVAL);
	assert_int_equal(OPS->rename(root, NAME("d"), e, NAME("f")), WASI_EINVAL);
	assert_int_equal(OPS->rename(d, NAME("e"), root, NAME("d")), WASI_ENOTEMPTY);
	assert_int_equal(OPS->rename(root, NAME("a"), root, NAME("b")), WASI_OK);
	assert_false(exists(root, "a"));
	assert_int_equal(vfs_stat(b).links, 0);
	assert_int_equal(OPS->rename(d, NAME("e"), root, NAME("e")), WASI_OK);
	up = OPS->parent(e);
	assert_ptr_equal(up, root);
	vfs_release(up);
	assert_int_equal(OPS->rename(root, NAME("d"), root, NAME("e")), WASI_OK); /* over an empty directory */
	assert_int_equal(vfs_stat(e).links, 0);
	vfs_release(a);
	vfs_release(b);
	vfs_release(d);
	vfs_release(e);
}

static void listing_survives_changes(void **state)
{
	struct vfs_entry e = {0};
	unsigned seen = 0;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "f%u", i);
		vfs_release(file(name));
	}
	assert_true(OPS->list(root, 0, &e) && slice_is(e.name, "."));
	assert_true(OPS->list(root, e.next, &e) && slice_is(e.name, ".."));
	while (OPS->list(root, e.next, &e)) { /* remove every entry when it is seen: the rest must still come */
		snprintf(name, sizeof name, "f%u", seen++);
		assert_true(slice_is(e.name, name));
		assert_int_equal(OPS->unlink(root, NAME(name)), WASI_OK);
	}
	assert_int_equal(seen, 200);
	assert_false(OPS->list(root, 2, &e));
	assert_false(OPS->list(root, UINT64_MAX, &e));
}

/* Names from a small alphabet, so that adds, finds and removals of the trie meet each other in every order. */
static void many_names_come_and_go(void **state)
{
	enum { NAMES = 2000 };
	static bool model[NAMES];
	uint64_t empty = memfs_used(&fs);
	uint32_t seed = 99;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		char name[32];
		unsigned k;

		seed = seed * 1664525 + 1013904223;
		k = (seed >> 8) % NAMES;
		snprintf(name, sizeof name, "%x", k * 2654435761u);
		assert_int_equal(exists(root, name), model[k]);
		if (model[k])
			assert_int_equal(OPS->unlink(root, NAME(name)), WASI_OK);
		else
			vfs_release(file(name));
		model[k] = !model[k];
	}
	for (unsigned k = 0; k < NAMES; k++) {
		char name[32];

		snprintf(name, sizeof name, "%x", k * 2654435761u);
		if (model[k])
			assert_int_equal(OPS->unlink(root, NAME(name)), WASI_OK);
	}
	assert_int_equal(memfs_used(&fs), empty);
}

static void delivered_files_are_read_only(void **state)
{
	struct vfs_node *f = NULL;
	size_t done = 0;
	char out[8];

	(void)state;
	assert_int_equal(memfs_deliver(root, NAME("p"), NAME("package")), WASI_OK);
	assert_int_equal(memfs_deliver(root, NAME("p"), NAME("other")), WASI_EEXIST);
	assert_int_equal(OPS->lookup(root, NAME("p"), &f), WASI_OK);
	assert_true(vfs_stat(f).read_only);
	assert_int_equal(get(f, 3, out, 8), 4);
	assert_memory_equal(out, "kage", 4);
	assert_int_equal(OPS->write(f, 0, "x", 1, &done), WASI_EACCES);
	assert_int_equal(OPS->resize(f, 0), WASI_EACCES);
	assert_int_equal(OPS->allocate(f, 0, 1), WASI_EACCES);
	vfs_release(f);
}

static void cycles_leave_nothing_behind(void **state)
{
	static uint8_t data[100000];
	char long_target[WASI_PATH_MAX];
	uint64_t before = memfs_used(&fs);

	(void)state;
	memset(long_target, 'a', sizeof long_target);
	for (int i = 0; i < 500; i++) {
		struct vfs_node *d = make(root, "d", WASI_TYPE_DIRECTORY), *f = make(d, "f", WASI_TYPE_FILE);

		put(f, (uint64_t)i * 5000, data, sizeof data);
		assert_int_equal(OPS->symlink(d, NAME("s"), slice_of(long_target, i % 2 == 0 ? 10 : sizeof long_target)),
				 WASI_OK);
		assert_int_equal(OPS->link(f, d, NAME("g")), WASI_OK);
		assert_int_equal(OPS->rename(d, NAME("g"), root, NAME("g")), WASI_OK);
		assert_int_equal(OPS->rmdir(root, NAME("d")), WASI_ENOTEMPTY);
		assert_int_equal(OPS->unlink(d, NAME("f")), WASI_OK);
		assert_int_equal(OPS->unlink(d, NAME("s")), WASI_OK);
		assert_int_equal(OPS->unlink(root, NAME("g")), WASI_OK);
		assert_int_equal(OPS->rmdir(root, NAME("d")), WASI_OK);
		vfs_release(d);
		vfs_release(f);
	}
	assert_int_equal(memfs_used(&fs), before);
}

static void busy(struct vfs_node *dir)
{
	static uint8_t data[20000];
	struct vfs_node *d = NULL, *f = NULL;
	uint8_t name[WASI_NAME_MAX];
	size_t done;

	memset(name, 'n', sizeof name);
	(void)OPS->create(dir, NAME("d"), WASI_TYPE_DIRECTORY, &d);
	(void)OPS->create(dir, NAME("f"), WASI_TYPE_FILE, &f);
	for (unsigned i = 0; f != NULL && i < 40; i++) { /* long names fill a slab quickly */
		name[0] = (uint8_t)('a' + i);
		(void)OPS->link(f, d != NULL ? d : dir, slice_of(name, sizeof name));
	}
	(void)OPS->symlink(dir, NAME("s"), slice_of(data, 4000));
	(void)OPS->symlink(dir, NAME("t"), slice_of(data, 200));
	if (f != NULL) {
		(void)OPS->write(f, 0, data, sizeof data, &done);
		(void)OPS->write(f, UINT64_C(1) << 40, data, 10, &done);
		(void)OPS->allocate(f, 100000, 30000);
		(void)OPS->rename(dir, NAME("f"), d != NULL ? d : dir, slice_of(name, 100));
	}
	vfs_release(d);
	vfs_release(f);
}

static void empty(struct vfs_node *dir)
{
	struct vfs_entry e;

	while (OPS->list(dir, 2, &e)) {
		struct vfs_node *n = NULL;
		uint8_t name[WASI_NAME_MAX];
		size_t size = e.name.size;

		memcpy(name, e.name.data, size);
		assert_int_equal(OPS->lookup(dir, slice_of(name, size), &n), WASI_OK);
		if (n->type == WASI_TYPE_DIRECTORY)
			empty(n);
		vfs_release(n);
		assert_int_equal((e.type == WASI_TYPE_DIRECTORY ? OPS->rmdir : OPS->unlink)(dir, slice_of(name, size)), WASI_OK);
	}
}

/* The limit is moved through a busy life block by block: wherever space ends, nothing is lost or left. */
static void space_may_end_anywhere(void **state)
{
	(void)state;
	for (unsigned blocks = 0; blocks < 60; blocks++) {
		memfs_allow(&fs, (uint64_t)blocks * POOL_BLOCK);
		busy(root);
		memfs_allow(&fs, 0);
		busy(root);
		empty(root);
		assert_int_equal(memfs_used(&fs), POOL_BLOCK);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(content_is_what_was_written), T(shrunk_bytes_come_back_as_zero), T(random_writes_agree_with_an_array),
		T(far_offsets_cost_an_index_only), T(a_full_tree_says_so_and_recovers),
		T(an_unlinked_file_lives_while_it_is_held), T(a_removed_directory_takes_no_names), T(links_share_one_file),
		T(rename_follows_posix), T(listing_survives_changes), T(many_names_come_and_go),
		T(delivered_files_are_read_only), T(cycles_leave_nothing_behind),
		T(space_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
