/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the WebAssembly core test suite: reads the scripts (JSON as written by wast2json), has them executed by
 * test/spec/executor.h, here or in a Keep, and compares. Usage: runner [-v] [-b] [-k KEEPER IMAGE BACKEND] DIRECTORY [SCRIPT...]. Cases in
 * the text format are skipped and counted. Exit status 0 when nothing failed.
 */
#include "sys/code.h"
#include "test/lib/keep_process.h"
#include "test/spec/executor.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { REQUEST_MAX = 16 << 20, NAMES_MAX = 256 };
static const size_t ARENA_BYTES = (size_t)1 << 32;

struct runner {
	const char *dir, *script;
	struct executor x;
	uint8_t *request;
	struct writer w;             /* over request */
	uint8_t response[SPEC_RESPONSE_MAX];
	size_t response_size;
	int64_t current;             /* the last module; -1: it could not be made */
	bool unsupported;            /* because it uses later proposals */
	struct {
		char name[128];
		int64_t instance;
	} names[NAMES_MAX];
	unsigned name_count;
	unsigned passed, failed, skipped;
	bool verbose;
	uint8_t tier;                /* -b: the baseline compiler (1), -o: the optimizing one (2) */
	struct wasm_code_memory *code; /* here */
	bool in_keep;
	struct keep_options options;
	struct keep_process keep;
};

/* ---- memory for the executor ---- */

enum { MEMORIES_MAX = 4096 };
static struct {
	uint8_t *base[MEMORIES_MAX];
	unsigned count;
} memories;

static enum err memory_create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	(void)ctx;
	(void)max_pages;
	*base = memories.count < MEMORIES_MAX ? code_linear_new(pages) : NULL;
	if (*base == NULL)
		return ERR_NOMEM;
	memories.base[memories.count++] = *base;
	return OK;
}

static enum err memory_grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	(void)old_pages;
	return code_linear_grow(base, pages);
}

static void memories_free(void)
{
	while (memories.count > 0)
		code_linear_free(memories.base[--memories.count]);
}

/* ---- requests ---- */

static void must(enum err err)
{
	if (err == OK)
		return;
	fprintf(stderr, "spec runner: %s\n", err_text(err));
	exit(2);
}

static void begin(struct runner *u, enum spec_command command)
{
	u->w = wr_of(u->request, REQUEST_MAX);
	must(wr_u8(&u->w, (uint8_t)command));
}

static void put_name(struct runner *u, json_t *name)
{
	size_t size = json_string_length(name);

	must(wr_u32le(&u->w, (uint32_t)size));
	must(wr_bytes(&u->w, slice_of(json_string_value(name), size)));
}

static size_t ask_keep(struct runner *u, struct slice request)
{
	struct control last;
	uint32_t size = (uint32_t)request.size; /* this test runs on little-endian machines */

	if (!keep_write(&u->keep, &size, sizeof size) || !keep_write(&u->keep, request.data, request.size) ||
	    !keep_read(&u->keep, &size, sizeof size) || size == 0 || size > SPEC_RESPONSE_MAX ||
	    !keep_read(&u->keep, u->response, size)) {
		keep_last_word(&u->keep, &last);
		fprintf(stderr, "%s: the Keep is gone: type %u, code %u, %llx %llx %s\n", u->script, last.type, last.code,
			(unsigned long long)last.a, (unsigned long long)last.b, last.text);
		exit(1);
	}
	return size;
}

static enum spec_outcome send_request(struct runner *u)
{
	struct slice request = wr_slice(&u->w);

	u->response_size = u->in_keep ? ask_keep(u, request) : executor_handle(&u->x, request, u->response);
	return u->response[0];
}

/* Every script gets a Keep of its own: memory of a Keep never goes back. */
static void new_keep(struct runner *u)
{
	struct control why;

	keep_end(&u->keep);
	if (keep_start(&u->keep, &u->options, NULL, &why))
		return;
	fprintf(stderr, "no Keep: %s\n", why.text);
	exit(1);
}

static const char *response_text(struct runner *u)
{
	static char text[512];

	snprintf(text, sizeof text, "%.*s", (int)(u->response_size - 1), (const char *)u->response + 1);
	return text;
}

/* ---- values ---- */

