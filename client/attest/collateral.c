/* SPDX-License-Identifier: Apache-2.0 */
/* Taking pieces in: each reader says whether the bytes are its own, and the first that does has them. */
#include "client/attest/collateral.h"

#include "client/attest/sev.h"
#include "lib/attest/hcl.h"
#include "lib/attest/sev_cert.h"
#include "lib/base/hex.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096, FILE_SIZE_MAX = 1 << 20, DEPTH_MAX = 2 };

const char *collateral_kind_text(enum collateral_kind k)
{
	static const char *const text[COLLATERAL_KIND_COUNT] = {
	        "certificate", "revocation list", "TCB info",      "QE identity", "TPM quote",
	        "signature",   "PCR values",      "another quote", "SEV certificate", "unknown",
	};

	return text[k];
}

struct collateral *collateral_new(void)
{
	return calloc(1, sizeof(struct collateral));
}

void collateral_free(struct collateral *c)
{
	for (size_t i = 0; c != NULL && i < c->count; i++) {
		if (c->piece[i].borrowed)
			continue;
		free((void *)(uintptr_t)c->piece[i].bytes.data);
		free((void *)(uintptr_t)c->piece[i].signature.data);
	}
	free(c);
}

const struct collateral_piece *collateral_first(const struct collateral *c, enum collateral_kind kind)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == kind)
			return &c->piece[i];
	return NULL;
}

/* ---- one piece ---- */

struct taking {
	struct collateral *c;
	const char *origin;
	struct note *n;
	unsigned depth;
};

static struct slice copy(struct slice s)
{
	uint8_t *p = malloc(s.size + 1);

	if (p == NULL)
		return slice_of(NULL, 0);
	if (s.size > 0)
		memcpy(p, s.data, s.size);
	p[s.size] = 0;
	return slice_of(p, s.size);
}

static enum err put(const struct taking *t, enum collateral_kind kind, struct slice bytes, struct slice signature,
                    const char *name)
{
	struct collateral *c = t->c;
	struct collateral_piece *p;

	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == kind && slice_equal(c->piece[i].bytes, bytes) &&
		    slice_equal(c->piece[i].signature, signature))
			return OK;
	if (c->count == COLLATERAL_PIECES_MAX)
		return refuse(t->n, ERR_LIMIT, "%s: more than %d pieces of collateral; give only what belongs to it",
		              t->origin, COLLATERAL_PIECES_MAX);
	if (bytes.size + signature.size > COLLATERAL_SIZE_MAX - c->size)
		return refuse(t->n, ERR_LIMIT, "%s: more than %d bytes of collateral; give only what belongs to it",
		              t->origin, COLLATERAL_SIZE_MAX);
	p = &c->piece[c->count];
	*p = (struct collateral_piece){.kind = kind, .bytes = copy(bytes), .signature = copy(signature)};
	if (p->bytes.data == NULL || p->signature.data == NULL) {
		free((void *)(uintptr_t)p->bytes.data);
		free((void *)(uintptr_t)p->signature.data);
		return ERR_NOMEM;
	}
	slice_shown(slice_text(name), p->name, sizeof p->name);
	slice_shown(slice_text(t->origin), p->origin, sizeof p->origin);
	c->size += bytes.size + signature.size;
	c->count++;
	return OK;
}

static const struct slice nothing = {NULL, 0};

/* ---- certificates and lists ---- */

/* Also of what cert_read would refuse: then the judge says why. */
static void common_name(X509_NAME *of, char out[static CERT_CN_MAX])
{
	int at = of == NULL ? -1 : X509_NAME_get_index_by_NID(of, NID_commonName, -1);
	ASN1_STRING *s = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(of, at));
	int size = s == NULL ? 0 : ASN1_STRING_length(s);

	out[0] = 0;
	if (size > 0 && size < CERT_CN_MAX) {
		memcpy(out, ASN1_STRING_get0_data(s), (size_t)size);
		out[size] = 0;
	}
}

