/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct slice args[] = {{(const uint8_t *)"app", 3}, {(const uint8_t *)"", 0}};
static struct slice env[] = {{(const uint8_t *)"A=1", 3}, {(const uint8_t *)"B=", 2}};
static struct manifest_file files[3];
static struct manifest_descriptor descriptors[3];
static struct manifest_mount mounts[2];
static struct manifest_secret secrets[2];
static struct manifest_egress egress[3];
static struct manifest_ports ingress[2];
static struct manifest_library libraries[2];
static uint8_t memory[1 << 16], bytes[4096];

static struct manifest sample(void)
{
	static const char *const paths[] = {"a", "dir/x", "dir/y"};
	static struct slice pins[2], tls_names[1], alpn[2];
	static const uint8_t ten[4] = {10};
	struct manifest m = {.module = {{1, 2, 3}, 1000},
			     .args = args, .arg_count = 2, .env = env, .env_count = 2, .files = files, .file_count = 3,
			     .flags = MANIFEST_STDIN, .name = slice_text("demo")};

	for (size_t i = 0; i < 3; i++)
		files[i] = (struct manifest_file){slice_text(paths[i]), {{(uint8_t)i}, i * 100}, i == 0 ? 0555 : 0444};
	m.limits.memory_bytes = 1 << 20;
	m.limits.cpu_ns = 5;
	m.limits.network_bytes = 7;
	descriptors[0] = (struct manifest_descriptor){.kind = DESCRIPTOR_NULL, .name = slice_text("null")};
	descriptors[1] = (struct manifest_descriptor){DESCRIPTOR_LISTEN, slice_text("web"), DESCRIPTOR_TLS, slice_text("::"), 443};
	descriptors[2] = (struct manifest_descriptor){DESCRIPTOR_CONNECT, slice_text("db"), DESCRIPTOR_TCP, slice_text("db.example"), 5432};
	mounts[0] = (struct manifest_mount){slice_text("tmp"), 1 << 20};
	mounts[1] = (struct manifest_mount){slice_text("var/cache"), 1};
	secrets[0] = (struct manifest_secret){SECRET_ENV, slice_text("TOKEN"), {{9}, 256}};
	secrets[1] = (struct manifest_secret){SECRET_FILE, slice_text("run/key"), {{8}, 512}};
	m.descriptors = descriptors, m.descriptor_count = 3;
	m.mounts = mounts, m.mount_count = 2;
	m.secrets = secrets, m.secret_count = 2;
	m.restart.when = RESTART_ON_FAILURE, m.restart.times = 5, m.restart.pause_max_ns = 1000;
	pins[0] = slice_of("aaaabbbbccccddddeeeeffffgggghhhh", 32);
	pins[1] = slice_of("aaaabbbbccccddddeeeeffffgggghhhi", 32);
	tls_names[0] = slice_text("keep.example");
	alpn[0] = slice_text("h2"), alpn[1] = slice_text("http/1.1");
	m.tls.names = tls_names, m.tls.name_count = 1;
	m.tls.alpn = alpn, m.tls.alpn_count = 2;
	m.tls.servers.roots = files[1].path;
	m.tls.clients.pins = pins, m.tls.clients.pin_count = 2;
	egress[0] = (struct manifest_egress){.host = slice_text("db.example"), .first = 5432, .last = 5432, .pin = pins[0]};
	egress[1] = (struct manifest_egress){.address = slice_of(ten, 4), .prefix = 8, .first = 1, .last = 65535};
	egress[2] = (struct manifest_egress){.host = slice_text("*"), .first = 443, .last = 443};
	ingress[0] = (struct manifest_ports){80, 80}, ingress[1] = (struct manifest_ports){8000, 8010};
	m.network = (struct manifest_network){egress, 3, ingress, 2};
	libraries[0] = (struct manifest_library){slice_text("zlib"), {{4}, 8}};
	libraries[1] = (struct manifest_library){slice_text("env"), {{5}, 3000}};
	m.libraries = libraries, m.library_count = 2;
	return m;
}

