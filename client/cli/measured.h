/* SPDX-License-Identifier: Apache-2.0 */
/* What `broch measure` found, whatever it measured, and how it is printed. */
#ifndef BROCH_CLI_MEASURED_H
#define BROCH_CLI_MEASURED_H

#include "client/cli/cli.h"
#include "lib/base/slice.h"

enum { MEASURED_DIGESTS_MAX = 8, MEASURED_DIGEST_MAX = 48, MEASURED_MAX = 4 };

struct measured_digest {
	const char *name; /* as reports have it: "measurement", "mrtd", "rtmr0", ... */
	const char *from; /* the file it was computed from */
	size_t size;      /* 32: SHA-256, 48: SHA-384 */
	uint8_t bytes[MEASURED_DIGEST_MAX];
};

struct measured {
	const char *tee, *kind; /* kind: "vm" and "process" of Keeps, "firmware", "enclave", "event log" */
	const char *path;       /* what was measured; NULL: nothing but an event log or a signature */
	uint32_t vcpus;         /* 0: does not count */
	struct measured_digest digests[MEASURED_DIGESTS_MAX];
	size_t count;
};

/* Strings stay the caller's. size is at most MEASURED_DIGEST_MAX; more digests than there is room for is a bug. */
void measured_add(struct measured *m, const char *name, const char *from, const uint8_t *bytes, size_t size);

/*
 * What is not a Keep: firmware of a VM (SEV, SEV-ES, SNP, TDX) with what is started directly, an enclave's stream, layout or
 * signature, an event log. Everything that counts comes from the verb's options; path is the operand or NULL.
 */
MUST_USE enum err measure_firmware(const struct cli *c, const char *tee, const char *path, struct measured *m,
                                   struct note *n);
MUST_USE enum err measure_td(const struct cli *c, const char *path, struct measured *m, struct note *n);
MUST_USE enum err measure_enclave(const struct cli *c, const char *path, struct measured *m, struct note *n);

/* An enclave's layout in JSON, see measure_layout.c; files lie beside path. */
MUST_USE enum err measure_layout(const char *path, struct slice text, uint8_t mrenclave[static 32], struct note *n);

#endif