/* ERR_FORMAT here and below: it is something else. */
static enum err take_cert(const struct taking *t, struct slice s)
{
	const unsigned char *p = s.data;
	char name[CERT_CN_MAX];
	X509 *x;

	ERR_set_mark();
	x = s.size > 0 && s.size <= CERT_SIZE_MAX ? d2i_X509(NULL, &p, (long)s.size) : NULL;
	ERR_pop_to_mark();
	if (x == NULL)
		return ERR_FORMAT;
	common_name(X509_get_subject_name(x), name);
	X509_free(x);
	return put(t, COLLATERAL_CERT, s, nothing, name);
}

static enum err take_crl(const struct taking *t, struct slice s)
{
	const unsigned char *p = s.data;
	char name[CERT_CN_MAX];
	X509_CRL *x;

	/* Some tools store a list as text, with its ending zero. */
	if (s.size > 4 && s.data[1] == 0x82 && s.size - 1 == 4u + ((size_t)s.data[2] << 8 | s.data[3]) &&
	    s.data[s.size - 1] == 0)
		s.size--;
	ERR_set_mark();
	x = s.size > 0 && s.size <= CRL_SIZE_MAX ? d2i_X509_CRL(NULL, &p, (long)s.size) : NULL;
	ERR_pop_to_mark();
	if (x == NULL)
		return ERR_FORMAT;
	common_name(X509_CRL_get_issuer(x), name);
	X509_CRL_free(x);
	return put(t, COLLATERAL_CRL, s, nothing, name);
}

static enum err take_block(const struct taking *t, const char *label, struct slice der)
{
	if (strcmp(label, "X509 CRL") == 0)
		return take_crl(t, der);
	return strcmp(label, "CERTIFICATE") == 0 ? take_cert(t, der) : ERR_FORMAT;
}

static enum err take_pem(const struct taking *t, struct slice s)
{
	char *label = NULL, *header = NULL;
	unsigned char *data = NULL;
	long size = 0;
	size_t found = 0;
	enum err err = OK;
	BIO *bio;

	if (s.size > FILE_SIZE_MAX || memmem(s.data, s.size, "-----BEGIN ", 11) == NULL)
		return ERR_FORMAT;
	bio = BIO_new_mem_buf(s.data, (int)s.size);
	if (bio == NULL)
		return ERR_NOMEM;
	ERR_set_mark();
	while (err == OK && PEM_read_bio(bio, &label, &header, &data, &size) == 1) {
		err = take_block(t, label, slice_of(data, (size_t)size));
		found += err == OK;
		err = err == ERR_FORMAT ? OK : err;
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	ERR_pop_to_mark();
	BIO_free(bio);
	return err == OK && found == 0 ? ERR_FORMAT : err;
}

/* ---- SEV platforms ---- */

/* NULL: none of a platform's. The owner's own half of an exchange (GODH) has the form of a PDH, and nobody signs it. */
static const char *sev_link_of(struct slice s)
{
	struct sev_cert cert;
	struct sev_ca ca;

	if (sev_cert_parse(s, &cert) == OK)
		switch (cert.usage) {
		case SEV_CEK: return sev_link_names[SEV_LINK_CEK];
		case SEV_OCA: return sev_link_names[SEV_LINK_OCA];
		case SEV_PEK: return sev_link_names[SEV_LINK_PEK];
		case SEV_PDH:
			return cert.signatures[0].usage == SEV_PEK || cert.signatures[1].usage == SEV_PEK
			               ? sev_link_names[SEV_LINK_PDH]
			               : NULL;
		default: return NULL;
		}
	if (sev_ca_parse(s, &ca) != OK || (ca.usage != SEV_ARK && ca.usage != SEV_ASK))
		return NULL;
	return sev_link_names[ca.usage == SEV_ARK ? SEV_LINK_ARK : SEV_LINK_ASK];
}

static enum err take_sev(const struct taking *t, struct slice s)
{
	struct slice certs[SEV_LINK_COUNT];
	const char *name = sev_link_of(s);

