/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/esm.h"

#include "lib/attest/fdt.h"

/* Texts in a tree end with a zero byte. */
static bool text_is(struct slice s, const char *text)
{
	return s.size > 0 && s.data[s.size - 1] == 0 && slice_is(slice_of(s.data, s.size - 1), text);
}

struct want {
	const char *path, *name;
	struct slice *to;
};

/* No value that counts is empty, so an empty one has not been seen yet. */
static enum err take(const struct want *wants, size_t count, const char *path, struct slice name, struct slice value)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(wants[i].path, path) != 0 || !slice_is(name, wants[i].name))
			continue;
		if (wants[i].to->size > 0)
			return ERR_EXISTS;
		if (value.size == 0)
			return ERR_RANGE;
		*wants[i].to = value;
	}
	return OK;
}

struct visit {
	struct esm *e;
	char box[FDT_PATH_MAX]; /* path of the lockbox being read; "" before the first */
};

/* A node's properties stand before the nodes in it, so a lockbox begins with its key and its fingerprint follows. */
static enum err in_lockbox(struct visit *v, const char *path, struct slice name, struct slice value)
{
	struct esm *e = v->e;
	size_t size = strlen(v->box);
	struct esm_lockbox *b;

	if (slice_is(name, "encrypted-symkey") && strcmp(path, v->box) != 0) {
		if (e->lockbox_count == ESM_LOCKBOX_MAX)
			return ERR_LIMIT;
		e->lockbox_count++;
		size = strlen(path);
		memcpy(v->box, path, size + 1);
	}
	if (e->lockbox_count == 0 || strncmp(path, v->box, size) != 0)
		return OK;
	b = &e->lockboxes[e->lockbox_count - 1];
	if (path[size] == 0)
		return take(&(struct want){path, "encrypted-symkey", &b->symkey}, 1, path, name, value);
	if (strcmp(path + size, "/pubkey-fingerprint") == 0) {
		const struct want wants[] = {{path, "algorithm", &b->algorithm}, {path, "hash", &b->fingerprint}};

		return take(wants, ARRAY_COUNT(wants), path, name, value);
	}
	return OK;
}

static enum err in_blob(void *context, const char *path, struct slice name, struct slice value)
{
	static const char sealed[] = "/digest/digests-fdt", boxes[] = "/lockboxes/";
	struct visit *v = context;
	struct esm *e = v->e;
	const struct want wants[] = {
	        {"/", "compatible", &e->compatible},
	        {sealed, "algorithm", &e->algorithm},
	        {sealed, "iv", &e->iv},
	        {sealed, "mac", &e->mac},
	        {sealed, "ciphertext", &e->ciphertext},
	        {"/file", "files-fdt", &e->files},
	};

	if (strncmp(path, boxes, sizeof boxes - 1) == 0)
		return in_lockbox(v, path, name, value);
	return take(wants, ARRAY_COUNT(wants), path, name, value);
}

static enum err lockbox_ok(const struct esm_lockbox *b)
{
	if (b->symkey.size == 0 || b->fingerprint.size == 0)
		return ERR_NOT_FOUND;
	if (!text_is(b->algorithm, "SHA256"))
		return ERR_UNSUPPORTED;
	return b->fingerprint.size == ESM_FINGERPRINT_SIZE ? OK : ERR_RANGE;
}

enum err esm_parse(struct slice in, struct esm *out)
{
	struct visit v = {.e = out};

	*out = (struct esm){.lockbox_count = 0};
	TRY(fdt_walk(in, in_blob, &v));
	if (!text_is(out->compatible, "ibm,esm") || !text_is(out->algorithm, "AES256-GCM"))
		return ERR_UNSUPPORTED;
	if (out->lockbox_count == 0 || out->iv.size == 0 || out->ciphertext.size == 0)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < out->lockbox_count; i++)
		TRY(lockbox_ok(&out->lockboxes[i]));
	return out->iv.size <= ESM_IV_MAX && out->mac.size == ESM_MAC_SIZE ? OK : ERR_RANGE;
}

static enum err in_digests(void *context, const char *path, struct slice name, struct slice value)
{
	static const char at[] = "/digests";
	struct esm_digests *d = context;
	const struct want wants[] = {
	        {at, "algorithm", &d->algorithm}, {at, "rtas", &d->rtas},         {at, "kernel", &d->kernel},
	        {at, "initrd", &d->initrd},       {at, "bootargs", &d->bootargs}, {at, "kernel-size", &d->size},
	};

	return take(wants, ARRAY_COUNT(wants), path, name, value);
}

enum err esm_digests_parse(struct slice in, struct esm_digests *out)
{
	const struct slice *const digests[] = {&out->rtas, &out->kernel, &out->initrd, &out->bootargs};
	struct reader r;

	*out = (struct esm_digests){.kernel_size = 0};
	TRY(fdt_walk(in, in_digests, out));
	if (!text_is(out->algorithm, "SHA512"))
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < ARRAY_COUNT(digests); i++)
		if (digests[i]->size != ESM_DIGEST_SIZE)
			return ERR_RANGE;
	r = rd_of(out->size);
	TRY(rd_u32be(&r, &out->kernel_size));
	return rd_end(&r);
}

/* Each attachment is a node /files/NAME with properties. */
static enum err in_files(void *context, const char *path, struct slice name, struct slice value)
{
	static const char below[] = "/files/";
	struct esm_files *f = context;
	const char *file = path + sizeof below - 1;

	(void)value;
	if (strncmp(path, below, sizeof below - 1) != 0 || !slice_is(name, "ciphertext"))
		return OK;
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->names[i], file) == 0)
			return ERR_EXISTS;
	if (f->count == ESM_FILES_MAX || strlen(file) >= ESM_FILE_NAME_MAX)
		return ERR_LIMIT;
	memcpy(f->names[f->count++], file, strlen(file) + 1);
	return OK;
}

enum err esm_files_parse(struct slice in, struct esm_files *out)
{
	memset(out, 0, sizeof *out);
	return fdt_walk(in, in_files, out);
}
