/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/config.h"
#include "lib/session/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct config *c;

static int teardown(void **state)
{
	(void)state;
	config_free(c);
	c = NULL;
	return 0;
}

static enum err reading(const char *path, const char *toml, struct note *n)
{
	teardown(NULL);
	assert_int_equal(config_new(&c), OK);
	return config_read(c, slice_text(toml), path, n);
}

static void good(const char *path, const char *toml)
{
	struct note n = {""};

	if (reading(path, toml, &n) != OK)
		fail_msg("%s\n%s", n.text, toml);
}

/* The kinds of files the public examples of Enarx have; names and rules are its own. */
static void files_of_enarx_are_read(void **state)
{
	const struct config_descriptor *d;

	(void)state;
	good("p/Enarx.toml", "steward = \"https://attest.example\"\nargs = [ \"--argument1\", \"--argument2=foo\" ]\n"
			     "env = { \"FOO\" = \"foo\", \"BAR\" = \"\" }\n"
			     "[[files]]\nkind = \"null\"\n[[files]]\nkind = \"stdout\"\n[[files]]\nkind = \"stderr\"\nname = \"e\"\n"
			     "[[files]]\nname = \"LISTEN\"\nkind = \"listen\"\nprot = \"tls\" # or tcp\n"
			     "[[files]]\nkind = \"connect\"\nprot = \"tcp\"\nhost = \"::1\"\n");
	assert_string_equal(c->steward, "https://attest.example");
	assert_int_equal(c->remark_count, 1);
	assert_non_null(strstr(c->remarks[0], "p/Enarx.toml:1: steward is not used"));
	assert_int_equal(c->arg_count, 2);
	assert_string_equal(c->args[1].text, "--argument2=foo");
	assert_int_equal(c->args[1].from.line, 2);
	assert_int_equal(c->env_count, 2);
	assert_string_equal(c->env[1].value, "");
	assert_int_equal(c->descriptor_count, 5);
	assert_int_equal(c->named_count, 5);
	d = c->descriptors;
	assert_true(d[0].kind == DESCRIPTOR_NULL && strcmp(d[0].name, "null") == 0);
	assert_true(d[2].kind == DESCRIPTOR_STDERR && strcmp(d[2].name, "e") == 0);
	assert_true(d[3].kind == DESCRIPTOR_LISTEN && d[3].protocol == DESCRIPTOR_TLS && d[3].port == 443);
	assert_string_equal(d[3].host, "::");
	assert_true(d[4].kind == DESCRIPTOR_CONNECT && d[4].protocol == DESCRIPTOR_TCP && d[4].port == 80);
	assert_string_equal(d[4].host, "::1");
	assert_string_equal(d[4].name, "--1"); /* a name has no colon */
	assert_int_equal(d[4].from.line, 15);
}

/* Enarx passes over what it does not know on top, also what Broch knows; inside files it does not. */
static void enarx_is_lenient_where_enarx_was(void **state)
{
	struct note n = {""};

	(void)state;
	good("Enarx.toml", "args = [\"x\"]\n[stdin]\nkind = \"host\"\n[limits]\nmemory = 3\n");
	assert_int_equal(c->remark_count, 1);
	assert_non_null(strstr(c->remarks[0], "Enarx.toml:2: stdin is not a key"));
	assert_int_equal(c->limits[LIMIT_MEMORY].value, 0);
	assert_int_equal(c->descriptor_count, 0); /* the three streams */
	assert_int_equal(reading("Enarx.toml", "[[files]]\nkind = \"stdin\"\nmode = 1\n", &n), ERR_INVALID);
	assert_int_equal(reading("enarx.toml", "[stdin]\n", NULL), ERR_INVALID);
}

static void few_files_are_filled_up_with_null(void **state)
{
	(void)state;
	good("b", "files = []\n");
	assert_int_equal(c->descriptor_count, 3);
	assert_int_equal(c->named_count, 0);
	good("b", "[[files]]\nkind = \"stderr\"\n");
	assert_int_equal(c->descriptor_count, 3);
	assert_int_equal(c->named_count, 1);
	assert_int_equal(c->descriptors[2].kind, DESCRIPTOR_NULL);
}