static struct slice encoded(const struct manifest *m)
{
	size_t size;

	assert_int_equal(manifest_encode(m, bytes, sizeof bytes, &size, NULL), OK);
	return slice_of(bytes, size);
}

static enum err decode(struct slice s, struct manifest *out, struct note *n)
{
	struct arena a = arena_of(memory, sizeof memory);
	enum err err = manifest_decode(&a, s, out, n);

	if (err != OK)
		assert_int_equal(a.used, 0);
	return err;
}

static void comes_back(void **state)
{
	struct manifest m = sample(), back;

	(void)state;
	assert_int_equal(decode(encoded(&m), &back, NULL), OK);
	assert_int_equal(back.module.size, 1000);
	assert_memory_equal(back.module.sha256, m.module.sha256, 32);
	assert_int_equal(back.arg_count, 2);
	assert_true(slice_is(back.args[0], "app") && slice_is(back.args[1], "") && slice_is(back.env[1], "B="));
	assert_int_equal(back.file_count, 3);
	assert_true(slice_is(back.files[2].path, "dir/y"));
	assert_int_equal(back.files[2].blob.size, 200);
	assert_int_equal(back.files[0].mode, 0555);
	assert_int_equal(back.limits.memory_bytes, 1 << 20);
	assert_int_equal(back.limits.cpu_ns, 5);
	assert_int_equal(back.flags, MANIFEST_STDIN);
	assert_true(slice_is(back.name, "demo"));
	assert_int_equal(back.limits.network_bytes, 7);
	assert_int_equal(back.limits.sockets, 0);
	assert_int_equal(back.descriptor_count, 3);
	assert_int_equal(back.descriptors[0].kind, DESCRIPTOR_NULL);
	assert_int_equal(back.descriptors[1].protocol, DESCRIPTOR_TLS);
	assert_true(slice_is(back.descriptors[2].name, "db") && slice_is(back.descriptors[2].host, "db.example"));
	assert_int_equal(back.descriptors[2].port, 5432);
	assert_int_equal(back.mount_count, 2);
	assert_true(slice_is(back.mounts[1].path, "var/cache") && back.mounts[0].bytes == 1 << 20);
	assert_int_equal(back.secret_count, 2);
	assert_true(slice_is(back.secrets[0].target, "TOKEN") && back.secrets[1].kind == SECRET_FILE);
	assert_int_equal(back.secrets[1].blob.size, 512);
	assert_int_equal(back.secrets[0].blob.sha256[0], 9);
	assert_true(back.restart.when == RESTART_ON_FAILURE && back.restart.times == 5 && back.restart.pause_max_ns == 1000);
	assert_true(back.tls.name_count == 1 && slice_is(back.tls.names[0], "keep.example"));
	assert_true(back.tls.alpn_count == 2 && slice_is(back.tls.alpn[1], "http/1.1"));
	assert_true(slice_equal(back.tls.servers.roots, m.files[1].path) && back.tls.servers.pin_count == 0);
	assert_true(back.tls.clients.roots.size == 0 && back.tls.clients.pin_count == 2);
	assert_true(slice_equal(back.tls.clients.pins[1], m.tls.clients.pins[1]));
	assert_true(back.network.egress_count == 3 && back.network.ingress_count == 2);
	assert_true(slice_is(back.network.egress[0].host, "db.example") && back.network.egress[0].last == 5432);
	assert_true(slice_equal(back.network.egress[0].pin, egress[0].pin) && back.network.egress[1].pin.size == 0);
	assert_true(slice_equal(back.network.egress[1].address, egress[1].address) && back.network.egress[1].prefix == 8);
	assert_true(back.network.egress[1].host.size == 0 && back.network.egress[1].first == 1);
	assert_true(back.network.ingress[1].first == 8000 && back.network.ingress[1].last == 8010);
	assert_true(back.library_count == 2 && slice_is(back.libraries[0].name, "zlib") && slice_is(back.libraries[1].name, "env"));
	assert_true(back.libraries[1].blob.size == 3000 && back.libraries[1].blob.sha256[0] == 5);
}