	if (name != NULL)
		return put(t, COLLATERAL_SEV, s, nothing, name);
	if (!sev_chain_split(s, certs))
		return ERR_FORMAT;
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		if (sev_link_of(certs[i]) == NULL)
			return ERR_FORMAT;
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		TRY(put(t, COLLATERAL_SEV, certs[i], nothing, sev_link_of(certs[i])));
	return OK;
}

/* ---- Intel's statements, bundles ---- */

static enum err take_answer(const struct taking *t, struct slice s)
{
	struct slice text, signature;

	if (dcap_unwrap(s, "tcbInfo", &text, &signature) == OK)
		return put(t, COLLATERAL_TCB_INFO, text, signature, "");
	if (dcap_unwrap(s, "enclaveIdentity", &text, &signature) == OK)
		return put(t, COLLATERAL_QE_IDENTITY, text, signature, "");
	return ERR_FORMAT;
}

static enum err take_any(const struct taking *t, struct slice s);

static struct slice member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? slice_of(json_string_value(v), json_string_length(v)) : nothing;
}

/* A member may be the thing itself in PEM or JSON, or its bytes in hexadecimal or base64. */
static enum err take_member(const struct taking *t, struct slice text)
{
	uint8_t *bytes;
	enum err err = take_any(t, text);
	int size;

	if (err != ERR_FORMAT)
		return err;
	bytes = malloc(text.size + 4);
	if (bytes == NULL)
		return ERR_NOMEM;
	if (text.size % 2 == 0 && hex_decode(text, bytes, text.size / 2) == OK) {
		err = take_any(t, slice_of(bytes, text.size / 2));
	} else if (text.size % 4 == 0 && text.size > 0 &&
	           (size = EVP_DecodeBlock(bytes, text.data, (int)text.size)) > 0) {
		size -= (text.data[text.size - 1] == '=') + (text.data[text.size - 2] == '=');
		err = take_any(t, slice_of(bytes, (size_t)size));
	}
	free(bytes);
	return err;
}

static enum err take_statement(const struct taking *t, const json_t *o, const char *key, enum collateral_kind kind,
                               size_t *found)
{
	char sign[40];
	struct slice text = member(o, key), signature;

	snprintf(sign, sizeof sign, "%s_signature", key);
	signature = member(o, sign);
	if (text.size == 0)
		return OK;
	++*found;
	return signature.size > 0 ? put(t, kind, text, signature, "") : take_answer(t, text);
}

static enum err take_bundle(const struct taking *t, struct slice s)
{
	static const char *const keys[] = {"pck_crl",
	                                   "root_ca_crl",
	                                   "pck_crl_issuer_chain",
	                                   "tcb_info_issuer_chain",
	                                   "pck_chain",
	                                   "qe_identity_issuer_chain",
	                                   "ark",
	                                   "ask",
	                                   "asvk",
	                                   "vcek",
	                                   "vlek",
	                                   "crl"};
	json_t *o = s.size > 0 && s.data[0] == '{'
	                    ? json_loadb((const char *)s.data, s.size, JSON_REJECT_DUPLICATES, NULL)
	                    : NULL;
	struct taking inner = *t;
	size_t found = 0;
	enum err err;

	inner.depth++;
	err = take_statement(t, o, "tcb_info", COLLATERAL_TCB_INFO, &found);
	if (err == OK)
		err = take_statement(t, o, "qe_identity", COLLATERAL_QE_IDENTITY, &found);
	for (size_t i = 0; err == OK && i < ARRAY_COUNT(keys); i++) {
		struct slice text = member(o, keys[i]);

		if (text.size == 0)
			continue;
		found++;
		inner.origin = keys[i];
		err = take_member(&inner, text);
		if (err == ERR_FORMAT)
			err = put(&inner, COLLATERAL_UNKNOWN, text, nothing, "");
	}
	json_decref(o);
	return err == OK && found == 0 ? ERR_FORMAT : err;
}

/* ---- other containers ---- */

static enum err take_envelope(const struct taking *t, struct slice s)
{
	struct envelope e;
	struct workload_file f;