static void tables_of_broch_are_read(void **state)
{
	(void)state;
	good("/etc/app/broch.toml",
	     "[limits]\nmemory = \"64MiB\"\nwall = \"1h\"\ncpu = \"500ms\"\nfiles = 64\nfile_bytes = \"1MB\"\nsockets = 7\nnetwork_bytes = \"1GiB\"\n"
	     "[[mounts]]\nkind = \"package\"\npath = \"/data//x/\"\nsource = \"./data\"\n"
	     "[[mounts]]\nkind = \"package\"\npath = \"/\"\nsource = \"root\"\n"
	     "[[mounts]]\nkind = \"memory\"\npath = \"tmp\"\nsize = \"2GiB\"\n"
	     "[[secrets]]\nenv = \"TOKEN\"\nfile = \"token\"\n[[secrets]]\npath = \"/run/key\"\nfd = 5\n"
	     "[restart]\nwhen = \"on-failure\"\npause = \"2m\"\n[network]\negress = [\"DB.example:5432\", \"*.example.org:*\",\n"
	     "\"10.0.0.0/8:8000-8999\", \"[fd00::]/8:443\", \"[::1]:80\",\n"
	     "\"x:443 pin=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"]\ningress = [8443, \"80-90\"]\n");
	assert_int_equal(c->remark_count, 0);
	assert_int_equal(c->limits[LIMIT_MEMORY].value, 64 << 20);
	assert_int_equal(c->limits[LIMIT_CPU].value, 500000000);
	assert_int_equal(c->limits[LIMIT_SOCKETS].value, 7);
	assert_int_equal(c->limits[LIMIT_FILES].from.line, 5);
	assert_int_equal(c->mount_count, 3);
	assert_string_equal(c->mounts[0].guest, "data/x");
	assert_string_equal(c->mounts[0].source, "/etc/app/./data");
	assert_string_equal(c->mounts[1].guest, "");
	assert_true(c->mounts[2].kind == MOUNT_MEMORY && c->mounts[2].bytes == UINT64_C(2) << 30);
	assert_int_equal(c->secret_count, 2);
	assert_true(c->secrets[0].env && c->secrets[0].fd == -1);
	assert_string_equal(c->secrets[0].source, "/etc/app/token");
	assert_true(!c->secrets[1].env && c->secrets[1].fd == 5 && c->secrets[1].source == NULL);
	assert_string_equal(c->secrets[1].target, "run/key");
	assert_int_equal(c->restart.when, RESTART_ON_FAILURE);
	assert_int_equal(c->restart.times, 10);
	assert_int_equal(c->restart.pause_ns, UINT64_C(120000000000));
	assert_int_equal(c->restart.pause_max_ns, UINT64_C(120000000000));
	assert_int_equal(c->egress_count, 6);
	assert_string_equal(c->egress[0].rule.host, "db.example");
	assert_string_equal(c->egress[0].text, "DB.example:5432");
	assert_true(c->egress[0].rule.first == 5432 && c->egress[0].rule.last == 5432 && !c->egress[0].rule.pinned);
	assert_string_equal(c->egress[1].rule.host, "*.example.org");
	assert_true(c->egress[1].rule.first == 1 && c->egress[1].rule.last == 65535);
	assert_true(c->egress[2].rule.host[0] == 0 && c->egress[2].rule.address_size == 4 && c->egress[2].rule.prefix == 8);
	assert_true(c->egress[2].rule.first == 8000 && c->egress[2].rule.last == 8999 && c->egress[2].from.line == 32);
	assert_true(c->egress[3].rule.address_size == 16 && c->egress[3].rule.prefix == 8 && c->egress[3].rule.address[0] == 0xfd);
	assert_true(c->egress[4].rule.prefix == 128 && c->egress[4].rule.address[15] == 1);
	assert_true(c->egress[5].rule.pinned && c->egress[5].rule.pin[31] == 0xff && c->egress[5].rule.first == 443);
	assert_true(c->ingress_count == 2 && c->ingress[0].first == 8443 && c->ingress[0].last == 8443);
	assert_true(c->ingress[1].first == 80 && c->ingress[1].last == 90);
	good("/etc/app/b", "[[modules]]\nname = \"shapes\"\nfile = \"lib/shapes.wasm\"\n[[modules]]\nname = \"env\"\nfile = \"/opt/env.wasm\"\n");
	assert_int_equal(c->module_count, 2);
	assert_string_equal(c->modules[0].name, "shapes");
	assert_string_equal(c->modules[0].source, "/etc/app/lib/shapes.wasm");
	assert_string_equal(c->modules[1].source, "/opt/env.wasm");
	assert_true(c->modules[1].from.kind == FROM_FILE && c->modules[1].from.line == 4);
	good("/etc/app/b", "[tls]\nkey = \"keep.key\"\n");
	assert_string_equal(c->tls.key, "/etc/app/keep.key");
	good("b", "[restart]\nwhen = \"never\"\n");
	assert_int_equal(c->restart.times, 0);
	assert_false(c->no_root);
	good("b", "root = false\n");
	assert_true(c->no_root);
	good("b", "root = true\n");
	assert_false(c->no_root);
}