/* What is empty or zero is left out: there is one encoding, and the shortest manifest has two keys. */
static void what_is_empty_is_left_out(void **state)
{
	/* args [], env [], files [], limits {}, limits {1: 0}, flags 0, name "", descriptors [], ... restart {} */
	static const char *const empty[] = {"\3\x80", "\4\x80", "\5\x80", "\6\xa0", "\6\xa1\1\0", "\7\0", "\x8\x60", "\x9\x80",
					    "\xa\x80", "\xb\x80", "\xc\xa0", "\xd\xa0", "\xd\xa1\1\x80", "\xd\xa1\3\x60",
					    "\xd\xa1\4\x80", "\xe\xa0", "\xe\xa1\1\x80", "\xe\xa1\2\x80", "\xf\x80"};
	static const size_t sizes[] = {2, 2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 4, 4, 2};
	uint8_t in[64] = {0xa2, 1, 2, 2, 0xa2, 1, 0x58, 32};
	struct manifest m;
	size_t size;

	(void)state;
	memcpy(in + 40, "\x02\x18\x64", 3);
	assert_int_equal(decode(slice_of(in, 43), &m, NULL), OK);
	assert_int_equal(m.module.size, 100);
	assert_int_equal(m.limits.memory_bytes, 0);
	assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, NULL), OK);
	assert_int_equal(size, 43);
	assert_memory_equal(bytes, in, size);
	in[0] = 0xa3;
	for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
		memcpy(in + 43, empty[i], sizes[i]);
		if (decode(slice_of(in, 43 + sizes[i]), &m, NULL) != ERR_FORMAT)
			fail_msg("part %u is taken although it is empty", (unsigned)in[43]);
	}
	memcpy(in + 43, "\x10\1", 2); /* a key nobody knows */
	assert_int_equal(decode(slice_of(in, 45), &m, NULL), ERR_FORMAT);
	in[0] = 0xa1;
	assert_int_equal(decode(slice_of(in, 3), &m, NULL), ERR_TRUNCATED);
	in[0] = 0xa2, in[2] = 1;
	assert_int_equal(decode(slice_of(in, 43), &m, NULL), ERR_VERSION);
}

