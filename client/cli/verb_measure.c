/* SPDX-License-Identifier: Apache-2.0 */
/* broch measure: which image under which TEE, and in which form the digests are printed. */
#include "client/agent/local.h"
#include "client/attest/corim.h"
#include "client/cli/keyfile.h"
#include "client/cli/measured.h"
#include "client/cli/times.h"
#include "lib/base/hex.h"
#include "lib/measure/measure.h"
#include "sys/file.h"

#include <errno.h>
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

enum shape { SHAPE_KEEP, SHAPE_FIRMWARE, SHAPE_TD, SHAPE_ENCLAVE };

static const struct tee_name {
	const char *name;
	enum boot_tee tee; /* of Keeps */
	enum shape shape;  /* what an image is when it is no Keep */
	const char *vendor, *model;
} tees[] = {
        {"soft-snp", BOOT_TEE_SOFT, SHAPE_KEEP, "Broch", "software stand-in for SEV-SNP"},
        {"snp", BOOT_TEE_SNP, SHAPE_FIRMWARE, "AMD", "SEV-SNP"},
        {"sev", BOOT_TEE_NONE, SHAPE_FIRMWARE, "AMD", "SEV"},
        {"sev-es", BOOT_TEE_NONE, SHAPE_FIRMWARE, "AMD", "SEV-ES"},
        {"sgx", BOOT_TEE_NONE, SHAPE_ENCLAVE, "Intel", "SGX"},
        {"tdx", BOOT_TEE_NONE, SHAPE_TD, "Intel", "TDX"},
};

enum form { FORM_TEXT, FORM_JSON, FORM_CORIM };

/* What was asked for, and what came out. */
struct job {
	const struct cli *c;
	const struct kind *kind; /* NULL: not said */
	const struct tee_name *tee;
	enum form form;
	const char *given; /* the operand; NULL: none */
	char paths[ARRAY_COUNT(kinds)][PATH_SIZE];
	struct measured found[MEASURED_MAX];
	size_t count;
	struct corim_validity validity;
	bool has_end;
};

/* ---- Keeps ---- */

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

static enum err one_keep(struct job *j, const char *path, const struct kind *k, struct note *n)
{
	struct measured *m = &j->found[j->count++];
	uint8_t digest[MEASURE_SNP_SIZE];

	TRY(measure_file(path, (struct plan_params){k->kind, j->tee->tee, 1}, digest, n));
	*m = (struct measured){.tee = j->tee->name, .kind = k->name, .path = path, .vcpus = 1};
	measured_add(m, "measurement", path, digest, sizeof digest);
	return OK;
}

static enum err keeps(struct job *j, struct note *n)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (j->kind != NULL ? j->kind != k : j->given != NULL && i > 0)
			continue;
		if (j->given == NULL)
			TRY(sibling(k->image, j->paths[i], sizeof j->paths[i], n));
		TRY(one_keep(j, j->given != NULL ? j->given : j->paths[i], k, n));
	}
	return OK;
}

/* ---- which is it? ---- */

static enum err is_elf(const char *path, bool *elf, struct note *n)
{
	char head[4] = "";
	FILE *f = fopen(path, "rbe");

	if (f == NULL)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	*elf = fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, "\177ELF", sizeof head) == 0;
	fclose(f);
	return OK;
}

static enum err foreign(struct job *j, struct note *n)
{
	struct measured *m = &j->found[j->count++];

	switch (j->tee->shape) {
	case SHAPE_FIRMWARE: return measure_firmware(j->c, j->tee->name, j->given, m, n);
	case SHAPE_TD: return measure_td(j->c, j->given, m, n);
	case SHAPE_ENCLAVE: return measure_enclave(j->c, j->given, m, n);
	case SHAPE_KEEP: break;
	}
	return refuse(n, ERR_UNSUPPORTED, "%s: no Keep image; firmware is measured with --tee snp, sev, sev-es or tdx",
	              j->given);
}

static enum err no_loader(const struct job *j, struct note *n)
{
	return refuse(n, ERR_UNSUPPORTED,
	              "%s: this version of Broch starts no Keeps under %s, so a Keep has no digest there; "
	              "give the %s that is started",
	              j->given != NULL ? j->given : "the installed images", j->tee->name,
	              j->tee->shape == SHAPE_ENCLAVE ? "enclave (.sgxs)" : "firmware");
}

static enum err measure(struct job *j, struct note *n)
{
	const bool other = (j->tee->shape == SHAPE_TD && cli_has(j->c, "event-log")) ||
	                   (j->tee->shape == SHAPE_ENCLAVE && cli_has(j->c, "sigstruct"));
	bool elf = !other;

