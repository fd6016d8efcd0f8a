/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft_evidence STATE_DIR IMAGE FOLDER: what a Keep made from IMAGE would say under the test root in STATE_DIR, saved as
 * FOLDER/envelope (bare) and FOLDER/workload (bound to a manifest, as `broch inspect --evidence` saves it).
 */
#include "host/tee/tee.h"
#include "lib/attest/envelope.h"
#include "lib/session/manifest.h"
#include "lib/session/session.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_SIZE = 64 << 20 };

static void must(enum err err, const struct note *n)
{
	if (err == OK)
		return;
	fprintf(stderr, "soft_evidence: %s: %s\n", err_text(err), n->text);
	exit(1);
}

static void save(const char *folder, const char *name, struct slice bytes)
{
	char path[1024];
	struct note n = {""};

	snprintf(path, sizeof path, "%s/%s", folder, name);
	must(file_replace(path, bytes, 0600, &n), &n);
}

int main(int argc, char **argv)
{
	static uint8_t envelope[ENVELOPE_SIZE_MAX], file[2 * ENVELOPE_SIZE_MAX], manifest[4096];
	const struct manifest m = {.module = {{0xab, 0xcd}, 12345}, .name = slice_text("test")};
	const uint8_t hash[SESSION_HASH_SIZE] = {7}, key[65] = {4};
	uint8_t digest[32], report_data[64];
	struct workload_file f = {.hash = slice_of(hash, sizeof hash), .signing_key = slice_of(key, sizeof key)};
	struct arena a = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
	struct note n = {""};
	struct slice elf;
	struct plan plan;
	struct tee *t = NULL;
	size_t size, manifest_size;

	if (argc != 4)
		return 2;
	must(file_read(argv[2], 16 << 20, &elf, &n), &n);
	must(plan_build(&a, elf, (struct plan_params){BOOT_VM, BOOT_TEE_SOFT, 1}, &plan, &n), &n);
	must(tee_soft_snp.open(argv[1], &t, &n), &n);
	must(tee_soft_snp.launched(t, &plan, &n), &n);
	must(manifest_encode(&m, manifest, sizeof manifest, &manifest_size, &n), &n);
	SHA256(manifest, manifest_size, digest);
	session_workload_report_data(hash, digest, f.signing_key, slice_of(NULL, 0), report_data);
	must(tee_soft_snp.evidence(t, report_data, envelope, sizeof envelope, &size, &n), &n);
	save(argv[3], "envelope", slice_of(envelope, size));
	f.envelope = slice_of(envelope, size);
	f.manifest = slice_of(manifest, manifest_size);
	must(workload_file_encode(&f, file, sizeof file, &size), &n);
	save(argv[3], "workload", slice_of(file, size));
	tee_soft_snp.close(t);
	return 0;
}