static void bad_paths_are_refused_at_both_ends(void **state)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/./b", "../a", "\xff", "b/"};
	struct manifest m = sample();
	struct slice good;
	struct note n;
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		m = sample();
		m.file_count = 1;
		files[0].path = slice_text(bad[i]);
		n.text[0] = 0;
		assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, &n), ERR_INVALID);
		assert_int_not_equal(n.text[0], 0);
	}
	/* The decoder, by bytes: "dir/x" becomes "dir//" and so on. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const patch[] = {"dir//", "dir/.", "/ir/x"};

		m = sample();
		good = encoded(&m);
		for (size_t at = 0; at + 5 <= good.size; at++)
			if (memcmp(bytes + at, "dir/x", 5) == 0)
				memcpy(bytes + at, patch[i], 5);
		assert_int_equal(decode(good, &m, NULL), ERR_INVALID);
	}
}

static void order_of_files_is_one(void **state)
{
	struct manifest m = sample();
	size_t size;

	(void)state;
	files[1].path = slice_text("dir/z");
	assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, NULL), ERR_INVALID);
	files[1].path = files[2].path;
	assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, NULL), ERR_INVALID);
	files[0].path = slice_text("a"), files[1].path = slice_text("a-b"), files[2].path = slice_text("a/b");
	assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, NULL), ERR_INVALID);
}

static void values_have_maxima(void **state)
{
	size_t size;

	(void)state;
#define REFUSED_WITH(change)                                                                                           \
	do {                                                                                                           \
		struct manifest m = sample();                                                                          \
		change;                                                                                                \
		assert_int_equal(manifest_encode(&m, bytes, sizeof bytes, &size, NULL), ERR_INVALID);                  \
	} while (0)
	REFUSED_WITH(m.module.size = 7);
	REFUSED_WITH(m.module.size = MANIFEST_MODULE_MAX + 1);
	REFUSED_WITH(m.limits.memory_bytes = UINT64_MAX);
	REFUSED_WITH(m.limits.wall_ns = UINT64_MAX);
	REFUSED_WITH(m.limits.open_files = 1 << 20);
	REFUSED_WITH(m.flags = 16);
	REFUSED_WITH(m.arg_count = MANIFEST_ARGS_MAX + 1);
	REFUSED_WITH(m.file_count = MANIFEST_FILES_MAX + 1);
	REFUSED_WITH(files[1].blob.size = UINT64_MAX);
	REFUSED_WITH(files[1].mode = 0777);
	REFUSED_WITH(m.name = slice_of(memory, 129));
	REFUSED_WITH(m.name = slice_of("a\0b", 3));
	REFUSED_WITH(m.env = args);
	REFUSED_WITH(m.limits.sockets = 1 << 20);
	REFUSED_WITH(m.descriptor_count = MANIFEST_DESCRIPTORS_MAX + 1);
	REFUSED_WITH(descriptors[0].kind = 0);
	REFUSED_WITH(descriptors[0].kind = DESCRIPTOR_KINDS);
	REFUSED_WITH(descriptors[0].name = slice_text(""));
	REFUSED_WITH(descriptors[0].name = slice_text("a:b"));
	REFUSED_WITH(descriptors[0].name = slice_of(memory, 256));
	REFUSED_WITH(descriptors[0].port = 1);
	REFUSED_WITH(descriptors[0].host = slice_text("x"));
	REFUSED_WITH(descriptors[0].protocol = DESCRIPTOR_TCP);
	REFUSED_WITH(descriptors[1].protocol = DESCRIPTOR_NO_PROTOCOL);
	REFUSED_WITH(descriptors[1].protocol = 3);
	REFUSED_WITH(descriptors[1].host = slice_text(""));
	REFUSED_WITH(descriptors[1].port = 0);
	REFUSED_WITH(descriptors[1].port = 65536);
	REFUSED_WITH(m.mount_count = MANIFEST_MOUNTS_MAX + 1);
	REFUSED_WITH(mounts[0].path = slice_text("../x"));
	REFUSED_WITH(mounts[0].path = slice_text("/tmp"));
	REFUSED_WITH(mounts[0].path = slice_text("var/cache"));
	REFUSED_WITH(mounts[0].path = slice_text("var"));
	REFUSED_WITH(mounts[0].path = slice_text("dir"));   /* would hide dir/x */
	REFUSED_WITH(mounts[0].path = slice_text("dir/x")); /* is a file */
	REFUSED_WITH(mounts[0].path = slice_text("a/b"));   /* below a file */
	REFUSED_WITH(mounts[0].bytes = 0);
	REFUSED_WITH(mounts[0].bytes = MANIFEST_MOUNT_BYTES_MAX + 1);
	REFUSED_WITH(m.secret_count = MANIFEST_SECRETS_MAX + 1);
	REFUSED_WITH(secrets[0].kind = 4);
	REFUSED_WITH(secrets[1].kind = SECRET_TLS_KEY); /* goes nowhere but to "tls" */
	REFUSED_WITH(secrets[0].kind = SECRET_FILE; secrets[0].target = slice_text("z"); secrets[1].target = slice_text("y"));
	REFUSED_WITH(secrets[0] = secrets[1]);
	REFUSED_WITH(secrets[0].target = slice_text("A")); /* is in env */
	REFUSED_WITH(secrets[0].target = slice_text("A=B"));
	REFUSED_WITH(secrets[0].target = slice_text(""));
	REFUSED_WITH(secrets[0].blob.size = 255);
	REFUSED_WITH(secrets[0].blob.size = 0);
	REFUSED_WITH(secrets[0].blob.size = 2 * SECRET_SIZE_MAX);
	REFUSED_WITH(secrets[1].target = slice_text("dir/x"));
	REFUSED_WITH(secrets[1].target = slice_text("tmp/key")); /* hidden by the mount */
	REFUSED_WITH(secrets[1].target = slice_text("/run/key"));
	REFUSED_WITH(m.restart.when = 3);
	REFUSED_WITH(m.restart.when = RESTART_NEVER);
	REFUSED_WITH(m.restart.times = 0);
	REFUSED_WITH(m.restart.times = MANIFEST_RESTARTS_MAX + 1);
	REFUSED_WITH(m.restart.pause_ns = 1001);
	REFUSED_WITH(m.tls.servers.roots = slice_text("elsewhere"));
	REFUSED_WITH(m.tls.clients.roots = slice_text("elsewhere"));
	REFUSED_WITH(m.tls.names[0] = slice_text(""));
	REFUSED_WITH(m.tls.names[0] = slice_text("two words"));
	REFUSED_WITH(m.tls.alpn[1] = slice_text(""));
	REFUSED_WITH(m.tls.name_count = MANIFEST_TLS_NAMES_MAX + 1);
	REFUSED_WITH(m.tls.clients.pins[0] = m.tls.clients.pins[1]);
	REFUSED_WITH(m.tls.clients.pins[1].size = 31);
	REFUSED_WITH(m.tls.clients.pin_count = MANIFEST_TLS_PINS_MAX + 1);
	REFUSED_WITH(m.restart.pause_max_ns = INT64_MAX);
	REFUSED_WITH(egress[0].host = slice_text("DB.example"));
	REFUSED_WITH(egress[0].host = slice_text("127.1"));
	REFUSED_WITH(egress[0].host = slice_text("*.*"));
	REFUSED_WITH(egress[0].host = slice_text(""));
	REFUSED_WITH(egress[0].address = egress[1].address);
	REFUSED_WITH(egress[0].first = 0);
	REFUSED_WITH(egress[0].first = 5433);
	REFUSED_WITH(egress[0].last = 65536);
	REFUSED_WITH(egress[0].pin.size = 31);
	REFUSED_WITH(egress[1].address.size = 3);
	REFUSED_WITH(egress[1].prefix = 33);
	REFUSED_WITH(egress[1].prefix = 4); /* a bit stands behind it */
	REFUSED_WITH(m.network.egress_count = MANIFEST_RULES_MAX + 1);
	REFUSED_WITH(m.network.ingress_count = MANIFEST_RULES_MAX + 1);
	REFUSED_WITH(ingress[0].first = 0);
	REFUSED_WITH(ingress[0].last = 8000);
	REFUSED_WITH(ingress[1].last = 7999);
	REFUSED_WITH(ingress[1].last = 65536);
	REFUSED_WITH(mounts[0].path = slice_text("net"));
	REFUSED_WITH(mounts[0].path = slice_text("net/tcp"));
	REFUSED_WITH(secrets[1].target = slice_text("net"));
	REFUSED_WITH(m.library_count = MANIFEST_LIBRARIES_MAX + 1);
	REFUSED_WITH(libraries[0].name = slice_text(""));
	REFUSED_WITH(libraries[0].name = slice_text("env")); /* twice */
	REFUSED_WITH(libraries[0].name = slice_text("wasi_snapshot_preview1"));
	REFUSED_WITH(libraries[0].name = slice_text("wasi_unstable"));
	REFUSED_WITH(libraries[0].name = slice_of(memory, MANIFEST_LIBRARY_NAME_MAX + 1));
	REFUSED_WITH(libraries[0].name = slice_of("a\0b", 3));
	REFUSED_WITH(libraries[0].name = slice_text("\xff"));
	REFUSED_WITH(libraries[1].blob.size = 7);
	REFUSED_WITH(libraries[1].blob.size = MANIFEST_MODULE_MAX - 1007); /* a byte more than all may have */
	REFUSED_WITH(libraries[0].blob.size = UINT64_MAX);
}

