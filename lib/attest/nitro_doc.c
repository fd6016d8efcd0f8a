/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/nitro_doc.h"

#include "lib/attest/cbor_any.h"

enum { CERT_MAX = 1024, KEY_MAX = 1024, DATA_MAX = 512, FIELDS_MAX = 32 };

static enum err sized(struct reader *r, enum cbor_any_kind kind, size_t min, size_t max, struct slice *out)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, kind, &a));
	*out = a.string;
	return a.string.size >= min && a.string.size <= max ? OK : ERR_RANGE;
}

static enum err module_id(struct reader *r, struct nitro_doc *d)
{
	return sized(r, ANY_TEXT, 1, NITRO_DOC_SIZE_MAX, &d->module_id);
}

static enum err digest(struct reader *r, struct nitro_doc *d)
{
	struct cbor_any a;

	(void)d;
	TRY(cbor_any_of(r, ANY_TEXT, &a));
	return slice_equal(a.string, slice_text("SHA384")) ? OK : ERR_UNSUPPORTED;
}

static enum err timestamp(struct reader *r, struct nitro_doc *d)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_UINT, &a));
	d->timestamp_ms = a.value;
	return a.value > 0 && a.value <= INT64_MAX ? OK : ERR_RANGE;
}

static enum err pcrs(struct reader *r, struct nitro_doc *d)
{
	struct cbor_any map, index;
	size_t count;

	TRY(cbor_any_of(r, ANY_MAP, &map));
	for (count = 0; cbor_any_more(r, &map); count++) {
		struct slice value;

		TRY(cbor_any_of(r, ANY_UINT, &index));
		if (index.value >= NITRO_PCR_COUNT || d->pcrs[index.value].size > 0)
			return ERR_RANGE;
		TRY(sized(r, ANY_BYTES, 32, 64, &value));
		if (value.size % 16 != 0)
			return ERR_RANGE;
		d->pcrs[index.value] = value;
	}
	return count > 0 ? OK : ERR_RANGE; /* no index twice, so never too many */
}

static enum err certificate(struct reader *r, struct nitro_doc *d)
{
	return sized(r, ANY_BYTES, 1, CERT_MAX, &d->certificate);
}

static enum err cabundle(struct reader *r, struct nitro_doc *d)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_ARRAY, &a));
	for (d->ca_count = 0; cbor_any_more(r, &a); d->ca_count++) {
		if (d->ca_count == NITRO_CA_MAX)
			return ERR_LIMIT;
		TRY(sized(r, ANY_BYTES, 1, CERT_MAX, &d->cabundle[d->ca_count]));
	}
	return d->ca_count > 0 ? OK : ERR_LIMIT;
}

static enum err optional(struct reader *r, size_t max, struct slice *out)
{
	struct cbor_any a;

	TRY(cbor_any(r, &a));
	if (a.kind == ANY_SIMPLE && a.value == ANY_NULL)
		return OK;
	*out = a.string;
	if (a.kind != ANY_BYTES)
		return ERR_INVALID;
	return a.string.size <= max ? OK : ERR_RANGE;
}

static enum err public_key(struct reader *r, struct nitro_doc *d)
{
	return optional(r, KEY_MAX, &d->public_key);
}

static enum err user_data(struct reader *r, struct nitro_doc *d)
{
	return optional(r, DATA_MAX, &d->user_data);
}

static enum err nonce(struct reader *r, struct nitro_doc *d)
{
	return optional(r, DATA_MAX, &d->nonce);
}

static const struct field {
	const char *name;
	bool needed;
	enum err (*read)(struct reader *r, struct nitro_doc *d);
} fields[] = {
        {"module_id", true, module_id},
        {"digest", true, digest},
        {"timestamp", true, timestamp},
        {"pcrs", true, pcrs},
        {"certificate", true, certificate},
        {"cabundle", true, cabundle},
        {"public_key", false, public_key},
        {"user_data", false, user_data},
        {"nonce", false, nonce},
};

/* Reads one pair; *seen has a bit for each field. */
static enum err pair(struct reader *r, struct nitro_doc *d, unsigned *seen, struct slice *name)
{
	struct cbor_any key;

	TRY(cbor_any_of(r, ANY_TEXT, &key));
	*name = key.string;
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
		if (!slice_equal(key.string, slice_text(fields[i].name)))
			continue;
		if ((*seen >> i & 1) != 0)
			return ERR_EXISTS;
		*seen |= 1u << i;
		return fields[i].read(r, d);
	}
	return cbor_any_skip(r);
}

static enum err payload(struct nitro_doc *d, struct slice *name)
{
	struct reader r = rd_of(d->cose.payload);
	struct cbor_any map;
	unsigned seen = 0;

	TRY(cbor_any_of(&r, ANY_MAP, &map));
	for (size_t i = 0; cbor_any_more(&r, &map); i++) {
		if (i == FIELDS_MAX)
			return ERR_LIMIT;
		TRY(pair(&r, d, &seen, name));
	}
	*name = slice_of(NULL, 0);
	TRY(rd_end(&r));
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
		*name = slice_text(fields[i].name);
		if (fields[i].needed && (seen >> i & 1) == 0)
			return ERR_NOT_FOUND;
	}
	return OK;
}

/* {"name": value} of one pair, up to the value. */
static enum err only_key(struct reader *r, const char *name, struct cbor_any *map)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_MAP, map));
	if (!cbor_any_more(r, map))
		return ERR_FORMAT;
	TRY(cbor_any_of(r, ANY_TEXT, &a));
	return slice_equal(a.string, slice_text(name)) ? OK : ERR_FORMAT;
}

static enum err unwrap(struct slice *in)
{
	struct reader r = rd_of(*in);
	struct cbor_any outer, inner, a;

	if (in->size == 0 || in->data[0] >> 5 != ANY_MAP)
		return OK;
	TRY(only_key(&r, "Attestation", &outer));
	TRY(only_key(&r, "document", &inner));
	TRY(cbor_any_of(&r, ANY_BYTES, &a));
	*in = a.string;
	if (cbor_any_more(&r, &inner) || cbor_any_more(&r, &outer))
		return ERR_FORMAT;
	return rd_end(&r);
}

static enum err document(struct slice in, struct nitro_doc *d)
{
	struct reader r;

	if (in.size > NITRO_DOC_SIZE_MAX)
		return ERR_LIMIT;
	TRY(unwrap(&in));
	r = rd_of(in);
	TRY(cose_sign1_read(&r, &d->cose));
	if (d->cose.alg != COSE_ES384 || d->cose.signature.size != NITRO_SIGNATURE_SIZE)
		return ERR_UNSUPPORTED;
	return rd_end(&r);
}

enum err nitro_doc_parse(struct slice in, struct nitro_doc *out, struct note *n)
{
	struct slice name = slice_of(NULL, 0);
	enum err err;

	*out = (struct nitro_doc){.ca_count = 0};
	err = document(in, out);
	if (err != OK)
		return refuse(n, err, "COSE_Sign1 with ES384: %s", err_text(err));
	err = payload(out, &name);
	for (size_t i = 0; err != OK && i < ARRAY_COUNT(fields); i++)
		if (slice_equal(name, slice_text(fields[i].name)))
			return refuse(n, err, "field %s: %s", fields[i].name, err_text(err));
	return err == OK ? OK : refuse(n, err, "payload: %s", err_text(err));
}