	if (workload_file_decode(s, &f, NULL) == OK)
		s = f.envelope;
	if (envelope_decode(s, &e, NULL) != OK)
		return ERR_FORMAT;
	return collateral_add_items(t->c, e.collateral, e.collateral_count, t->n);
}

/* Rows of GUID, offset and size, the last all zero; what the GUIDs mean is seen from the certificates. */
static enum err take_table(const struct taking *t, struct slice s)
{
	enum { ROW = 24, ROWS_MAX = 16 };
	static const uint8_t none[ROW];
	static const uint8_t guids[][4] = {{0x63, 0xda, 0x75, 0x8d},
	                                   {0x4a, 0xb7, 0xb3, 0x79},
	                                   {0xc0, 0xb4, 0x06, 0xa4},
	                                   {0xa8, 0x07, 0x4b, 0xc2},
	                                   {0x92, 0xf8, 0x1b, 0xc3}};
	struct taking inner = *t;
	bool known = false;

	for (size_t i = 0; i < ARRAY_COUNT(guids); i++)
		known = known || (s.size >= 2 * (size_t)ROW && memcmp(s.data, guids[i], sizeof guids[i]) == 0);
	if (!known || t->depth >= DEPTH_MAX)
		return ERR_FORMAT;
	inner.depth++;
	for (size_t i = 0; i < ROWS_MAX && (i + 1) * ROW <= s.size; i++) {
		const uint8_t *row = s.data + i * ROW;
		const size_t at = row[16] | (size_t)row[17] << 8 | (size_t)row[18] << 16 | (size_t)row[19] << 24;
		const size_t size = row[20] | (size_t)row[21] << 8 | (size_t)row[22] << 16 | (size_t)row[23] << 24;
		enum err err;

		if (memcmp(row, none, ROW) == 0)
			return OK;
		if (at > s.size || size > s.size - at)
			return ERR_FORMAT;
		err = take_any(&inner, slice_of(s.data + at, size));
		if (err != OK && err != ERR_FORMAT)
			return err;
	}
	return OK;
}

/* A JSON array of at least 24 values in hexadecimal. */
static bool read_pcrs(struct slice s, uint8_t pcrs[static 24][32])
{
	json_t *list = s.size > 0 && s.data[0] == '[' ? json_loadb((const char *)s.data, s.size, 0, NULL) : NULL;
	bool good = json_array_size(list) >= 24;

	for (size_t i = 0; good && i < 24; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		good = text != NULL && hex_decode(slice_text(text), pcrs[i], 32) == OK;
	}
	json_decref(list);
	return good;
}

static enum err take_pcrs(const struct taking *t, struct slice s)
{
	uint8_t pcrs[24][32];

	return read_pcrs(s, pcrs) ? put(t, COLLATERAL_PCRS, s, nothing, "") : ERR_FORMAT;
}

bool collateral_pcrs(const struct collateral *c, uint8_t pcrs[static 24][32])
{
	const struct collateral_piece *p = collateral_first(c, COLLATERAL_PCRS);

	return p != NULL && read_pcrs(p->bytes, pcrs);
}

static enum err take_tpm(const struct taking *t, struct slice s)
{
	struct tpm_quote q;
	size_t len = strlen(t->origin);

	if (tpm_quote_parse(s, &q, NULL) == OK || (s.size > 4 && memcmp(s.data, "\xff\x54\x43\x47", 4) == 0))
		return put(t, COLLATERAL_TPM_QUOTE, s, nothing, "");
	/* Random bytes say nothing of themselves: only the file's name can. */
	if (s.size >= 256 && s.size <= 512 && len > 4 && strcmp(t->origin + len - 4, ".sig") == 0)
		return put(t, COLLATERAL_TPM_SIGNATURE, s, nothing, "");
	return ERR_FORMAT;
}

static enum err take_quote(const struct taking *t, struct slice s)
{
	struct quote q;

	return quote_parse(s, &q, NULL) == OK ? put(t, COLLATERAL_TD_QUOTE, s, nothing, "") : ERR_FORMAT;
}

/* ---- whatever it is ---- */