static void secrets_open_as_they_were_sealed(void **state)
{
	static const uint8_t salt[SECRET_SALT] = {7};
	static uint8_t blob[1024];
	struct slice s;
	size_t size;

	(void)state;
	assert_int_equal(secret_sealed_size(0), 256);
	assert_int_equal(secret_sealed_size(220), 256);
	assert_int_equal(secret_sealed_size(221), 512);
	assert_int_equal(secret_sealed_size(SECRET_SIZE_MAX - SECRET_HEAD), SECRET_SIZE_MAX);
	assert_int_equal(secret_sealed_size(SECRET_SIZE_MAX), 0);
	memset(blob, 0xff, 256);
	assert_int_equal(secret_seal(salt, slice_text("key"), blob, 255, &size), ERR_SPACE);
	assert_int_equal(secret_seal(salt, slice_text("key"), blob, sizeof blob, &size), OK);
	assert_int_equal(size, 256);
	assert_memory_equal(blob, salt, sizeof salt);
	assert_int_equal(secret_open(slice_of(blob, 256), &s), OK);
	assert_true(slice_is(s, "key"));
	assert_int_equal(secret_open(slice_of(blob, 512), &s), ERR_FORMAT);   /* larger than needed */
	assert_int_equal(secret_open(slice_of(blob, 38), &s), ERR_TRUNCATED);
	assert_int_equal(secret_open(slice_of(blob, 30), &s), ERR_TRUNCATED);
	blob[200] = 1;
	assert_int_equal(secret_open(slice_of(blob, 256), &s), ERR_FORMAT);
	blob[200] = 0, blob[SECRET_SALT + 3] = 0xff;
	assert_int_equal(secret_open(slice_of(blob, 256), &s), ERR_TRUNCATED);
}

