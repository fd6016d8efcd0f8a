/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tenant delivers: modules, arguments, environment, files, secrets, limits. Files are read twice, once for their
 * digest and once to be sent, so memory stays bounded; a file that changes in between is an error on both sides.
 */
#ifndef BROCH_AGENT_BUNDLE_H
#define BROCH_AGENT_BUNDLE_H

#include "lib/session/manifest.h"

struct bundle; /* heap */

MUST_USE enum err bundle_new(struct bundle **out);
void bundle_free(struct bundle *b); /* takes NULL */

/*
 * Opens and digests the module. ERR_NOT_FOUND; ERR_FORMAT when it is plainly no WebAssembly module (text, component,
 * another kind of file), said in words.
 */
MUST_USE enum err bundle_module(struct bundle *b, const char *path, struct note *n);
/* For a rehearsal: stands for any module. Such a bundle can be sealed, not sent. */
void bundle_any_module(struct bundle *b);
/* A further module, behind those before it, which others import from by this name. As bundle_module. */
MUST_USE enum err bundle_library(struct bundle *b, const char *name, const char *path, struct note *n);
/* Strings, also those in descriptors and mounts, must outlive the bundle. A pair is "K=V". */
MUST_USE enum err bundle_arg(struct bundle *b, const char *arg, struct note *n);
MUST_USE enum err bundle_env(struct bundle *b, const char *pair, struct note *n);
MUST_USE enum err bundle_descriptor(struct bundle *b, const struct manifest_descriptor *d, struct note *n);
MUST_USE enum err bundle_mount(struct bundle *b, const struct manifest_mount *m, struct note *n);
/* Once. Lists are copied, pins sorted; strings and pins must outlive the bundle. Roots are files of the bundle. */
MUST_USE enum err bundle_tls(struct bundle *b, const struct manifest_tls *t, struct note *n);
/* Once. Lists are copied, ports sorted and joined; names and pins must outlive the bundle. */
MUST_USE enum err bundle_network(struct bundle *b, const struct manifest_network *w, struct note *n);
/*
 * A file as guest, or every regular file below a folder as guest/... (relative, "" for the root). Links to files are
 * followed; links to folders, sockets, devices and pipes are refused, so that nothing surprising travels. With `within`,
 * a folder, what a link leads to (or host itself) must lie in it.
 */
MUST_USE enum err bundle_files(struct bundle *b, const char *host, const char *guest, const char *within, struct note *n);
/* Seals a copy of the value, which is wiped with the bundle. The target must outlive the bundle. */
MUST_USE enum err bundle_secret(struct bundle *b, enum secret_kind kind, const char *target, struct slice value, struct note *n);

/* The manifest without blobs, args and so on: limits, flags and name are the caller's to set. */
struct manifest *bundle_manifest(struct bundle *b);
const struct manifest *bundle_limits(const struct bundle *b); /* the same, to read */
/* After this nothing changes any more: sorts, checks, encodes. */
MUST_USE enum err bundle_seal(struct bundle *b, struct note *n);
struct slice bundle_encoded(const struct bundle *b);
const uint8_t *bundle_digest(const struct bundle *b); /* SHA-256 of the encoded manifest */
const uint8_t *bundle_module_digest(const struct bundle *b); /* SHA-256 */
uint64_t bundle_blob_bytes(const struct bundle *b);   /* modules, files and secrets together */

/* Blob 0 is the module, then the libraries, the files in manifest order and the secrets. Reads on in order; *size 0 at the blob's
 * end, where it is checked that the file still had the size of its digest. */
size_t bundle_blob_count(const struct bundle *b);
MUST_USE enum err bundle_blob_open(struct bundle *b, size_t index, struct note *n);
MUST_USE enum err bundle_blob_read(struct bundle *b, void *out, size_t capacity, size_t *size, struct note *n);

#endif
