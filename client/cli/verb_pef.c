/* SPDX-License-Identifier: Apache-2.0 */
/* broch pef make|check: ESM blobs, which say what a machine with IBM's Protected Execution Facility may start. */
#include "client/attest/pef_make.h"
#include "client/attest/pef.h"
#include "client/attest/verdict.h"
#include "client/cli/keyfile.h"
#include "client/cli/value.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <stdlib.h>

enum { FILE_MAX = 1 << 30 };

/* What is started, as files; owned. */
struct files {
	struct slice rtas, kernel, initrd, bootargs, blob;
};

static void drop(struct slice s)
{
	free((void *)(uintptr_t)s.data);
}

static void files_free(struct files *f)
{
	drop(f->rtas);
	drop(f->kernel);
	drop(f->initrd);
	drop(f->blob);
}

/* Absent is empty: a machine may start a kernel without an initrd. */
static enum err one_file(const struct cli *c, const char *option, struct slice *out, struct note *n)
{
	return cli_has(c, option) ? file_read(cli_value(c, option), FILE_MAX, out, n) : OK;
}

static enum err files_read(const struct cli *c, struct files *f, struct note *n)
{
	const char *bootargs = cli_value(c, "bootargs");

	TRY(one_file(c, "rtas", &f->rtas, n));
	TRY(one_file(c, "kernel", &f->kernel, n));
	TRY(one_file(c, "initrd", &f->initrd, n));
	f->bootargs = slice_text(bootargs != NULL ? bootargs : "");
	return OK;
}

/* ---- make ---- */

static enum err recipients(const struct cli *c, EVP_PKEY **keys, size_t *count, struct note *n)
{
	const char *where;
	size_t at = 0;

	while ((where = cli_next(c, "recipient", &at)) != NULL) {
		if (*count == ESM_LOCKBOX_MAX)
			return refuse(n, ERR_INVALID, "--recipient: at most %u", (unsigned)ESM_LOCKBOX_MAX);
		TRY(keyfile_public(where, &keys[*count], n));
		++*count;
	}
	return OK;
}

static enum err write_blob(const struct cli *c, const struct pef_plan *p, struct note *n)
{
	static uint8_t room[PEF_BLOB_MAX];
	struct writer w = wr_of(room, sizeof room);

	TRY(pef_esm_make(p, &w, n));
	return file_replace(cli_value(c, "out"), wr_slice(&w), 0644, n);
}

static enum err make(const struct cli *c, struct files *f, struct note *n)
{
	static const char *const needed[] = {"recipient", "kernel", "rtas", "out"};
	static const char *const not [] = {"key", NULL};
	EVP_PKEY *keys[ESM_LOCKBOX_MAX] = {NULL};
	struct pef_plan p = {.recipients = keys};
	enum err err;

	TRY(value_unwanted(c, not, "making a blob", n));
	for (size_t i = 0; i < ARRAY_COUNT(needed); i++)
		TRY(value_needed(c, needed[i], n));
	TRY(files_read(c, f, n));
	p.rtas = f->rtas;
	p.kernel = f->kernel;
	p.initrd = f->initrd;
	p.bootargs = f->bootargs;
	err = recipients(c, keys, &p.count, n);
	if (err == OK)
		err = write_blob(c, &p, n);
	for (size_t i = 0; i < p.count; i++)
		EVP_PKEY_free(keys[i]);
	return err;
}

/* ---- check ---- */

static void print_digests(const struct esm_digests *d)
{
	const struct {
		const char *name;
		struct slice digest;
	} rows[] = {{"rtas", d->rtas}, {"kernel", d->kernel}, {"initrd", d->initrd}, {"bootargs", d->bootargs}};
	char hex[2 * ESM_DIGEST_SIZE + 1];

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		hex_encode(rows[i].digest, hex);
		printf("%s  %s\n", hex, rows[i].name);
	}
}

static enum err judge(const struct cli *c, const struct pef_input *in)
{
	uint8_t room[PEF_DIGESTS_MAX];
	struct esm_digests digests;
	struct verdict v;