static uint8_t type_of(const char *name)
{
	static const struct {
		const char *name;
		uint8_t type;
	} types[] = {{"i32", WASM_I32}, {"i64", WASM_I64}, {"f32", WASM_F32}, {"f64", WASM_F64},
		     {"v128", WASM_V128}, {"funcref", WASM_FUNCREF}, {"externref", WASM_EXTERNREF}};

	for (size_t i = 0; i < ARRAY_COUNT(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

/* ---- vectors: a list of lanes ---- */

static unsigned lane_bits(json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "lane_type"));

	return type == NULL ? 0 : (unsigned)strtoul(type + 1, NULL, 10);
}

static uint64_t lane_of(const uint64_t v[static 2], unsigned bits, size_t i)
{
	uint64_t half = v[i * bits / 64] >> i * bits % 64;

	return bits == 64 ? half : half & ((UINT64_C(1) << bits) - 1);
}

static bool put_vector(struct runner *u, json_t *value)
{
	json_t *lanes = json_object_get(value, "value"), *lane;
	unsigned bits = lane_bits(value);
	uint64_t v[2] = {0, 0};
	size_t i;

	if (bits == 0 || json_array_size(lanes) != 128 / bits)
		return false;
	json_array_foreach(lanes, i, lane)
	{
		uint64_t x = strtoull(json_string_value(lane), NULL, 10);

		v[i * bits / 64] |= (bits == 64 ? x : x & ((UINT64_C(1) << bits) - 1)) << i * bits % 64;
	}
	must(wr_u8(&u->w, WASM_V128));
	must(wr_u64le(&u->w, v[0]));
	must(wr_u64le(&u->w, v[1]));
	return true;
}

static bool put_value(struct runner *u, json_t *value)
{
	uint8_t type = type_of(json_string_value(json_object_get(value, "type")));
	const char *text = json_string_value(json_object_get(value, "value"));

	if (type == WASM_V128)
		return put_vector(u, value);
	if (type == 0 || text == NULL)
		return false;
	must(wr_u8(&u->w, type));
	must(wr_u64le(&u->w, strcmp(text, "null") == 0 ? WASM_NULL_REF : strtoull(text, NULL, 10)));
	return true;
}

static bool nan_matches(uint8_t type, const char *want, uint64_t bits)
{
	uint64_t quiet = type == WASM_F32 ? 0x7fc00000u : 0x7ff8000000000000u;
	uint64_t sign = type == WASM_F32 ? 0x80000000u : 1ull << 63;

	if (strcmp(want, "nan:canonical") == 0)
		return (bits & ~sign) == quiet;
	return (bits & quiet) == quiet;
}

static bool value_matches(json_t *want, uint8_t type, uint64_t bits)
{
	const char *text = json_string_value(json_object_get(want, "value"));

	if (type != type_of(json_string_value(json_object_get(want, "type"))))
		return false;
	if (text == NULL)
		return bits != WASM_NULL_REF;
	if (strncmp(text, "nan:", 4) == 0)
		return nan_matches(type, text, bits);
	return bits == (strcmp(text, "null") == 0 ? WASM_NULL_REF : strtoull(text, NULL, 10));
}

static bool vector_matches(json_t *want, const uint64_t v[static 2])
{
	json_t *lanes = json_object_get(want, "value"), *lane;
	const char *type = json_string_value(json_object_get(want, "lane_type"));
	unsigned bits = lane_bits(want);
	size_t i;

	if (bits == 0 || json_array_size(lanes) != 128 / bits)
		return false;
	json_array_foreach(lanes, i, lane)
	{
		const char *text = json_string_value(lane);
		uint64_t have = lane_of(v, bits, i), x = strtoull(text, NULL, 10);

		if (strncmp(text, "nan:", 4) == 0 ? !nan_matches(type_of(type), text, have)
		                                  : have != (bits == 64 ? x : x & ((UINT64_C(1) << bits) - 1)))
			return false;
	}
	return true;
}

static bool results_match(struct runner *u, json_t *expected, bool counted)
{
	struct reader r = rd_of(slice_of(u->response + 1, u->response_size - 1));
	uint32_t count = 1;

	if (counted)
		must(rd_u32le(&r, &count));
	if (count != json_array_size(expected))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t bits, v[2];
		json_t *want = json_array_get(expected, i);
		uint8_t type;

		must(rd_u8(&r, &type));
		must(rd_u64le(&r, &bits));
		v[0] = v[1] = bits;
		if (type == WASM_V128)
			must(rd_u64le(&r, &v[1]));
		if (type == WASM_V128 ? !vector_matches(want, v) : !value_matches(want, type, bits)) {
			fprintf(stderr, "    result %u is 0x%llx\n", i, (unsigned long long)bits);
			return false;
		}
	}
	return true;
}

/* ---- commands ---- */

static void report(struct runner *u, json_t *command, bool good, const char *what)
{
	if (good) {
		u->passed++;
		return;
	}
	u->failed++;
	fprintf(stderr, "FAILED %s:%lld %s: %s\n", u->script, (long long)json_integer_value(json_object_get(command, "line")),
		json_string_value(json_object_get(command, "type")), what);
}

