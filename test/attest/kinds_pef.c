/* SPDX-License-Identifier: Apache-2.0 */
/* ESM blobs of IBM's Protected Execution Facility. */
#include "test/attest/kinds.h"

#include "client/attest/pef.h"

#include <stdio.h>

static EVP_PKEY *private_key(struct slice der)
{
	const unsigned char *p = der.data;

	return d2i_AutoPrivateKey(NULL, &p, (long)der.size);
}

static bool files_are(struct vector *c, struct slice blob)
{
	json_t *want = json_object_get(json_object_get(json_object_get(c->json, "expect"), "fields"), "files");
	struct esm_files f = {.count = 0};
	struct esm e;
	bool same = esm_parse(blob, &e) == OK && (e.files.size == 0 || esm_files_parse(e.files, &f) == OK) &&
	            (want == NULL || json_array_size(want) == f.count);

	for (size_t i = 0; same && i < json_array_size(want); i++) {
		bool found = false;

		for (size_t j = 0; j < f.count; j++)
			found = found || strcmp(f.names[j], json_string_value(json_array_get(want, i))) == 0;
		same = found;
	}
	if (!same)
		snprintf(c->why, sizeof c->why, "field files: %zu found", f.count);
	return same;
}

static enum outcome fields(struct vector *c, const struct esm_digests *d)
{
	json_t *want = json_object_get(json_object_get(json_object_get(c->json, "expect"), "fields"), "kernel_size");

	if (want != NULL && json_integer_value(want) != d->kernel_size) {
		snprintf(c->why, sizeof c->why, "field kernel_size is %u", d->kernel_size);
		return FAILED;
	}
	return case_field_is(c, "kernel", d->kernel) && case_field_is(c, "initrd", d->initrd) &&
	                       case_field_is(c, "bootargs", d->bootargs) && case_field_is(c, "rtas", d->rtas)
	               ? PASSED
	               : FAILED;
}

static enum outcome pef_case(struct vector *c)
{
	static uint8_t room[PEF_DIGESTS_MAX];
	json_t *input = json_object_get(c->json, "input");
	struct pef_input in = {
	        .blob = case_file(c, "blob"), .key = private_key(case_file(c, "key")), .compare = input != NULL};
	struct esm_digests d;
	struct verdict v;
	enum outcome o;

	if (in.compare) {
		in.kernel = case_input_file(c, input, "kernel");
		in.initrd = case_input_file(c, input, "initrd");
		in.bootargs = slice_text(case_text(input, "bootargs"));
	}
	pef_esm_verify(&in, room, &d, &v);
	EVP_PKEY_free(in.key);
	o = case_compare(c, &v);
	if (o == PASSED && v.ok && !files_are(c, in.blob))
		return FAILED;
	return o != PASSED || !v.ok ? o : fields(c, &d);
}

static const struct kind kinds[] = {
        {"pef_esm", pef_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"fdt-magic", "pef.blob.read"},
        {"fdt-size", "pef.blob.read"},
        {"fdt-token", "pef.blob.read"},
        {"esm-compatible", "pef.blob.read"},
        {"esm-algorithm", "pef.blob.read"},
        {"esm-not-a-recipient", "pef.recipient"},
        {"esm-symkey", "pef.symkey"},
        {"esm-mac", "pef.digests.open"},
        {"esm-digest-algorithm", "pef.digests.read"},
        {"esm-kernel-digest", "pef.kernel"},
        {"esm-initrd-digest", "pef.initrd"},
        {"esm-bootargs-digest", "pef.bootargs"},
        {NULL, NULL},
};

const struct kind_set pef_set = {kinds, reasons};