	pef_esm_verify(in, room, &digests, &v);
	if (c->json)
		return cli_json(c, verdict_json(&v)) != STATUS_OK ? ERR_IO : v.ok ? OK : ERR_REFUSED;
	(c->verbose ? verdict_print_checks : verdict_print)(stdout, &v, c->color_out);
	if (v.ok)
		print_digests(&digests);
	return v.ok ? OK : ERR_REFUSED;
}

static enum err check(const struct cli *c, struct files *f, struct note *n)
{
	static const char *const not [] = {"recipient", "out", "rtas", NULL};
	struct pef_input in = {.compare = cli_has(c, "kernel")};
	enum err err;

	TRY(value_unwanted(c, not, "checking a blob", n));
	TRY(value_needed(c, "key", n));
	if (!in.compare && (cli_has(c, "initrd") || cli_has(c, "bootargs")))
		return refuse(n, ERR_INVALID, "--initrd and --bootargs are compared together with --kernel FILE");
	TRY(files_read(c, f, n));
	TRY(file_read(c->operands[1], PEF_BLOB_MAX, &f->blob, n));
	TRY(keyfile_private(cli_value(c, "key"), &in.key, n));
	in.blob = f->blob;
	in.kernel = f->kernel;
	in.initrd = f->initrd;
	in.bootargs = f->bootargs;
	err = judge(c, &in);
	EVP_PKEY_free(in.key);
	return err;
}

/* ---- the verb ---- */

static int pef_run(struct cli *c)
{
	struct files f = {.blob = {NULL, 0}};
	struct note n = {""};
	enum err err;

	if (strcmp(c->operands[0], "make") == 0 && c->operand_count == 1)
		err = make(c, &f, &n);
	else if (strcmp(c->operands[0], "check") == 0 && c->operand_count == 2)
		err = check(c, &f, &n);
	else
		return cli_usage(c, "say make or check BLOB");
	files_free(&f);
	if (err == ERR_INVALID)
		return cli_usage(c, "%s", n.text[0] != 0 ? n.text : err_text(err));
	if (err == OK || err == ERR_REFUSED)
		return cli_flush(c, err == OK ? STATUS_OK : STATUS_REFUSED);
	return cli_fail_note(c, err, &n);
}

static const struct option pef_options[] = {
        {"kernel", 0, false, "FILE", "the kernel, as objcopy -O binary makes it"},
        {"initrd", 0, false, "FILE", "the initial file system; default: none"},
        {"bootargs", 0, false, "TEXT", "the kernel's arguments; default: none"},
        {"rtas", 0, false, "FILE", "make: the run-time services of the machine"},
        {"recipient", 0, true, "WHERE",
         "make: the public key of a machine that may start it, or of its owner (first): FILE or fd:N"},
        {"out", 'o', false, "FILE", "make: where the blob goes"},
        {"key", 0, false, "WHERE", "check: the private key of one recipient: a file, or fd:N"},
        {0},
};

const struct verb verb_pef = {
        .name = "pef",
        .summary = "make ESM blobs for IBM's Protected Execution Facility, and check them",
        .operands = "make|check BLOB",
        .options = pef_options,
        .details =
                "A machine with PEF has no report of a running guest. Its ultravisor starts what the digests in an ESM "
                "blob say, and nothing else, when the blob names the machine's key.\n"
                "\n"
                "make seals the digests (AES-256-GCM) under a key that is wrapped for each recipient (RSA-OAEP with "
                "SHA-256). It attaches no files.\n"
                "\n"
                "check opens a blob with a recipient's private key, compares it with the files when --kernel is given, "
                "and prints the digests. Exit status 3: it is for somebody else, damaged, or for other files.",
        .examples = "broch pef make --recipient owner.pub --recipient machine.pub --rtas rtas --kernel vmlinux.bin "
                    "--out guest.esm\n"
                    "broch pef check --key owner.pem --kernel vmlinux.bin guest.esm\n",
        .min = 1,
        .max = 2,
        .run = pef_run,
};
