/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs attestation test vectors: vectors DIR. DIR holds folders with cases.json (and synth/cases-synth.json), each a
 * list of cases: input files, mutations, what the relying party demands, and the verdict expected. Kinds of evidence
 * that have no row in one of the sets are skipped and counted. Ends with "N passed, N failed, N skipped".
 */
#include "test/attest/kinds.h"

#include "lib/base/hex.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct kind_set *const sets[] = {&snp_set,   &dcap_set, &sev_set,   &measure_set, &misc_set,
                                              &nitro_set, &pef_set,  &ratls_set, &vtpm_set,    &cca_set,  &x509_set};

/* ---- input ---- */

const char *case_text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

size_t case_hex(const char *text, uint8_t *out, size_t max)
{
	size_t size = strlen(text) / 2;

	if (size > max || hex_decode(slice_text(text), out, size) != OK) {
		fprintf(stderr, "vectors: bad hex in a case: %s\n", text);
		exit(2);
	}
	return size;
}

/* Edits the bytes as the case says; memory has room for 4096 bytes more. */
static size_t mutate(json_t *edits, const char *role, uint8_t *data, size_t size)
{
	size_t i;
	json_t *m;

	json_array_foreach(edits, i, m)
	{
		json_int_t offset = json_integer_value(json_object_get(m, "offset"));
		size_t at = offset < 0 ? size - (size_t)-offset : (size_t)offset, n;
		uint8_t bytes[4096];

		if (strcmp(case_text(m, "file"), role) != 0)
			continue;
		n = case_hex(case_text(m, "xor"), bytes, sizeof bytes);
		for (size_t k = 0; k < n; k++)
			data[at + k] ^= bytes[k];
		n = case_hex(case_text(m, "set"), bytes, sizeof bytes);
		memcpy(data + at, bytes, n);
		n = case_hex(case_text(m, "append"), bytes, sizeof bytes);
		memcpy(data + size, bytes, n);
		size += n;
		if (json_object_get(m, "truncate") != NULL)
			size = at;
	}
	return size;
}

struct slice case_load(struct vector *c, const char *role, const char *path)
{
	char full[PATH_SIZE];
	struct slice s;
	struct note n = {""};
	uint8_t *copy;

	snprintf(full, sizeof full, "%s/%s", c->base, path);
	if (c->file_count == FILES_MAX || file_read(full, FILE_MAX, &s, &n) != OK) {
		fprintf(stderr, "vectors: %s\n", n.text);
		exit(2);
	}
	copy = realloc((void *)s.data, s.size + 4096);
	if (copy == NULL)
		exit(2);
	c->files[c->file_count++] = copy;
	return slice_of(copy, mutate(json_object_get(c->json, "mutate"), role, copy, s.size));
}

/* Block number *skip of PEM text, as the bytes in it. *skip counts down by the blocks passed over; empty: not so many. */
static struct slice block(struct vector *c, struct slice s, size_t *skip)
{
	BIO *bio = BIO_new_mem_buf(s.data, (int)s.size);
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long size = 0;
	uint8_t *copy = NULL;

