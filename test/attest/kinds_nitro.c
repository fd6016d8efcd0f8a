/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of AWS Nitro Enclaves. */
#include "test/attest/kinds.h"

#include "client/attest/nitro.h"
#include "client/attest/x509.h"

#include <stdio.h>
#include <stdlib.h>

static void bound_fact(json_t *facts, const char *key, struct slice value)
{
	if (value.data == NULL)
		json_object_set_new(facts, key, json_null());
	else
		fact_hex(facts, key, value);
}

/* PCRs that are zero are left out. */
static json_t *pcr_facts(const struct nitro_doc *d)
{
	json_t *o = json_object();
	char key[8];

	for (unsigned i = 0; i < NITRO_PCR_COUNT; i++) {
		snprintf(key, sizeof key, "%u", i);
		if (!slice_is_zero(d->pcrs[i]))
			fact_hex(o, key, d->pcrs[i]);
	}
	return o;
}

static json_t *nitro_facts(const struct nitro_doc *d, const uint8_t root[static NITRO_ROOT_SIZE])
{
	json_t *o = json_object();
	char at[32];

	time_text((int64_t)(d->timestamp_ms / 1000), at, sizeof at);
	fact_text(o, "module_id", d->module_id);
	fact_text(o, "timestamp", slice_text(at));
	json_object_set_new(o, "pcrs", pcr_facts(d));
	bound_fact(o, "nonce", d->nonce);
	bound_fact(o, "user_data", d->user_data);
	bound_fact(o, "public_key", d->public_key);
	fact_hex(o, "root", slice_of(root, NITRO_ROOT_SIZE));
	return o;
}

/* room: for the bytes of the values demanded. */
static void demands(json_t *opt, struct nitro_input *in, uint8_t room[NITRO_PCR_COUNT][64])
{
	json_t *value;
	const char *index;

	in->allow_debug = case_option(opt, "allow_debug", false);
	json_object_foreach(json_object_get(opt, "pcrs"), index, value)
	{
		unsigned long i = strtoul(index, NULL, 10);

		if (i >= NITRO_PCR_COUNT)
			exit(2);
		in->pcrs[i] = slice_of(room[i], case_hex(json_string_value(value), room[i], 64));
	}
}

static const struct slice *demanded(json_t *opt, const char *key, struct slice *s, uint8_t *room)
{
	if (json_object_get(opt, key) == NULL)
		return NULL;
	*s = slice_of(room, case_hex(case_text(opt, key), room, 1024));
	return s;
}

static enum outcome nitro_case(struct vector *c)
{
	static uint8_t pcrs[NITRO_PCR_COUNT][64], rooms[3][1024];
	json_t *opt = json_object_get(c->json, "opt");
	struct slice root = case_file(c, "root"), bound[3];
	struct nitro_input in = {.doc = case_file(c, "doc"), .at = case_at(c)};
	uint8_t pin[NITRO_ROOT_SIZE];
	struct nitro_doc doc;
	struct verdict v;
	enum outcome o;
	bool read = nitro_doc_parse(in.doc, &doc, NULL) == OK;

	SHA256(root.data, root.size, pin);
	in.root = root.size > 0 ? pin : NULL;
	if (in.at == 0 && read) /* a case without a time is judged at the time stamped in the document */
		in.at = (int64_t)(doc.timestamp_ms / 1000);
	demands(opt, &in, pcrs);
	in.nonce = demanded(opt, "nonce", &bound[0], rooms[0]);
	in.user_data = demanded(opt, "user_data", &bound[1], rooms[1]);
	in.public_key = demanded(opt, "public_key", &bound[2], rooms[2]);
	nitro_verify(&in, &v);
	o = case_compare(c, &v);
	return o != PASSED || !v.ok ? o : case_facts(c, nitro_facts(&doc, pin));
}

static const struct kind kinds[] = {
        {"nitro", nitro_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"digest", "nitro.doc.read"},
        {"module-id", "nitro.doc.read"},
        {"timestamp", "nitro.doc.read"},
        {"cert-expired", "nitro.chain.time"},
        {"cert-not-yet-valid", "nitro.chain.time"},
        {"cose-signature", "nitro.doc.signature"},
        {"cose-signature-length", "nitro.doc.read"},
        {"cose-alg", "nitro.doc.read"},
        {"cose-tag", "nitro.doc.read"},
        {"cose-structure", "nitro.doc.read"},
        {"payload-trailing", "nitro.doc.read"},
        {"pcrs", "nitro.doc.read"},
        {"pcr-size", "nitro.doc.read"},
        {"cabundle", "nitro.doc.read"},
        {"pcr0-zero-debug-mode", "nitro.debug"},
        {"pcr-mismatch", "nitro.pcrs"},
        {"root-untrusted", "nitro.root.pinned"},
        {"chain-signature", "nitro.chain.signature nitro.chain.issuer"},
        {"issuer-not-ca", "nitro.chain.use"},
        {"issuer-key-usage", "nitro.chain.use"},
        {"path-length", "nitro.chain.use"},
        {"leaf-curve", "nitro.chain.key nitro.doc.read"},
        {NULL, NULL},
};

const struct kind_set nitro_set = {kinds, reasons};
