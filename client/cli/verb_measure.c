/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/local.h"
#include "client/cli/cli.h"
#include "lib/base/hex.h"
#include "lib/measure/measure.h"
#include "sys/file.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
	IMAGE_MAX = 16 << 20,
	ARENA_SIZE = 256 << 20 /* of addresses; pages appear as they are touched */,
	PATH_SIZE = 4096
};

static const struct kind {
	const char *name, *image;
	enum boot_kind kind;
} kinds[] = {
        {"vm", "broch-keep-vm.elf", BOOT_VM},
        {"process", "broch-keep-process.elf", BOOT_PROCESS},
};

static const struct tee_name {
	const char *name;
	enum boot_tee tee;
} tees[] = {
        {"soft-snp", BOOT_TEE_SOFT},
        {"snp", BOOT_TEE_SNP},
};

static enum err measure_bytes(struct slice elf, struct plan_params params, uint8_t digest[static MEASURE_SNP_SIZE],
                              struct note *n)
{
	void *memory =
	        mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct arena a;
	struct plan plan;
	enum err err;

	if (memory == MAP_FAILED)
		return ERR_NOMEM;
	a = arena_of(memory, ARENA_SIZE);
	err = plan_build(&a, elf, params, &plan, n);
	if (err == OK)
		err = measure_snp(&plan, digest);
	munmap(memory, ARENA_SIZE);
	return err;
}

static enum err measure_file(const char *path, struct plan_params params, uint8_t digest[static MEASURE_SNP_SIZE],
                             struct note *n)
{
	struct note why = {""};
	struct slice elf;
	enum err err;

	TRY(file_read(path, IMAGE_MAX, &elf, n));
	err = measure_bytes(elf, params, digest, &why);
	free((void *)(uintptr_t)elf.data);
	return err == OK ? OK : refuse(n, err, "%s: %s", path, why.text[0] != 0 ? why.text : err_text(err));
}

/* One line, or one entry of the list. */
static enum err one(const struct cli *c, const char *path, const struct kind *k, const struct tee_name *t, json_t *list,
                    struct note *n)
{
	uint8_t digest[MEASURE_SNP_SIZE];
	char hex[2 * MEASURE_SNP_SIZE + 1];

	TRY(measure_file(path, (struct plan_params){k->kind, t->tee, 1}, digest, n));
	hex_encode(slice_of(digest, sizeof digest), hex);
	if (!c->json)
		printf("%s  %s %s %s\n", hex, t->name, k->name, path);
	else if (json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:s}", "digest", hex, "tee", t->name,
	                                               "kind", k->name, "vcpus", 1, "image", path)) != 0)
		return ERR_NOMEM;
	return OK;
}

static enum err each(const struct cli *c, const struct kind *wanted, const struct tee_name *t, json_t *list,
                     struct note *n)
{
	const char *given = c->operand_count > 0 ? c->operands[0] : NULL;
	char path[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (wanted != NULL ? wanted != k : given != NULL && i > 0)
			continue;
		if (given == NULL)
			TRY(sibling(k->image, path, sizeof path, n));
		TRY(one(c, given != NULL ? given : path, k, t, list, n));
	}
	return OK;
}

static int measure_run(struct cli *c)
{
	const struct kind *kind = NULL;
	const struct tee_name *tee = &tees[0];
	struct note n = {""};
	json_t *list = json_array();
	enum err err;

	for (size_t i = 0; cli_has(c, "kind") && i < ARRAY_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, cli_value(c, "kind")) == 0)
			kind = &kinds[i];
	for (size_t i = 0; cli_has(c, "tee") && i < ARRAY_COUNT(tees); i++)
		if (strcmp(tees[i].name, cli_value(c, "tee")) == 0)
			tee = &tees[i];
	if ((cli_has(c, "kind") && kind == NULL) ||
	    (cli_has(c, "tee") && strcmp(tee->name, cli_value(c, "tee")) != 0)) {
		json_decref(list);
		return cli_usage(c, "--kind is vm or process, --tee is soft-snp or snp");
	}
	err = each(c, kind, tee, list, &n);
	if (err == OK && c->json)
		return cli_json(c, json_pack("{s:s, s:o}", "schema", "broch.measure/1", "measurements", list));
	json_decref(list);
	return err == OK ? cli_flush(c, STATUS_OK) : cli_fail_note(c, err, &n);
}

static const struct option measure_options[] = {
        {"kind", 0, false, "KIND", "vm or process; default: both of the installed images, vm for an image given"},
        {"tee", 0, false, "TEE", "soft-snp (default) or snp"},
        {0},
};

const struct verb verb_measure = {
        .name = "measure",
        .summary = "compute launch digests offline",
        .operands = "[IMAGE]",
        .options = measure_options,
        .details = "Prints the launch digest that a Keep made from IMAGE reports: computed from the file by the code "
                   "that loads it, "
                   "without launching anything. Without IMAGE: those of the images installed with this broch. Put a "
                   "digest that you "
                   "trust into `measurements` of your policy.",
        .examples = "broch measure\n"
                    "broch measure --tee snp --kind vm build/bin/broch-keep-vm.elf\n",
        .min = 0,
        .max = 1,
        .run = measure_run,
};
