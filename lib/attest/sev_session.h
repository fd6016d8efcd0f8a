/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and messages between a guest's owner and the firmware of an SEV or SEV-ES platform (AMD 55766 "SEV API"): the
 * session that carries the transport keys into the firmware (sections 2.1.3, 2.2), the launch measurement (6.5) and the
 * secret packet (6.6). Pure arithmetic with given randomness; BearSSL's constant-time AES and HMAC.
 */
#ifndef BROCH_ATTEST_SEV_SESSION_H
#define BROCH_ATTEST_SEV_SESSION_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SEV_KEY_SIZE = 16,
	SEV_SESSION_SIZE = 128,
	SEV_MEASURE_SIZE = 48,       /* LAUNCH_MEASURE: MEASURE 32, MNONCE 16 */
	SEV_SECRET_HEADER_SIZE = 52,
	SEV_SECRET_MAX = 16384,      /* LAUNCH_SECRET takes no more */
	SEV_GUID_SIZE = 16,
};

/* Bits of the guest policy (chapter 3). */
enum {
	SEV_POLICY_NODBG = 1 << 0,
	SEV_POLICY_NOKS = 1 << 1,
	SEV_POLICY_ES = 1 << 2,
	SEV_POLICY_NOSEND = 1 << 3,
	SEV_POLICY_DOMAIN = 1 << 4,
	SEV_POLICY_SEV = 1 << 5,
};

/* TEK encrypts, TIK authenticates; fresh for each launch. Wipe after use. */
struct sev_transport {
	uint8_t tek[SEV_KEY_SIZE], tik[SEV_KEY_SIZE];
};

struct sev_wrapping {
	uint8_t master[SEV_KEY_SIZE], kek[SEV_KEY_SIZE], kik[SEV_KEY_SIZE];
};

/* z: what ECDH of the owner's key and the PDH gave, the X coordinate, big-endian (48 bytes on P-384). */
void sev_wrapping_keys(struct slice z, const uint8_t nonce[static SEV_KEY_SIZE], struct sev_wrapping *out);
/* The buffer for LAUNCH_START. nonce and iv are random and used once. */
void sev_session_seal(struct slice z, const uint8_t nonce[static SEV_KEY_SIZE], const uint8_t iv[static SEV_KEY_SIZE],
                      const struct sev_transport *keys, uint32_t policy, uint8_t out[static SEV_SESSION_SIZE]);
/* What the firmware does with it. ERR_TRUNCATED, ERR_TRAILING; ERR_AUTH: the wrapped keys do not belong to this exchange;
 * ERR_REFUSED: they do, but were wrapped for another policy. *keys is then zero. */
MUST_USE enum err sev_session_open(struct slice session, struct slice z, uint32_t policy, struct sev_transport *keys,
                                   struct note *n);

struct sev_launch { /* everything that a measurement covers; digest: lib/measure/launch.h */
	uint8_t api_major, api_minor, build;
	uint32_t policy;
	uint8_t digest[32];
};
void sev_launch_measure(const struct sev_transport *keys, const struct sev_launch *l, const uint8_t mnonce[static 16],
                        uint8_t out[static 32]);
/* Constant time. ERR_TRUNCATED, ERR_TRAILING (not 48 bytes), ERR_DIGEST. */
MUST_USE enum err sev_launch_check(const struct sev_transport *keys, const struct sev_launch *l, struct slice measure);

/*
 * The table in which OVMF and Linux look for secrets: GUID and length of all, then GUID, length and value of each;
 * padded with zeros to a multiple of 16. GUIDs as stored (first three groups little-endian).
 */
struct sev_secret {
	uint8_t guid[SEV_GUID_SIZE];
	struct slice value;
};
extern const uint8_t sev_guid_disk_key[SEV_GUID_SIZE];
/* ERR_SPACE when it does not fit; *used is the size. */
MUST_USE enum err sev_secret_table(const struct sev_secret *secrets, size_t count, uint8_t *out, size_t size, size_t *used);

/* Turns the table into the payload in place and makes its header; measure: the 32 bytes that were checked. */
void sev_secret_seal(const struct sev_transport *keys, const uint8_t measure[static 32],
                     const uint8_t iv[static SEV_KEY_SIZE], uint8_t *table, size_t size,
                     uint8_t header[static SEV_SECRET_HEADER_SIZE]);
/* The firmware's side: ERR_AUTH, and the payload untouched; else it is plain. Compressed payloads are ERR_UNSUPPORTED. */
MUST_USE enum err sev_secret_open(const struct sev_transport *keys, const uint8_t measure[static 32], struct slice header,
                                  uint8_t *payload, size_t size);

#endif