static void wrong_files_are_refused_with_place_and_cure(void **state)
{
	static const struct {
		const char *toml, *place, *words;
	} rows[] = {
		{"args = \"x\"", ":1:8:", "args must be an array, not a string; as in args = ["},
		{"args = [\"a\", 3]", ":1:14:", "each item must be a string"},
		{"args = [\"a\\u0000\"]", ":1:9:", "zero byte"},
		{"arg = [\"a\"]", ":1:1:", "did you mean args?"},
		{"colour = 1", ":1:1:", "broch config init"},
		{"env = []", ":1:7:", "env must be a table"},
		{"[env]\nA = 1", ":2:5:", "write it in quotes"},
		{"[env]\n\"A=B\" = \"\"", ":2:1:", "must not be empty or hold '='"},
		{"[env]\n\"\" = \"\"", ":2:1:", "must not be empty"},
		{"[env]\nA = \"\\u0000\"", ":2:5:", "zero byte"},
		{"env = 1\n[env]", ":2:2:", ""},
		{"steward = 1", ":1:11:", "steward must be a string"},
		{"files = 1", ":1:9:", "files must be an array"},
		{"files = [1]", ":1:10:", "each item must be a table"},
		{"[[files]]", ":1:3:", "has no kind"},
		{"[[files]]\nkind = \"socket\"", ":2:8:", "listen and connect"},
		{"[[files]]\nkind = 1", ":2:8:", "kind must be a string"},
		{"[[files]]\nkind = \"stdin\"\nport = 1", ":3:8:", "no meaning for kind stdin"},
		{"[[files]]\nkind = \"null\"\nname = \"a:b\"", ":3:8:", "without ':'"},
		{"[[files]]\nkind = \"null\"\nname = \"\"", ":3:8:", "1 to 255 bytes"},
		{"[[files]]\nkind = \"listen\"\nprot = \"tcp\"", ":1:3:", "needs name"},
		{"[[files]]\nkind = \"listen\"\nname = \"x\"", ":1:3:", "needs prot"},
		{"[[files]]\nkind = \"listen\"\nname = \"x\"\nprot = \"udp\"", ":4:8:", "\"tcp\" and \"tls\""},
		{"[[files]]\nkind = \"listen\"\nname = \"x\"\nprot = \"tcp\"\nhost = \"y\"", ":5:8:", "no meaning for kind listen"},
		{"[[files]]\nkind = \"listen\"\nname = \"x\"\nprot = \"tcp\"\nport = 0", ":5:8:", "1 to 65535"},
		{"[[files]]\nkind = \"listen\"\nname = \"x\"\nprot = \"tcp\"\nport = 65536", ":5:8:", "1 to 65535"},
		{"[[files]]\nkind = \"connect\"\nprot = \"tcp\"", ":1:3:", "needs host"},
		{"[[files]]\nkind = \"connect\"\nprot = \"tcp\"\nhost = \"\"", ":4:8:", "an address"},
		{"[limits]\nmemory = 64", ":2:10:", "memory must be a string"},
		{"[limits]\nmemory = \"64\"\nwall = \"10\"", ":3:8:", "a number and a unit"},
		{"[limits]\nmemory = \"64XB\"", ":2:10:", "a number and a unit"},
		{"[limits]\nmemory = \"0\"", ":2:10:", "leave it out for none"},
		{"[limits]\nfiles = 0", ":2:9:", "from 1 to 65536"},
		{"[limits]\nfiles = \"1\"", ":2:9:", "files must be an integer"},
		{"[limits]\nmemry = \"1\"", ":2:1:", "did you mean memory?"},
		{"[[mounts]]\nkind = \"memory\"", ":1:3:", "needs kind and path"},
		{"[[mounts]]\nkind = \"disk\"\npath = \"/x\"", ":2:8:", "\"package\" or \"memory\""},
		{"[[mounts]]\nkind = \"sealed\"\npath = \"/x\"", ":2:8:", "not offered yet"},
		{"[[mounts]]\nkind = \"memory\"\npath = \"/x\"", ":1:3:", "needs a size"},
		{"[[mounts]]\nkind = \"memory\"\npath = \"/x\"\nsize = \"3GiB\"", ":4:8:", "2GiB"},
		{"[[mounts]]\nkind = \"memory\"\npath = \"/x\"\nsize = \"1KiB\"\nsource = \"y\"", ":5:10:", "starts empty"},
		{"[[mounts]]\nkind = \"memory\"\npath = \"/\"\nsize = \"1KiB\"", ":3:8:", "below the root"},
		{"[[mounts]]\nkind = \"memory\"\npath = \"/a/../b\"\nsize = \"1KiB\"", ":3:8:", "'..' has no meaning"},
		{"[[mounts]]\nkind = \"package\"\npath = \"/x\"", ":1:3:", "need a source"},
		{"[[mounts]]\nkind = \"package\"\npath = \"/x\"\nsource = \"a/../../b\"", ":4:10:", "leads out of the folder"},
		{"[[mounts]]\nkind = \"package\"\npath = \"/x\"\nsource = \"/etc\"", ":4:10:", "--dir DIR:NAME"},
		{"[[mounts]]\nkind = \"package\"\npath = \"/x\"\nsource = \"\"", ":4:10:", "source is empty"},
		{"[[mounts]]\nkind = \"package\"\npath = \"/x\"\nsource = \"y\"\nsize = \"1KiB\"", ":5:8:", "no meaning for package"},
		{"[[secrets]]\nenv = \"A\"", ":1:3:", "either file or fd"},
		{"[[secrets]]\nfile = \"a\"", ":1:3:", "either env or path"},
		{"[[secrets]]\nenv = \"A\"\npath = \"/a\"\nfile = \"a\"", ":1:3:", "either env or path"},
		{"[[secrets]]\nenv = \"A\"\nfile = \"a\"\nfd = 3", ":1:3:", "either file or fd"},
		{"[[secrets]]\nenv = \"A\"\nvalue = \"hunter2\"", ":3:1:", "unknown key value"},
		{"[[secrets]]\nenv = \"A\"\nfd = 1", ":3:6:", "3 or more"},
		{"[[secrets]]\nenv = \"\"\nfd = 3", ":2:7:", "must not be empty"},
		{"[[secrets]]\npath = \"../a\"\nfd = 3", ":2:8:", "'..' has no meaning"},
		{"[restart]\ntimes = 1", ":1:2:", "restart needs when"},
		{"[restart]\nwhen = \"sometimes\"", ":2:8:", "\"on-failure\""},
		{"[restart]\nwhen = \"always\"\ntimes = 0", ":3:9:", "from 1 to"},
		{"[restart]\nwhen = \"always\"\npause = \"2d\"", ":3:9:", "at most a day"},
		{"[restart]\nwhen = \"always\"\npause = \"2s\"\npause_max = \"1s\"", ":4:13:", "not be shorter"},
		{"[network]\negress = [\"x\"]", ":2:11:", "HOST:PORT"},
		{"[network]\negress = [\"x:0\"]", ":2:11:", "the port is"},
		{"[network]\negress = [\"x:1-70000\"]", ":2:11:", "the port is"},
		{"[network]\negress = [\"10.0.0.1/8:1\"]", ":2:11:", "write zeros there"},
		{"[network]\negress = [\"10.0.0.0/33:1\"]", ":2:11:", "at most 32"},
		{"[network]\negress = [\"[fd00:/8:1\"]", ":2:11:", "the address is none"},
		{"[network]\negress = [\"a b:1\"]", ":2:11:", "HOST:PORT"},
		{"[network]\negress = [\"*.:1\"]", ":2:11:", "no DNS name"},
		{"[network]\negress = [\"127.1:1\"]", ":2:11:", "no DNS name"},
		{"[network]\negress = [\"x:1 pin=00\"]", ":2:11:", "64 hexadecimal digits"},
		{"[network]\negress = [1]", ":2:11:", "egress"},
		{"[network]\ningress = 1", ":2:11:", "must be an array"},
		{"[network]\ningress = [0]", ":2:12:", "1 to 65535"},
		{"[network]\ningress = [\"9-8\"]", ":2:12:", "1 to 65535"},
		{"[tls]\nnames = [\"a b\"]", ":2:10:", "without spaces"},
		{"[tls]\nnames = [\"\"]", ":2:10:", "names: 1 to 253"},
		{"[tls]\nalpn = [1]", ":2:9:", "alpn"},
		{"[tls]\npins = [\"00\"]", ":2:9:", "64 hexadecimal digits"},
		{"[tls]\nroots = \"/etc/ca.pem\"", ":2:9:", "must lie beside this file"},
		{"[tls]\nclient_roots = \"../ca.pem\"", ":2:16:", "must lie beside this file"},
		{"[tls]\nname = [\"a\"]", ":2:1:", "names"},
		{"[tls]\nkey = 3", ":2:7:", "key = \"keep.key\""},
		{"modules = 1", ":1:11:", "must be an array"},
		{"modules = [1]", ":1:12:", "modules"},
		{"[[modules]]", ":1:3:", "add name = \"shapes\""},
		{"[[modules]]\nname = \"a\"", ":1:3:", "add file = \"shapes.wasm\""},
		{"[[modules]]\nname = \"a\"\npath = \"a.wasm\"", ":3:1:", "unknown key path in modules"},
		{"[[modules]]\nname = \"\"\nfile = \"a.wasm\"", ":2:8:", "1 to 128 bytes"},
		{"[[modules]]\nname = \"a\\u0000\"\nfile = \"a.wasm\"", ":2:8:", "1 to 128 bytes"},
		{"[[modules]]\nname = \"a\"\nfile = \"\"", ":3:8:", "file is empty"},
		{"[[modules]]\nname = \"wasi_snapshot_preview1\"\nfile = \"a.wasm\"", ":2:8:", "that of WASI"},
		{"[[modules]]\nname = \"wasi_unstable\"\nfile = \"a.wasm\"", ":2:8:", "that of WASI"},
		{"[[modules]]\nname = \"a\"\nfile = \"a.wasm\"\n[[modules]]\nname = \"a\"\nfile = \"b.wasm\"", ":5:8:", "module of line 1"},
		{"modules = [{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]", ":1:11:", "at most 16"},
		{"args = []\nargs = []", ":2:1:", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct note n = {""};

		if (reading("broch.toml", rows[i].toml, &n) == OK)
			fail_msg("taken: %s", rows[i].toml);
		if (strncmp(n.text, "broch.toml", 10) != 0 || strncmp(n.text + 10, rows[i].place, strlen(rows[i].place)) != 0 ||
		    strstr(n.text, rows[i].words) == NULL)
			fail_msg("%s\ngives: %s\nexpected %s %s", rows[i].toml, n.text, rows[i].place, rows[i].words);
	}
}

static void paths_become_those_of_manifests(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {{"/a/b", "a/b"}, {"a//b/", "a/b"}, {"./a/./b", "a/b"}, {"/", ""}, {".", ""}, {"...", "..."}, {"a..b", "a..b"}};
	char out[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		assert_int_equal(config_guest_path(slice_text(rows[i].text), out, sizeof out), OK);
		assert_string_equal(out, rows[i].want);
	}
	assert_int_equal(config_guest_path(slice_text("a/.."), out, sizeof out), ERR_INVALID);
	assert_int_equal(config_guest_path(slice_text("../a"), out, sizeof out), ERR_INVALID);
	assert_int_equal(config_guest_path(slice_text("1234567"), out, sizeof out), ERR_LIMIT);
}

static void later_values_of_a_variable_win(void **state)
{
	const struct origin command = {FROM_COMMAND, NULL, 0};
	struct note n = {""};

	(void)state;
	good("b", "args = [\"x\", \"y\"]\n[env]\nA = \"1\"\nB = \"2\"\n");
	assert_int_equal(config_set_env(c, slice_text("A"), "3", command, &n), OK);
	assert_int_equal(c->env_count, 2);
	assert_string_equal(c->env[0].value, "3");
	assert_int_equal(c->env[0].from.kind, FROM_COMMAND);
	assert_int_equal(config_set_env(c, slice_text(""), "3", command, &n), ERR_INVALID);
	config_clear_args(c);
	for (int i = 0; i < 100; i++)
		assert_int_equal(config_add_arg(c, "z", command), OK);
	assert_int_equal(c->arg_count, 100);
	assert_string_equal(c->args[99].text, "z");
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		T(files_of_enarx_are_read),
		T(enarx_is_lenient_where_enarx_was),
		T(few_files_are_filled_up_with_null),
		T(tables_of_broch_are_read),
		T(wrong_files_are_refused_with_place_and_cure),
		T(paths_become_those_of_manifests),
		T(later_values_of_a_variable_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