	while (bio != NULL && copy == NULL && PEM_read_bio(bio, &name, &header, &data, &size) == 1) {
		if ((*skip)-- == 0 && c->file_count < FILES_MAX) {
			c->files[c->file_count++] = copy = malloc((size_t)size);
			if (copy == NULL)
				exit(2);
			memcpy(copy, data, (size_t)size);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	BIO_free(bio);
	return slice_of(copy, copy != NULL ? (size_t)size : 0);
}

/* Evidence holds PEM text, too; a file that is PEM begins with it. */
static bool is_pem(struct slice s)
{
	size_t at = 0;

	while (at < s.size && (s.data[at] == '\n' || s.data[at] == '\r' || s.data[at] == ' '))
		at++;
	return s.size - at >= 11 && memcmp(s.data + at, "-----BEGIN ", 11) == 0;
}

/* A file of PEM text is as many as it has blocks; damaged text with none is one. */
static struct slice plain(struct vector *c, struct slice s, size_t *skip)
{
	const size_t before = *skip;
	struct slice one;

	if (!is_pem(s))
		return (*skip)-- == 0 ? s : slice_of(NULL, 0);
	one = block(c, s, skip);
	return one.size == 0 && before == 0 && *skip == 0 ? s : one;
}

/* What stands at this place among the files of a role, which names one or a list of them; empty when there is none. */
struct slice case_file_at(struct vector *c, const char *role, size_t at)
{
	json_t *f = json_object_get(json_object_get(c->json, "files"), role);
	const size_t count = json_is_array(f) ? json_array_size(f) : f != NULL;

	for (size_t i = 0; i < count; i++) {
		json_t *path = json_is_array(f) ? json_array_get(f, i) : f;
		struct slice s;

		if (!json_is_string(path))
			continue;
		s = plain(c, case_load(c, role, json_string_value(path)), &at);
		if (at == SIZE_MAX || s.size > 0)
			return s;
	}
	return slice_of(NULL, 0);
}

struct slice case_file(struct vector *c, const char *role)
{
	return case_file_at(c, role, 0);
}

int64_t case_at(const struct vector *c)
{
	struct tm tm = {0};
	const char *at = case_text(c->json, "at");

	if (strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL) {
		tm = (struct tm){0};
		if (strptime(at, "%Y-%m-%d", &tm) == NULL)
			return 0;
	}
	return (int64_t)timegm(&tm);
}

bool case_option(json_t *opt, const char *key, bool unsaid)
{
	json_t *v = json_object_get(opt, key);

	return v == NULL ? unsaid : json_is_true(v);
}

struct slice case_input_file(struct vector *c, json_t *o, const char *key)
{
	const char *path = case_text(o, key);

	return path[0] == 0 || strcmp(path, "/dev/null") == 0 ? slice_of("", 0) : case_load(c, key, path);
}

uint32_t case_u32(json_t *o, const char *key, uint32_t unsaid)
{
	json_t *v = json_object_get(o, key);

	return v == NULL ? unsaid : (uint32_t)json_integer_value(v);
}

/* ---- comparing ---- */

static bool named(const struct verdict *v, const char *checks)
{
	for (size_t i = 0; i < v->check_count; i++) {
		const char *at = v->checks[i].result == CHECK_FAIL ? strstr(checks, v->checks[i].id) : NULL;
		size_t size = strlen(v->checks[i].id);

		if (at != NULL && (at[size] == 0 || at[size] == ' '))
			return true;
	}
	return false;
}

static bool reason_agrees(const struct verdict *v, const char *reason)
{
	bool known = false;

	for (size_t s = 0; s < ARRAY_COUNT(sets); s++)
		for (const struct reason *r = sets[s]->reasons; r->reason != NULL; r++) {
			if (strcmp(r->reason, reason) != 0)
				continue;
			if (named(v, r->checks))
				return true;
			known = true;
		}
	return !known; /* a word we do not know: the verdict alone counts */
}

enum outcome case_compare(struct vector *c, const struct verdict *v)
{
	json_t *expect = json_object_get(c->json, "expect");
	bool valid = strcmp(case_text(expect, "verdict"), "valid") == 0;
	const struct check *k = verdict_reason(v);

	if (v->ok != valid)
		snprintf(c->why, sizeof c->why, "expected %s, got %s (%s: expected %.150s, found %.150s)",
		         case_text(expect, "verdict"), v->ok ? "valid" : "invalid", k != NULL ? k->id : "",
		         k != NULL ? k->expected : "", k != NULL ? k->found : "");
	else if (!valid && !reason_agrees(v, case_text(expect, "reason")))
		snprintf(c->why, sizeof c->why, "refused for %s (%.150s), expected %s", k->id, k->found,
		         case_text(expect, "reason"));
	else
		return PASSED;
	return FAILED;
}

/* ---- all cases ---- */

static enum outcome run(struct vector *c)
{
	const char *kind = case_text(c->json, "kind");
	enum outcome o = SKIPPED;

	for (size_t s = 0; s < ARRAY_COUNT(sets); s++)
		for (const struct kind *k = sets[s]->kinds; k->kind != NULL; k++)
			if (strcmp(k->kind, kind) == 0)
				o = k->run(c);
	if (o == FAILED)
		printf("FAILED %s: %s\n", case_text(c->json, "id"), c->why);
	while (c->file_count > 0)
		free(c->files[--c->file_count]);
	json_decref(c->held);
	return o;
}

static void run_file(const char *path, bool parent, unsigned counts[static 3])
{
	char base[PATH_SIZE];
	json_error_t error;
	json_t *doc = json_load_file(path, 0, &error), *cases, *one;
	size_t i;

	if (doc == NULL) {
		fprintf(stderr, "vectors: %s:%d: %s\n", path, error.line, error.text);
		exit(2);
	}
	snprintf(base, sizeof base, "%s", path);
	for (int up = 0; up < 1 + parent; up++)
		*strrchr(base, '/') = 0;
	cases = json_is_array(doc) ? doc : json_object_get(doc, "cases");
	json_array_foreach(cases, i, one)
	{
		struct vector c = {.base = base, .json = one};

		counts[run(&c)]++;
	}
	json_decref(doc);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *pattern;
		bool parent;
	} where[] = {{"/cases.json", false},
	             {"/*/cases.json", false},
	             {"/synth/cases-synth.json", true},
	             {"/*/synth/cases-synth.json", true}};
	unsigned counts[3] = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: vectors DIR\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_COUNT(where); i++) {
		char pattern[PATH_SIZE];
		glob_t g;

		snprintf(pattern, sizeof pattern, "%s%s", argv[1], where[i].pattern);
		if (glob(pattern, 0, NULL, &g) == 0)
			for (size_t k = 0; k < g.gl_pathc; k++)
				run_file(g.gl_pathv[k], where[i].parent, counts);
		globfree(&g);
	}
	printf("check-attest: %u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
	if (counts[PASSED] + counts[FAILED] == 0) {
		fprintf(stderr, "vectors: no case that could be judged below %s\n", argv[1]);
		return 2;
	}
	return counts[FAILED] == 0 ? 0 : 1;
}