static enum err take_any(const struct taking *t, struct slice s)
{
	/* Quotes have PEM text in them, and envelopes have quotes: what is looked for anywhere in the bytes comes later. */
	static enum err (*const takers[])(const struct taking *t, struct slice s) = {
	        take_cert, take_crl,   take_answer, take_bundle, take_quote, take_envelope,
	        take_pem,  take_table, take_pcrs,   take_tpm,    take_sev,
	};

	if (t->depth > DEPTH_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < ARRAY_COUNT(takers); i++) {
		enum err err = takers[i](t, s);

		if (err != ERR_FORMAT)
			return err;
	}
	return ERR_FORMAT;
}

static enum err take(const struct taking *t, struct slice s)
{
	enum err err = take_any(t, s);

	return err == ERR_FORMAT ? put(t, COLLATERAL_UNKNOWN, s, nothing, "") : err;
}

enum err collateral_add(struct collateral *c, struct slice bytes, const char *origin, struct note *n)
{
	const struct taking t = {c, origin, n, 0};

	return take(&t, bytes);
}

/* A TCB info and its signature come as two items. */
static struct slice item(const struct envelope_item *items, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(items[i].name, name))
			return items[i].value;
	return nothing;
}

static enum err add_item(const struct taking *t, const struct envelope_item *items, size_t count, size_t i)
{
	static const struct {
		const char *name, *signature;
		enum collateral_kind kind;
	} statements[] = {{"tcb_info", "tcb_info_signature", COLLATERAL_TCB_INFO},
	                  {"qe_identity", "qe_identity_signature", COLLATERAL_QE_IDENTITY}};

	for (size_t k = 0; k < ARRAY_COUNT(statements); k++) {
		struct slice signature = item(items, count, statements[k].signature);

		if (slice_is(items[i].name, statements[k].signature))
			return OK;
		if (slice_is(items[i].name, statements[k].name) && signature.size > 0)
			return put(t, statements[k].kind, items[i].value, signature, "");
	}
	return take(t, items[i].value);
}

enum err collateral_add_items(struct collateral *c, const struct envelope_item *items, size_t count, struct note *n)
{
	for (size_t i = 0; i < count; i++) {
		char origin[40];
		const struct taking t = {c, origin, n, 1};

		slice_shown(items[i].name, origin, sizeof origin);
		TRY(add_item(&t, items, count, i));
	}
	return OK;
}

enum err collateral_borrow(struct collateral *c, const struct collateral *from)
{
	if (from->count > COLLATERAL_PIECES_MAX - c->count || from->size > COLLATERAL_SIZE_MAX - c->size)
		return ERR_LIMIT;
	for (size_t i = 0; i < from->count; i++) {
		c->piece[c->count] = from->piece[i];
		c->piece[c->count++].borrowed = true;
	}
	c->size += from->size;
	return OK;
}

/* ---- files ---- */

static enum err add_file(struct collateral *c, const char *path, const char *name, struct note *n)
{
	struct slice s = {0};
	enum err err = file_read(path, FILE_SIZE_MAX, &s, n);

	if (err == OK)
		err = collateral_add(c, s, name, n);
	free((void *)(uintptr_t)s.data);
	return err;
}

static enum err add_entry(struct collateral *c, const char *folder, const char *name, struct note *n)
{
	char path[PATH_SIZE];
	struct stat st;
	int used = snprintf(path, sizeof path, "%s/%s", folder, name);

	if (used < 0 || used >= (int)sizeof path)
		return refuse(n, ERR_LIMIT, "%s/%s: the path is too long", folder, name);
	if (name[0] == '.' || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return OK;
	return add_file(c, path, name, n);
}

enum err collateral_add_path(struct collateral *c, const char *path, struct note *n)
{
	struct dirent **names = NULL;
	const char *slash = strrchr(path, '/');
	struct stat st;
	enum err err = OK;
	int count;

	if (stat(path, &st) != 0)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return add_file(c, path, slash != NULL ? slash + 1 : path, n);
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (err == OK)
			err = add_entry(c, path, names[i]->d_name, n);
		free(names[i]);
	}
	free(names);
	return err;
}