	if (j->given != NULL)
		TRY(is_elf(j->given, &elf, n));
	if (elf && j->tee->tee == BOOT_TEE_SOFT)
		return keeps(j, n);
	if (elf)
		return no_loader(j, n);
	TRY(foreign(j, n));
	cli_say(j->c, "no Keep starts under %s in this version: these are the values of %s alone", j->tee->name,
	        j->found[0].path);
	return OK;
}

/* ---- printing ---- */

static void text_print(const struct job *j)
{
	char hex[2 * MEASURED_DIGEST_MAX + 1];

	for (size_t i = 0; i < j->count; i++)
		for (size_t k = 0; k < j->found[i].count; k++) {
			const struct measured *m = &j->found[i];
			const bool keep = j->tee->tee == BOOT_TEE_SOFT;

			hex_encode(slice_of(m->digests[k].bytes, m->digests[k].size), hex);
			printf("%s  %s %s %s\n", hex, m->tee, keep ? m->kind : m->digests[k].name, m->digests[k].from);
		}
}

static json_t *one_json(const struct measured *m)
{
	char hex[2 * MEASURED_DIGEST_MAX + 1];
	json_t *digests = json_object();
	json_t *o =
	        json_pack("{s:s, s:s, s:s, s:o}", "tee", m->tee, "kind", m->kind, "image", m->path, "digests", digests);

	for (size_t k = 0; o != NULL && k < m->count; k++) {
		hex_encode(slice_of(m->digests[k].bytes, m->digests[k].size), hex);
		json_object_set_new(digests, m->digests[k].name, json_string(hex));
		if (k == 0)
			json_object_set_new(o, "digest", json_string(hex));
	}
	if (o != NULL && m->vcpus > 0)
		json_object_set_new(o, "vcpus", json_integer(m->vcpus));
	return o;
}

static int json_print(const struct job *j)
{
	json_t *list = json_array();

	for (size_t i = 0; i < j->count; i++)
		json_array_append_new(list, one_json(&j->found[i]));
	return cli_json(j->c, json_pack("{s:s, s:o}", "schema", "broch.measure/1", "measurements", list));
}

static bool rtmr_index(const char *name, uint64_t *index)
{
	if (strncmp(name, "rtmr", 4) != 0)
		return false;
	*index = (uint64_t)(name[4] - '0');
	return true;
}

static enum err corim_bytes(const struct job *j, struct writer *w)
{
	struct corim_value values[MEASURED_MAX][MEASURED_DIGESTS_MAX];
	struct corim_reference refs[MEASURED_MAX];

	for (size_t i = 0; i < j->count; i++) {
		const struct measured *m = &j->found[i];

		refs[i] = (struct corim_reference){j->tee->vendor, j->tee->model, values[i], m->count};
		for (size_t k = 0; k < m->count; k++) {
			struct corim_value *v = &values[i][k];

			*v = (struct corim_value){.name = m->digests[k].name,
			                          .digest = slice_of(m->digests[k].bytes, m->digests[k].size)};
			v->is_register = rtmr_index(v->name, &v->index);
			v->name = v->is_register ? "rtmr" : v->name;
		}
	}
	return corim_write(refs, j->count, j->has_end ? &j->validity : NULL, w);
}

static enum err corim_print(const struct job *j, struct note *n)
{
	static uint8_t plain[CORIM_SIZE_MAX], sealed[CORIM_SIGNED_MAX];
	struct writer w = wr_of(plain, sizeof plain), s = wr_of(sealed, sizeof sealed);
	const char *signer = cli_value(j->c, "signer");
	EVP_PKEY *key = NULL;
	enum err err;

	TRY(corim_bytes(j, &w));
	if (!cli_has(j->c, "key")) {
		fwrite(plain, 1, wr_used(&w), stdout);
		return OK;
	}
	TRY(keyfile_private(cli_value(j->c, "key"), &key, n));
	err = corim_sign(key, signer != NULL ? signer : "broch measure", wr_slice(&w), &s, n);
	EVP_PKEY_free(key);
	if (err == OK)
		fwrite(sealed, 1, wr_used(&s), stdout);
	return err;
}

/* ---- options ---- */

