/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/pef.h"

#include "client/attest/pef_make.h"
#include "client/attest/say.h"

enum { MASTER_SIZE = 32, RSA_SIZE_MAX = 1024 };

struct pef_case {
	const struct pef_input *in;
	enum err read, digests_read;
	struct esm blob;
	const struct esm_lockbox *box; /* NULL: none for this key */
	uint8_t master[MASTER_SIZE];
	bool unwrapped, opened;
	uint8_t *plain;
	struct esm_digests *digests;
};

/* ---- opening ---- */

static const struct esm_lockbox *find_box(const struct esm *e, EVP_PKEY *key)
{
	uint8_t print[ESM_FINGERPRINT_SIZE];

	if (key == NULL || !pef_fingerprint(key, print))
		return NULL;
	for (size_t i = 0; i < e->lockbox_count; i++)
		if (slice_equal(e->lockboxes[i].fingerprint, slice_of(print, sizeof print)))
			return &e->lockboxes[i];
	return NULL;
}

/* RSA-OAEP with SHA-256 in both places. */
static bool unwrap(EVP_PKEY *key, struct slice wrapped, uint8_t master[static MASTER_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t out[RSA_SIZE_MAX];
	size_t size = sizeof out;
	bool good;

	ERR_set_mark();
	good = ctx != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_decrypt_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_decrypt(ctx, out, &size, wrapped.data, wrapped.size) == 1 && size == MASTER_SIZE;
	ERR_pop_to_mark();
	if (good)
		memcpy(master, out, MASTER_SIZE);
	OPENSSL_cleanse(out, sizeof out);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool open_digests(const struct esm *e, const uint8_t master[static MASTER_SIZE], uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t mac[ESM_MAC_SIZE];
	int size = 0, rest = 0;
	bool good = ctx != NULL && e->ciphertext.size <= PEF_DIGESTS_MAX;

	memcpy(mac, e->mac.data, sizeof mac);
	ERR_set_mark();
	good = good && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, NULL, NULL) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)e->iv.size, NULL) == 1 &&
	       EVP_DecryptInit_ex(ctx, NULL, NULL, master, e->iv.data) == 1 &&
	       EVP_DecryptUpdate(ctx, out, &size, e->ciphertext.data, (int)e->ciphertext.size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ESM_MAC_SIZE, mac) == 1 &&
	       EVP_DecryptFinal_ex(ctx, out + size, &rest) == 1;
	ERR_pop_to_mark();
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static void load(struct pef_case *k)
{
	k->read = esm_parse(k->in->blob, &k->blob);
	k->digests_read = ERR_STATE;
	if (k->read != OK)
		return;
	k->box = find_box(&k->blob, k->in->key);
	k->unwrapped = k->box != NULL && unwrap(k->in->key, k->box->symkey, k->master);
	k->opened = k->unwrapped && open_digests(&k->blob, k->master, k->plain);
	if (k->opened)
		k->digests_read = esm_digests_parse(slice_of(k->plain, k->blob.ciphertext.size), k->digests);
}

/* ---- checks ---- */

enum need { NEED_NOTHING, NEED_BLOB, NEED_BOX, NEED_MASTER, NEED_PLAIN, NEED_DIGESTS };

static enum check_result blob_read(const struct pef_case *k, struct check *c)
{
	say(c->expected, "an ESM blob: a flattened device tree, compatible ibm,esm");
	say(c->found, "%zu bytes: %s", k->in->blob.size, k->read == OK ? "read" : err_text(k->read));
	return pass_if(k->read == OK);
}

static enum check_result recipient(const struct pef_case *k, struct check *c)
{
	say(c->expected, "a lockbox for this key");
	say(c->found, "%zu lockboxes, %s", k->blob.lockbox_count, k->box != NULL ? "one for it" : "none for it");
	say(c->cure, "the blob was made for other machines: make it anew with this machine's public key");
	return pass_if(k->box != NULL);
}

static enum check_result symkey(const struct pef_case *k, struct check *c)
{
	say(c->expected, "a master key of 32 bytes in RSA-OAEP with SHA-256");
	say(c->found, k->unwrapped ? "unwrapped" : "cannot be unwrapped with this key");
	return pass_if(k->unwrapped);
}

static enum check_result opened(const struct pef_case *k, struct check *c)
{
	say(c->expected, "digests sealed with AES-256-GCM, at most %d bytes", PEF_DIGESTS_MAX);
	say(c->found, k->opened ? "opened" : "not what the master key sealed");
	return pass_if(k->opened);
}

static enum check_result digests_read(const struct pef_case *k, struct check *c)
{
	say(c->expected, "SHA-512 of RTAS, kernel, initrd and arguments, and the kernel's size");
	say(c->found, "%s", k->digests_read == OK ? "there" : err_text(k->digests_read));
	return pass_if(k->digests_read == OK);
}

