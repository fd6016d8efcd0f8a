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

/* Sorted, as the names of the cases are. */
static json_t *file_names(struct slice blob)
{
	struct esm_files f = {.count = 0};
	struct esm e;
	json_t *o = json_array();
	size_t at;

	if (esm_parse(blob, &e) != OK || e.files.size == 0 || esm_files_parse(e.files, &f) != OK)
		return o;
	for (size_t i = 0; i < f.count; i++) {
		for (at = 0; at < i && strcmp(json_string_value(json_array_get(o, at)), f.names[i]) < 0; at++)
			;
		json_array_insert_new(o, at, json_string(f.names[i]));
	}
	return o;
}

static json_t *pef_facts(struct slice blob, const struct esm_digests *d)
{
	json_t *o = json_object();

	fact_number(o, "kernel_size", d->kernel_size);
	fact_hex(o, "kernel", d->kernel);
	fact_hex(o, "initrd", d->initrd);
	fact_hex(o, "bootargs", d->bootargs);
	fact_hex(o, "rtas", d->rtas);
	json_object_set_new(o, "files", file_names(blob));
	return o;
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
	return o != PASSED || !v.ok ? o : case_facts(c, pef_facts(in.blob, &d));
}

static const struct kind kinds[] = {
        {"pef_esm", pef_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"fdt-magic", "pef.blob.read pef.digests.read pef.files.read"},
        {"fdt-size", "pef.blob.read pef.digests.read pef.files.read"},
        {"fdt-token", "pef.blob.read pef.digests.read pef.files.read"},
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