/* NULL, or what is wrong. */
static const char *tee_of(struct job *j)
{
	const char *kind = cli_value(j->c, "kind"), *tee = cli_value(j->c, "tee");
	bool known = tee == NULL;

	for (size_t i = 0; kind != NULL && i < ARRAY_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			j->kind = &kinds[i];
	for (size_t i = 0; tee != NULL && i < ARRAY_COUNT(tees); i++)
		if (strcmp(tees[i].name, tee) == 0) {
			j->tee = &tees[i];
			known = true;
		}
	if ((kind != NULL && j->kind == NULL) || !known)
		return "--kind is vm or process, --tee is soft-snp, snp, sev, sev-es, sgx or tdx";
	return NULL;
}

/* How long a manifest may be used. */
static const char *validity_of(struct job *j)
{
	const char *from = cli_value(j->c, "not-before"), *to = cli_value(j->c, "not-after");

	if ((from != NULL || to != NULL) && j->form != FORM_CORIM)
		return "--not-before and --not-after are of a manifest: say --output corim";
	if (from != NULL && to == NULL)
		return "--not-before goes with --not-after: a manifest that has a beginning has an end";
	if ((from != NULL && !time_of(from, &j->validity.from)) || (to != NULL && !time_of(to, &j->validity.to)))
		return "--not-before, --not-after: write 2026-01-31, 2026-01-31T12:00:00Z or @SECONDS";
	if (from != NULL && j->validity.from > j->validity.to)
		return "--not-before is later than --not-after";
	j->validity.has_from = from != NULL;
	j->has_end = to != NULL;
	return NULL;
}

static const char *form_of(struct job *j)
{
	static const char *const forms[] = {"text", "json", "corim"};
	const char *form = cli_value(j->c, "output");
	bool known = form == NULL;

	j->form = j->c->json ? FORM_JSON : FORM_TEXT;
	for (size_t i = 0; form != NULL && i < ARRAY_COUNT(forms); i++)
		if (strcmp(forms[i], form) == 0) {
			j->form = (enum form)i;
			known = true;
		}
	if (!known)
		return "--output is text, json or corim";
	if ((cli_has(j->c, "key") || cli_has(j->c, "signer")) && j->form != FORM_CORIM)
		return "--key and --signer sign a manifest: say --output corim";
	if (cli_has(j->c, "signer") && !cli_has(j->c, "key"))
		return "--signer goes with --key";
	return validity_of(j);
}

/* An option that would change nothing has been misunderstood. */
static const char *idle_option(const struct job *j)
{
	static const struct {
		const char *option;
		enum shape shape;
		const char *words;
	} rows[] = {
	        {"kernel", SHAPE_FIRMWARE, "--kernel goes with --tee snp, sev or sev-es"},
	        {"initrd", SHAPE_FIRMWARE, "--initrd goes with --tee snp, sev or sev-es"},
	        {"cmdline", SHAPE_FIRMWARE, "--cmdline goes with --tee snp, sev or sev-es"},
	        {"vcpus", SHAPE_FIRMWARE, "--vcpus goes with --tee snp, sev or sev-es"},
	        {"vcpu-type", SHAPE_FIRMWARE, "--vcpu-type goes with --tee snp, sev or sev-es"},
	        {"features", SHAPE_FIRMWARE, "--features goes with --tee snp"},
	        {"vmm", SHAPE_FIRMWARE, "--vmm goes with --tee snp, sev or sev-es"},
	        {"vmsa-gpa", SHAPE_FIRMWARE, "--vmsa-gpa goes with --tee snp"},
	        {"event-log", SHAPE_TD, "--event-log goes with --tee tdx"},
	        {"two-pass", SHAPE_TD, "--two-pass goes with --tee tdx"},
	        {"sigstruct", SHAPE_ENCLAVE, "--sigstruct goes with --tee sgx"},
	        {"kind", SHAPE_KEEP, "--kind goes with Keep images, which start under soft-snp"},
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (cli_has(j->c, rows[i].option) && j->tee->shape != rows[i].shape)
			return rows[i].words;
	return NULL;
}

static int measure_print(struct job *j, struct note *n)
{
	enum err err = OK;

	if (j->form == FORM_JSON)
		return json_print(j);
	if (j->form == FORM_CORIM)
		err = corim_print(j, n);
	else
		text_print(j);
	return err == OK ? cli_flush(j->c, STATUS_OK) : cli_fail_note(j->c, err, n);
}

static int measure_run(struct cli *c)
{
	static struct job job;
	struct job *j = &job;
	struct note n = {""};
	const char *wrong;
	enum err err;

	*j = (struct job){.c = c, .tee = &tees[0], .given = c->operand_count > 0 ? c->operands[0] : NULL};
	if ((wrong = tee_of(j)) != NULL || (wrong = form_of(j)) != NULL || (wrong = idle_option(j)) != NULL)
		return cli_usage(c, "%s", wrong);
	err = measure(j, &n);
	if (err == ERR_INVALID)
		return cli_usage(c, "%s", n.text[0] != 0 ? n.text : err_text(err));
	if (err == ERR_REFUSED)
		return cli_fail(c, STATUS_REFUSED, "%s", n.text);
	return err == OK ? measure_print(j, &n) : cli_fail_note(c, err, &n);
}

static const struct option measure_options[] = {
        {"kind", 0, false, "KIND", "vm or process; default: both of the installed images, vm for an image given"},
        {"tee", 0, false, "TEE", "soft-snp (default), snp, sev, sev-es, sgx or tdx"},
        {"output", 0, false, "FORM", "text (default), json or corim: reference values for verifiers (CBOR)"},
        {"not-before", 0, false, "TIME", "corim: from when the values may be used"},
        {"not-after", 0, false, "TIME", "corim: until when"},
        {"key", 0, false, "WHERE", "sign the manifest with the EC key (PEM) in a file, or in fd:N"},
        {"signer", 0, false, "NAME", "who signs it, for the manifest's header"},
        {"kernel", 0, false, "FILE", "what the firmware starts directly (SEV, SEV-ES, SNP)"},
        {"initrd", 0, false, "FILE", "its initial file system"},
        {"cmdline", 0, false, "TEXT", "its command line"},
        {"vcpus", 0, false, "N", "how many virtual CPUs; default 1"},
        {"vcpu-type", 0, false, "CPU",
         "EPYC, EPYC-Rome, EPYC-Milan (default), EPYC-Genoa, EPYC-Turin, or "
         "FAMILY,MODEL,STEPPING"},
        {"features", 0, false, "BITS", "SEV_FEATURES of an SNP guest; default 0x1"},
        {"vmm", 0, false, "VMM", "qemu (default), ec2 or gce: who makes the first register state"},
        {"vmsa-gpa", 0, false, "ADDRESS", "where the register state lies; default: where Linux KVM puts it"},
        {"two-pass", 0, false, NULL, "TDX: the VMM adds all pages of a section before it measures them"},
        {"event-log", 0, false, "FILE", "TDX: replay this CCEL event log into RTMR0 to 3"},
        {"sigstruct", 0, false, "FILE", "SGX: check the signature structure and that it is this enclave's"},
        {0},
};

const struct verb verb_measure = {
        .name = "measure",
        .summary = "compute launch digests offline",
        .operands = "[IMAGE]",
        .options = measure_options,
        .details =
                "Prints the launch digest that a Keep made from IMAGE reports: computed from the file by the code "
                "that loads it, "
                "without launching anything. Without IMAGE: those of the images installed with this broch. Put a "
                "digest that you "
                "trust into `measurements` of your policy.\n"
                "\n"
                "With --tee other than soft-snp IMAGE is what such a platform starts, and not a Keep: the firmware of "
                "a "
                "VM (OVMF and its like) for snp, sev, sev-es and tdx, an SGX stream (.sgxs) or a layout (JSON) for "
                "sgx. Keeps do not "
                "start "
                "under these yet; the values are those of the file and the options given. For sev and sev-es it is the "
                "digest that LAUNCH_MEASURE covers. tdx also takes an event log, with a firmware image or alone; sgx "
                "a signature structure, which is refused (exit 3) when EINIT would refuse it or when it is of another "
                "enclave.\n"
                "\n"
                "An enclave's layout says which pages are added, in their order; a file lies beside it, pages without "
                "one are zero:\n"
                "\n"
                "  {\"size\": 65536, \"ssa_frame_size\": 1, \"segments\": [\n"
                "    {\"offset\": 0, \"type\": \"tcs\", \"pages\": 1},\n"
                "    {\"offset\": 4096, \"type\": \"rx\", \"file\": \"code.bin\"},\n"
                "    {\"offset\": 32768, \"type\": \"rw\", \"pages\": 4, \"measure\": false}]}\n"
                "\n"
                "--output corim writes the values as a manifest (draft-ietf-rats-corim) to standard output; with --key "
                "as a COSE_Sign1 message. The same values give the same manifest.",
        .examples =
                "broch measure\n"
                "broch measure --kind vm build/bin/broch-keep-vm.elf\n"
                "broch measure --tee snp --kernel vmlinuz --initrd initrd --cmdline console=ttyS0 --vcpus 4 OVMF.fd\n"
                "broch measure --tee tdx --event-log ccel.bin TDVF.fd\n"
                "broch measure --tee snp --output corim --key author.pem OVMF.fd >reference.corim\n",
        .min = 0,
        .max = 1,
        .run = measure_run,
};