static enum check_result files_read(const struct pef_case *k, struct check *c)
{
	struct esm_files files;
	enum err err = k->blob.files.size == 0 ? OK : esm_files_parse(k->blob.files, &files);

	say(c->expected, "a device tree of attachments, or none");
	if (k->blob.files.size == 0)
		say(c->found, "none");
	else if (err == OK)
		say(c->found, "%zu attachments", files.count);
	else
		say(c->found, "%s", err_text(err));
	return pass_if(err == OK);
}

/* Is it what was given, and is it one that the policy names? */
static enum check_result same(const struct pef_case *k, const struct slice *data, enum pef_rule which, struct slice digest,
                              struct check *c)
{
	const struct digest_list *l = k->in->rules != NULL ? &k->in->rules->lists[which] : NULL;
	uint8_t d[ESM_DIGEST_SIZE];
	bool good = true;

	if (l == NULL && data == NULL) {
		say(c->found, "nothing was given to compare with");
		return CHECK_SKIP;
	}
	if (data != NULL) {
		SHA512(data->data, data->size, d);
		good = slice_equal(digest, slice_of(d, sizeof d));
		say(c->expected, "the digest of what was given, %zu bytes", data->size);
	} else {
		say(c->expected, "one of %zu that the policy names", l->count);
	}
	good = good && (l == NULL || digest_list_has(l, digest));
	say(c->found, good ? "equal" : "the digest of something else");
	say(c->cure, "make the blob anew for what shall be started, or give what it was made for");
	return pass_if(good);
}

static enum check_result kernel(const struct pef_case *k, struct check *c)
{
	return same(k, k->in->compare ? &k->in->kernel : NULL, PEF_RULE_KERNEL, k->digests->kernel, c);
}

static enum check_result initrd(const struct pef_case *k, struct check *c)
{
	return same(k, k->in->compare ? &k->in->initrd : NULL, PEF_RULE_INITRD, k->digests->initrd, c);
}

static enum check_result bootargs(const struct pef_case *k, struct check *c)
{
	return same(k, k->in->compare ? &k->in->bootargs : NULL, PEF_RULE_BOOTARGS, k->digests->bootargs, c);
}

static enum check_result rtas(const struct pef_case *k, struct check *c)
{
	return same(k, NULL, PEF_RULE_RTAS, k->digests->rtas, c);
}

static enum check_result kernel_size(const struct pef_case *k, struct check *c)
{
	if (!k->in->compare)
		return CHECK_SKIP;
	say(c->expected, "%zu bytes", k->in->kernel.size);
	say(c->found, "%u bytes", k->digests->kernel_size);
	return pass_if(k->in->kernel.size == k->digests->kernel_size);
}

static const struct row {
	const char *id, *link;
	enum need needs;
	enum check_result (*judge)(const struct pef_case *k, struct check *c);
} rows[] = {
        {"pef.blob.read", "report", NEED_NOTHING, blob_read},
        {"pef.files.read", "report", NEED_BLOB, files_read},
        {"pef.recipient", "platform key", NEED_BLOB, recipient},
        {"pef.symkey", "platform key", NEED_BOX, symkey},
        {"pef.digests.open", "report", NEED_MASTER, opened},
        {"pef.digests.read", "report", NEED_PLAIN, digests_read},
        {"pef.kernel", "measurement", NEED_DIGESTS, kernel},
        {"pef.kernel_size", "measurement", NEED_DIGESTS, kernel_size},
        {"pef.initrd", "measurement", NEED_DIGESTS, initrd},
        {"pef.bootargs", "measurement", NEED_DIGESTS, bootargs},
        {"pef.rtas", "measurement", NEED_DIGESTS, rtas},
};

static bool can(const struct pef_case *k, enum need needs)
{
	const bool have[] = {true, k->read == OK, k->box != NULL, k->unwrapped, k->opened, k->digests_read == OK};

	return have[needs];
}

void pef_esm_verify(const struct pef_input *in, uint8_t room[static PEF_DIGESTS_MAX], struct esm_digests *digests,
                    struct verdict *v)
{
	struct pef_case k = {.in = in, .plain = room, .digests = digests};

	verdict_clear(v);
	memset(digests, 0, sizeof *digests);
	v->ok = true;
	say(v->tee, "pef");
	load(&k);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct check c = {.id = rows[i].id, .link = rows[i].link, .spec = "svm-tools, ESM blob"};

		c.result = can(&k, rows[i].needs) ? rows[i].judge(&k, &c)
		                                  : CHECK_SKIP; /* what it needs has failed in its row */
		if (c.result != CHECK_FAIL)
			c.cure[0] = 0;
		verdict_add(v, &c);
	}
	if (k.digests_read == OK) { /* what stands for the whole: the kernel */
		memcpy(v->measurement, digests->kernel.data, ESM_DIGEST_SIZE);
		v->measurement_size = ESM_DIGEST_SIZE;
	}
	OPENSSL_cleanse(k.master, sizeof k.master);
}