static void truncation_and_trailing_bytes_are_refused(void **state)
{
	struct manifest m = sample(), back;
	struct slice s = encoded(&m);
	struct note n;
	size_t size;

	(void)state;
	for (size_t i = 0; i < s.size; i++) {
		n.text[0] = 0;
		assert_int_not_equal(decode(slice_of(s.data, i), &back, &n), OK);
		assert_int_not_equal(n.text[0], 0);
	}
	bytes[s.size] = 0;
	assert_int_equal(decode(slice_of(s.data, s.size + 1), &back, NULL), ERR_TRAILING);
	for (size_t i = 0; i < s.size; i++)
		assert_int_equal(manifest_encode(&m, bytes, i, &size, NULL), ERR_SPACE);
}

/* Whatever a changed byte makes of it, a manifest that is taken is encoded to the very same bytes. */
static void taken_means_canonical(void **state)
{
	static uint8_t changed[4096], again[4096];
	struct manifest m = sample(), back;
	struct slice s = encoded(&m);
	unsigned taken = 0;
	size_t size;

	(void)state;
	for (size_t bit = 0; bit < 8 * s.size; bit++) {
		memcpy(changed, s.data, s.size);
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (decode(slice_of(changed, s.size), &back, NULL) != OK)
			continue;
		taken++;
		assert_int_equal(manifest_encode(&back, again, sizeof again, &size, NULL), OK);
		assert_int_equal(size, s.size);
		assert_memory_equal(again, changed, size);
	}
	assert_int_not_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(what_is_empty_is_left_out),
		cmocka_unit_test(bad_paths_are_refused_at_both_ends),
		cmocka_unit_test(order_of_files_is_one),
		cmocka_unit_test(values_have_maxima),
		cmocka_unit_test(secrets_open_as_they_were_sealed),
		cmocka_unit_test(truncation_and_trailing_bytes_are_refused),
		cmocka_unit_test(taken_means_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
