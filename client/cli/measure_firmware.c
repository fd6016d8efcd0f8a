/* SPDX-License-Identifier: Apache-2.0 */
/* SEV, SEV-ES and SNP guests that boot firmware: options and files to lib/measure/launch.h. */
#include "client/cli/measured.h"
#include "client/cli/value.h"
#include "lib/base/sha256.h"
#include "lib/measure/launch.h"
#include "sys/file.h"

#include <stdlib.h>

enum { KERNEL_MAX = 256 << 20, INITRD_MAX = 1 << 30 };

void measured_add(struct measured *m, const char *name, const char *from, const uint8_t *bytes, size_t size)
{
	struct measured_digest *d = &m->digests[m->count];

	CHECK(m->count < MEASURED_DIGESTS_MAX && size <= MEASURED_DIGEST_MAX);
	d->name = name;
	d->from = from;
	d->size = size;
	memcpy(d->bytes, bytes, size);
	m->count++;
}

/* QEMU's names; what stands behind one ("-v2", "-IBPB") changes nothing that is measured. Longest first. */
static const struct cpu {
	const char *name;
	uint32_t family, model, stepping;
} cpus[] = {
        {"EPYC-Rome", 23, 49, 0}, {"EPYC-Milan", 25, 1, 1}, {"EPYC-Genoa", 25, 17, 0},
        {"EPYC-Turin", 26, 0, 0}, {"EPYC", 23, 1, 2},
};

static enum err cpu_signature(const char *text, uint32_t *out, struct note *n)
{
	unsigned family, model, stepping;
	int used = 0;

	for (size_t i = 0; i < ARRAY_COUNT(cpus); i++) {
		const size_t size = strlen(cpus[i].name);

		if (strncmp(text, cpus[i].name, size) != 0 ||
		    !(text[size] == 0 || strncmp(text + size, "-v", 2) == 0 || strncmp(text + size, "-IBPB", 5) == 0))
			continue;
		*out = launch_cpu_signature(cpus[i].family, cpus[i].model, cpus[i].stepping);
		return OK;
	}
	if (sscanf(text, "%3u,%3u,%2u%n", &family, &model, &stepping, &used) != 3 || text[used] != 0 ||
	    family > 15 + 255 || model > 255 || stepping > 15)
		return refuse(n, ERR_INVALID,
		              "--vcpu-type %s: say EPYC, EPYC-Rome, EPYC-Milan, EPYC-Genoa, EPYC-Turin, or "
		              "FAMILY,MODEL,STEPPING in decimal",
		              text);
	*out = launch_cpu_signature(family, model, stepping);
	return OK;
}

static enum err vmm_of(const char *text, enum launch_vmm *out, struct note *n)
{
	static const char *const names[] = {[LAUNCH_QEMU] = "qemu", [LAUNCH_EC2] = "ec2", [LAUNCH_GCE] = "gce"};

	for (size_t i = 0; text != NULL && i < ARRAY_COUNT(names); i++)
		if (strcmp(names[i], text) == 0) {
			*out = (enum launch_vmm)i;
			return OK;
		}
	return text == NULL ? OK : refuse(n, ERR_INVALID, "--vmm %s: say qemu, ec2 or gce", text);
}

static void sha256(struct slice in, uint8_t out[static 32])
{
	br_sha256_context c;

	br_sha256_init(&c);
	br_sha256_update(&c, in.data, in.size);
	br_sha256_out(&c, out);
}

static enum err hash_file(const char *path, size_t max, uint8_t out[static 32], struct note *n)
{
	struct slice s = {NULL, 0};

	if (path != NULL)
		TRY(file_read(path, max, &s, n));
	sha256(s, out);
	free((void *)(uintptr_t)s.data);
	return OK;
}

static enum err kernel_of(const struct cli *c, struct launch_kernel *k, const struct launch_kernel **used,
                          struct note *n)
{
	const char *cmdline = cli_value(c, "cmdline");

	if (!cli_has(c, "kernel")) {
		if (cli_has(c, "initrd") || cmdline != NULL)
			return refuse(n, ERR_INVALID, "--initrd and --cmdline go with --kernel FILE");
		return OK;
	}
	TRY(hash_file(cli_value(c, "kernel"), KERNEL_MAX, k->kernel, n));
	TRY(hash_file(cli_value(c, "initrd"), INITRD_MAX, k->initrd, n));
	cmdline = cmdline != NULL ? cmdline : "";
	sha256(slice_of(cmdline, strlen(cmdline) + 1), k->cmdline);
	*used = k;
	return OK;
}

static enum err features_of(const struct cli *c, bool snp, struct launch *l, struct note *n)
{
	l->features = snp ? 1 : 0;
	TRY(value_number(c, "features", UINT64_MAX, &l->features, n));
	if (snp && (l->features & 1) == 0)
		return refuse(n, ERR_INVALID, "--features %llxh: bit 0 (SNP) is set in every SNP guest",
		              (unsigned long long)l->features);
	return snp || !cli_has(c, "features") ? OK : refuse(n, ERR_INVALID, "--features: only SNP measures them");
}

static enum err launch_of(const struct cli *c, bool snp, struct launch *l, struct launch_kernel *k, struct note *n)
{
	const char *type = cli_value(c, "vcpu-type");
	uint64_t vcpus = 1;

	TRY(vmm_of(cli_value(c, "vmm"), &l->vmm, n));
	TRY(value_number(c, "vcpus", LAUNCH_VCPUS_MAX, &vcpus, n));
	TRY(value_number(c, "vmsa-gpa", UINT64_MAX, &l->vmsa_gpa, n));
	TRY(features_of(c, snp, l, n));
	TRY(kernel_of(c, k, &l->kernel, n));
	l->vcpus = (uint32_t)vcpus;
	return cpu_signature(type != NULL ? type : "EPYC-Milan", &l->vcpu_signature, n);
}

static enum err digest_of(const char *tee, const struct launch *l, struct measured *m, struct note *n)
{
	uint8_t digest[SNP_CHAIN_DIGEST_SIZE];

	if (strcmp(tee, "snp") == 0) {
		TRY(launch_measure_snp(l, digest, n));
		measured_add(m, "measurement", m->path, digest, SNP_CHAIN_DIGEST_SIZE);
		return OK;
	}
	TRY(launch_measure_sev(l, strcmp(tee, "sev-es") == 0, digest, n));
	measured_add(m, "launch-digest", m->path, digest, LAUNCH_SEV_DIGEST_SIZE);
	return OK;
}

enum err measure_firmware(const struct cli *c, const char *tee, const char *path, struct measured *m, struct note *n)
{
	struct note why = {""};
	struct launch_kernel k;
	struct launch l = {.vmm = LAUNCH_QEMU};
	enum err err;

	TRY(launch_of(c, strcmp(tee, "snp") == 0, &l, &k, n));
	TRY(file_read(path, OVMF_SIZE_MAX, &l.firmware, n));
	*m = (struct measured){.tee = tee, .kind = "firmware", .path = path, .vcpus = l.vcpus};
	err = digest_of(tee, &l, m, &why);
	free((void *)(uintptr_t)l.firmware.data);
	return err == OK ? OK : refuse(n, err, "%s: %s", path, why.text[0] != 0 ? why.text : err_text(err));
}