static int64_t find_instance(struct runner *u, json_t *name)
{
	if (name == NULL)
		return u->current;
	for (unsigned i = u->name_count; i-- > 0;)
		if (strcmp(u->names[i].name, json_string_value(name)) == 0)
			return u->names[i].instance;
	return -1;
}

static bool read_file(struct runner *u, json_t *command)
{
	char path[1024];
	size_t size;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", u->dir, json_string_value(json_object_get(command, "filename")));
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	begin(u, SPEC_MODULE);
	size = fread(u->request + 1, 1, REQUEST_MAX - 1, f);
	u->w.at += size;
	fclose(f);
	return true;
}

static void do_module(struct runner *u, json_t *command)
{
	json_t *name = json_object_get(command, "name");
	enum spec_outcome outcome;

	u->current = -1;
	u->unsupported = false;
	if (!read_file(u, command)) {
		report(u, command, false, "no such file");
		return;
	}
	outcome = send_request(u);
	if (outcome == SPEC_UNSUPPORTED) {
		u->unsupported = true;
		u->skipped++;
		return;
	}
	report(u, command, outcome == SPEC_DONE, response_text(u));
	if (outcome != SPEC_DONE)
		return;
	u->current = u->response[1] | u->response[2] << 8;
	if (name != NULL && u->name_count < NAMES_MAX) {
		snprintf(u->names[u->name_count].name, sizeof u->names[0].name, "%s", json_string_value(name));
		u->names[u->name_count++].instance = u->current;
	}
}

static void do_register(struct runner *u, json_t *command)
{
	int64_t instance = find_instance(u, json_object_get(command, "name"));

	if (instance < 0) {
		report(u, command, false, "no such module");
		return;
	}
	begin(u, SPEC_REGISTER);
	must(wr_u32le(&u->w, (uint32_t)instance));
	put_name(u, json_object_get(command, "as"));
	report(u, command, send_request(u) == SPEC_DONE, response_text(u));
}

/* Sends an action; false when it cannot be sent. */
static bool act(struct runner *u, json_t *action, enum spec_outcome *outcome)
{
	bool invoke = strcmp(json_string_value(json_object_get(action, "type")), "invoke") == 0;
	int64_t instance = find_instance(u, json_object_get(action, "module"));
	json_t *args = json_object_get(action, "args"), *arg;
	size_t i;

	if (instance < 0)
		return false;
	begin(u, invoke ? SPEC_INVOKE : SPEC_GET);
	must(wr_u32le(&u->w, (uint32_t)instance));
	put_name(u, json_object_get(action, "field"));
	if (invoke) {
		must(wr_u32le(&u->w, (uint32_t)json_array_size(args)));
		json_array_foreach(args, i, arg)
			if (!put_value(u, arg))
				return false;
	}
	*outcome = send_request(u);
	return true;
}

/* The reason of a trap, without its place, and what the suite wants: either may say more than the other. */
static bool text_matches(const char *have, const char *want)
{
	const char *place = strstr(have, " in function ");
	size_t size = place == NULL ? strlen(have) : (size_t)(place - have);

	return strncmp(have, want, size < strlen(want) ? size : strlen(want)) == 0;
}

static void do_action(struct runner *u, json_t *command)
{
	const char *type = json_string_value(json_object_get(command, "type"));
	json_t *action = json_object_get(command, "action");
	bool invoke = strcmp(json_string_value(json_object_get(action, "type")), "invoke") == 0;
	enum spec_outcome outcome;

	if (u->unsupported && json_object_get(action, "module") == NULL) {
		u->skipped++;
		return;
	}
	if (!act(u, action, &outcome)) {
		report(u, command, false, "no such module or value");
		return;
	}
	if (strcmp(type, "assert_trap") == 0 || strcmp(type, "assert_exhaustion") == 0) {
		const char *want = json_string_value(json_object_get(command, "text"));

		report(u, command, outcome == SPEC_TRAP && text_matches(response_text(u), want), response_text(u));
		return;
	}
	if (outcome != SPEC_DONE) {
		report(u, command, false, response_text(u));
		return;
	}
	report(u, command, strcmp(type, "action") == 0 || results_match(u, json_object_get(command, "expected"), invoke),
	       "wrong results");
}

