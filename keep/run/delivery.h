/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client delivers: the manifest in pieces, then each blob in pieces, in order. Digests are computed while the
 * bytes arrive; nothing is looked at before its digest was right. All memory comes from memory.h and is given back by
 * delivery_drop, so that the next client finds an empty Keep.
 */
#ifndef BROCH_KEEP_DELIVERY_H
#define BROCH_KEEP_DELIVERY_H

#include "keep/run/memory.h"
#include "lib/session/manifest.h"

#include <bearssl.h>

struct delivery { /* zero-initialised; read: manifest, digest, bytes, blobs */
	struct slice bytes; /* the manifest, encoded */
	uint8_t digest[32]; /* its SHA-256 */
	struct manifest manifest;
	bool parsed;
	uint8_t **blobs; /* 0: module, then the libraries, the files, the secrets */
	size_t blob_count;
	size_t current;     /* blob being filled */
	uint64_t filled;    /* bytes of it */
	br_sha256_context sha;
	bool fast; /* see lib/base/sha256.h */
	size_t heap_mark;
};

/* Every failure says why in the note; the caller then drops the delivery. */
MUST_USE enum err delivery_manifest(struct delivery *d, struct memory *m, struct slice piece, struct note *n);
MUST_USE enum err delivery_chunk(struct delivery *d, struct memory *m, struct slice body, struct note *n);
/* Is everything there? */
MUST_USE enum err delivery_complete(struct delivery *d, struct memory *m, struct note *n);
void delivery_drop(struct delivery *d, struct memory *m);

struct slice delivery_module(const struct delivery *d, size_t i); /* 0: the program, then the libraries */
struct slice delivery_file(const struct delivery *d, size_t i);
struct slice delivery_secret(const struct delivery *d, size_t i); /* as it travelled, see secret_open */
void delivery_forget_secrets(struct delivery *d);                 /* of a complete one; wipes them */

#endif