/* Modules that must be refused, and how. */
static void do_refused(struct runner *u, json_t *command, enum spec_outcome want)
{
	const char *type = json_string_value(json_object_get(command, "module_type"));
	enum spec_outcome outcome;

	if (type != NULL && strcmp(type, "text") == 0) {
		u->skipped++;
		return;
	}
	if (!read_file(u, command)) {
		report(u, command, false, "no such file");
		return;
	}
	outcome = send_request(u);
	if (outcome == SPEC_UNSUPPORTED) {
		u->skipped++;
		return;
	}
	if (u->verbose)
		printf("%s | %s\n", json_string_value(json_object_get(command, "text")), response_text(u));
	/* wast2json leaves out the data count section where the text has no data: then the binary is malformed already. */
	if (strstr(response_text(u), "data count section required") != NULL)
		want = SPEC_MALFORMED;
	report(u, command, outcome == want, outcome == SPEC_DONE ? "accepted" : response_text(u));
}

static void do_command(struct runner *u, json_t *command)
{
	static const struct {
		const char *type;
		enum spec_outcome want;
	} refusals[] = {{"assert_invalid", SPEC_INVALID},
			{"assert_malformed", SPEC_MALFORMED},
			{"assert_unlinkable", SPEC_UNLINKABLE},
			{"assert_uninstantiable", SPEC_TRAP}};
	const char *type = json_string_value(json_object_get(command, "type"));

	for (size_t i = 0; i < ARRAY_COUNT(refusals); i++)
		if (strcmp(type, refusals[i].type) == 0) {
			do_refused(u, command, refusals[i].want);
			return;
		}
	if (strcmp(type, "module") == 0)
		do_module(u, command);
	else if (strcmp(type, "register") == 0)
		do_register(u, command);
	else if (json_object_get(command, "action") != NULL)
		do_action(u, command);
	else
		report(u, command, false, "unknown command");
}

static void run_script(struct runner *u, const char *script)
{
	json_t *root, *commands, *command;
	json_error_t error;
	char path[1024];
	size_t i;

	snprintf(path, sizeof path, "%s/%s", u->dir, script);
	root = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (root == NULL) {
		fprintf(stderr, "FAILED %s: %s\n", path, error.text);
		u->failed++;
		return;
	}
	commands = json_object_get(root, "commands");
	u->script = script;
	u->name_count = 0;
	u->current = -1;
	if (u->in_keep)
		new_keep(u);
	if (u->code != NULL)
		code_memory_reset(u->code);
	begin(u, SPEC_RESET);
	must(wr_u8(&u->w, u->tier));
	must(send_request(u) == SPEC_DONE ? OK : ERR_STATE);
	json_array_foreach(commands, i, command) do_command(u, command);
	memories_free();
	json_decref(root);
}

static int is_script(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void run_all(struct runner *u)
{
	struct dirent **list;
	int n = scandir(u->dir, &list, is_script, alphasort);

	if (n <= 0) {
		printf("SKIPPED: the suite is missing, no scripts in %s\n", u->dir);
		exit(77);
	}
	for (int i = 0; i < n; i++) {
		run_script(u, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

int main(int argc, char **argv)
{
	static struct runner u;
	struct wasm_memory_ops ops = {.create = memory_create, .grow = memory_grow};
	struct arena a;
	void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		u.verbose = true;
		argv++;
		argc--;
	}
	if (argc > 1 && (strcmp(argv[1], "-b") == 0 || strcmp(argv[1], "-o") == 0)) {
		u.tier = argv[1][1] == 'b' ? 1 : 2;
		must(code_memory_open(&u.code));
		argv++;
		argc--;
	}
	if (argc > 4 && strcmp(argv[1], "-k") == 0) {
		u.in_keep = true;
		u.options = (struct keep_options){argv[2], argv[3], argv[4], "none", "/nonexistent", 1ull << 30};
		argv += 4;
		argc -= 4;
	}
	u.keep = (struct keep_process){.pid = -1, .control = -1, .session = -1};
	u.request = malloc(REQUEST_MAX);
	if (argc < 2 || p == MAP_FAILED || u.request == NULL) {
		fprintf(stderr, "usage: spec-runner [-v] [-b | -o] [-k KEEPER IMAGE BACKEND] DIRECTORY [SCRIPT...]\n");
		return 2;
	}
	a = arena_of(p, ARENA_BYTES);
	a.dirty = 0;
	u.dir = argv[1];
	executor_init(&u.x, &a, ops, u.code);
	memories_free();
	if (argc == 2)
		run_all(&u);
	for (int i = 2; i < argc; i++)
		run_script(&u, argv[i]);
	printf("%u passed, %u failed, %u skipped\n", u.passed, u.failed, u.skipped);
	free(u.request);
	if (u.in_keep)
		keep_end(&u.keep);
	return u.failed == 0 ? 0 : 1;
}
