/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/sev_session.h"

#include "lib/base/ct.h"
#include "lib/base/rw.h"

#include <bearssl.h>

enum { MAC_SIZE = 32, WRAPPED_SIZE = 2 * SEV_KEY_SIZE, MEASURED = 4, SECRET = 1, FLAG_COMPRESSED = 1 };

const uint8_t sev_guid_disk_key[SEV_GUID_SIZE] = {0xe5, 0x69, 0x68, 0x73, 0xf0, 0x84, 0x73, 0x49,
                                                  0x92, 0xec, 0x06, 0x87, 0x9c, 0xe3, 0xda, 0x0b};
static const uint8_t table_guid[SEV_GUID_SIZE] = {0x42, 0xf5, 0x74, 0x1e, 0xdd, 0x71, 0x66, 0x4d,
                                                  0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b};

static void mac_begin(br_hmac_context *c, const uint8_t *key, size_t size)
{
	br_hmac_key_context k;

	br_hmac_key_init(&k, &br_sha256_vtable, key, size);
	br_hmac_init(c, &k, 0);
	wipe(&k, sizeof k);
}

static void mac_u32(br_hmac_context *c, uint32_t v)
{
	const uint8_t le[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	br_hmac_update(c, le, sizeof le);
}

static void mac_end(br_hmac_context *c, uint8_t out[static MAC_SIZE])
{
	br_hmac_out(c, out);
	wipe(c, sizeof *c);
}

/* NIST SP 800-108 in counter mode; one block of HMAC-SHA-256 is more than the 128 bits that are ever asked for. */
static void derive(struct slice key, const char *label, struct slice context, uint8_t out[static SEV_KEY_SIZE])
{
	static const uint8_t zero = 0;
	uint8_t block[MAC_SIZE];
	br_hmac_context c;

	mac_begin(&c, key.data, key.size);
	mac_u32(&c, 1);
	br_hmac_update(&c, label, strlen(label));
	br_hmac_update(&c, &zero, 1);
	br_hmac_update(&c, context.data, context.size);
	mac_u32(&c, 8 * SEV_KEY_SIZE);
	mac_end(&c, block);
	memcpy(out, block, SEV_KEY_SIZE);
	wipe(block, sizeof block);
}

void sev_wrapping_keys(struct slice z, const uint8_t nonce[static SEV_KEY_SIZE], struct sev_wrapping *out)
{
	const struct slice none = slice_of("", 0), master = slice_of(out->master, SEV_KEY_SIZE);

	derive(z, "sev-master-secret", slice_of(nonce, SEV_KEY_SIZE), out->master);
	derive(master, "sev-kek", none, out->kek);
	derive(master, "sev-kik", none, out->kik);
}

/* AES-128 in counter mode over all 128 bits of the IV, big-endian (NIST SP 800-38A); data of any size. */
static void crypt(const uint8_t key[static SEV_KEY_SIZE], const uint8_t iv[static SEV_KEY_SIZE], uint8_t *data, size_t size)
{
	br_aes_ct64_ctrcbc_keys c;
	uint8_t counter[SEV_KEY_SIZE], last[SEV_KEY_SIZE] = {0};
	const size_t whole = size & ~(size_t)15;

	memcpy(counter, iv, sizeof counter);
	br_aes_ct64_ctrcbc_init(&c, key, SEV_KEY_SIZE);
	br_aes_ct64_ctrcbc_ctr(&c, counter, data, whole);
	memcpy(last, data + whole, size - whole);
	br_aes_ct64_ctrcbc_ctr(&c, counter, last, sizeof last);
	memcpy(data + whole, last, size - whole);
	wipe(&c, sizeof c);
	wipe(last, sizeof last);
}

static void wrap_mac(const struct sev_wrapping *w, const uint8_t wrapped[static WRAPPED_SIZE], uint8_t out[static MAC_SIZE])
{
	br_hmac_context c;

	mac_begin(&c, w->kik, SEV_KEY_SIZE);
	br_hmac_update(&c, wrapped, WRAPPED_SIZE);
	mac_end(&c, out);
}

static void policy_mac(const uint8_t tik[static SEV_KEY_SIZE], uint32_t policy, uint8_t out[static MAC_SIZE])
{
	br_hmac_context c;

	mac_begin(&c, tik, SEV_KEY_SIZE);
	mac_u32(&c, policy);
	mac_end(&c, out);
}

/* Places in the buffer. */
enum { NONCE = 0, WRAP_TK = 16, WRAP_IV = 48, WRAP_MAC = 64, POLICY_MAC = 96 };

void sev_session_seal(struct slice z, const uint8_t nonce[static SEV_KEY_SIZE], const uint8_t iv[static SEV_KEY_SIZE],
                      const struct sev_transport *keys, uint32_t policy, uint8_t out[static SEV_SESSION_SIZE])
{
	struct sev_wrapping w;

	sev_wrapping_keys(z, nonce, &w);
	memcpy(out + NONCE, nonce, SEV_KEY_SIZE);
	memcpy(out + WRAP_TK, keys->tek, SEV_KEY_SIZE);
	memcpy(out + WRAP_TK + SEV_KEY_SIZE, keys->tik, SEV_KEY_SIZE);
	crypt(w.kek, iv, out + WRAP_TK, WRAPPED_SIZE);
	memcpy(out + WRAP_IV, iv, SEV_KEY_SIZE);
	wrap_mac(&w, out + WRAP_TK, out + WRAP_MAC);
	policy_mac(keys->tik, policy, out + POLICY_MAC);
	wipe(&w, sizeof w);
}

static enum err unwrap(const uint8_t *session, struct slice z, uint8_t plain[static WRAPPED_SIZE])
{
	struct sev_wrapping w;
	uint8_t mac[MAC_SIZE];
	bool good;

	sev_wrapping_keys(z, session + NONCE, &w);
	wrap_mac(&w, session + WRAP_TK, mac);
	good = ct_equal(mac, session + WRAP_MAC, MAC_SIZE);
	memcpy(plain, session + WRAP_TK, WRAPPED_SIZE);
	crypt(w.kek, session + WRAP_IV, plain, WRAPPED_SIZE);
	wipe(&w, sizeof w);
	return good ? OK : ERR_AUTH;
}

enum err sev_session_open(struct slice session, struct slice z, uint32_t policy, struct sev_transport *keys, struct note *n)
{
	uint8_t plain[WRAPPED_SIZE], mac[MAC_SIZE];
	enum err err;

	memset(keys, 0, sizeof *keys);
	if (session.size != SEV_SESSION_SIZE)
		return refuse(n, session.size < SEV_SESSION_SIZE ? ERR_TRUNCATED : ERR_TRAILING,
		              "a session of %llu bytes instead of 128", (unsigned long long)session.size);
	err = unwrap(session.data, z, plain);
	if (err != OK) {
		note_set(n, "the wrapped keys (WRAP_MAC) do not belong to this exchange");
		goto out;
	}
	policy_mac(plain + SEV_KEY_SIZE, policy, mac);
	if (!ct_equal(mac, session.data + POLICY_MAC, MAC_SIZE)) {
		err = refuse(n, ERR_REFUSED, "the session is not for policy %xh (POLICY_MAC)", policy);
		goto out;
	}
	memcpy(keys->tek, plain, SEV_KEY_SIZE);
	memcpy(keys->tik, plain + SEV_KEY_SIZE, SEV_KEY_SIZE);
out:
	wipe(plain, sizeof plain);
	return err;
}

/* ---- the measurement ---- */

void sev_launch_measure(const struct sev_transport *keys, const struct sev_launch *l, const uint8_t mnonce[static 16],
                        uint8_t out[static 32])
{
	const uint8_t head[] = {MEASURED, l->api_major, l->api_minor, l->build};
	br_hmac_context c;

	mac_begin(&c, keys->tik, SEV_KEY_SIZE);
	br_hmac_update(&c, head, sizeof head);
	mac_u32(&c, l->policy);
	br_hmac_update(&c, l->digest, sizeof l->digest);
	br_hmac_update(&c, mnonce, 16);
	mac_end(&c, out);
}

enum err sev_launch_check(const struct sev_transport *keys, const struct sev_launch *l, struct slice measure)
{
	struct reader r = rd_of(measure);
	struct slice claimed, mnonce;
	uint8_t want[MAC_SIZE];

	TRY(rd_bytes(&r, MAC_SIZE, &claimed));
	TRY(rd_bytes(&r, 16, &mnonce));
	TRY(rd_end(&r));
	sev_launch_measure(keys, l, mnonce.data, want);
	return ct_equal(want, claimed.data, MAC_SIZE) ? OK : ERR_DIGEST;
}

/* ---- secrets ---- */

enum { ENTRY_HEAD = SEV_GUID_SIZE + 4, TABLE_ALIGN = 16 };

static enum err entry(struct writer *w, const uint8_t guid[static SEV_GUID_SIZE], size_t size)
{
	if (size > SEV_SECRET_MAX)
		return ERR_SPACE;
	TRY(wr_bytes(w, slice_of(guid, SEV_GUID_SIZE)));
	return wr_u32le(w, (uint32_t)(ENTRY_HEAD + size));
}

enum err sev_secret_table(const struct sev_secret *secrets, size_t count, uint8_t *out, size_t size, size_t *used)
{
	struct writer w = wr_of(out, size);
	size_t all = 0;

	for (size_t i = 0; i < count; i++)
		if (secrets[i].value.size > SEV_SECRET_MAX || (all += ENTRY_HEAD + secrets[i].value.size) > SEV_SECRET_MAX)
			return ERR_SPACE;
	TRY(entry(&w, table_guid, all));
	for (size_t i = 0; i < count; i++) {
		TRY(entry(&w, secrets[i].guid, secrets[i].value.size));
		TRY(wr_bytes(&w, secrets[i].value));
	}
	TRY(wr_zero(&w, -wr_used(&w) % TABLE_ALIGN));
	*used = wr_used(&w);
	return *used <= SEV_SECRET_MAX ? OK : ERR_SPACE;
}

static void secret_mac(const struct sev_transport *keys, const uint8_t measure[static 32], uint32_t flags,
                       const uint8_t *iv, struct slice payload, uint8_t out[static MAC_SIZE])
{
	static const uint8_t what = SECRET;
	br_hmac_context c;

	mac_begin(&c, keys->tik, SEV_KEY_SIZE);
	br_hmac_update(&c, &what, 1);
	mac_u32(&c, flags);
	br_hmac_update(&c, iv, SEV_KEY_SIZE);
	mac_u32(&c, (uint32_t)payload.size); /* in the guest, and on the way: the same without compression */
	mac_u32(&c, (uint32_t)payload.size);
	br_hmac_update(&c, payload.data, payload.size);
	br_hmac_update(&c, measure, MAC_SIZE);
	mac_end(&c, out);
}

void sev_secret_seal(const struct sev_transport *keys, const uint8_t measure[static 32],
                     const uint8_t iv[static SEV_KEY_SIZE], uint8_t *table, size_t size,
                     uint8_t header[static SEV_SECRET_HEADER_SIZE])
{
	CHECK(size <= SEV_SECRET_MAX);
	crypt(keys->tek, iv, table, size);
	memset(header, 0, 4);
	memcpy(header + 4, iv, SEV_KEY_SIZE);
	secret_mac(keys, measure, 0, iv, slice_of(table, size), header + 4 + SEV_KEY_SIZE);
}

enum err sev_secret_open(const struct sev_transport *keys, const uint8_t measure[static 32], struct slice header,
                         uint8_t *payload, size_t size)
{
	struct reader r = rd_of(header);
	struct slice iv, claimed;
	uint8_t mac[MAC_SIZE];
	uint32_t flags;

	TRY(rd_u32le(&r, &flags));
	TRY(rd_bytes(&r, SEV_KEY_SIZE, &iv));
	TRY(rd_bytes(&r, MAC_SIZE, &claimed));
	TRY(rd_end(&r));
	if (size > SEV_SECRET_MAX)
		return ERR_LIMIT;
	secret_mac(keys, measure, flags, iv.data, slice_of(payload, size), mac);
	if (!ct_equal(mac, claimed.data, MAC_SIZE))
		return ERR_AUTH;
	if ((flags & FLAG_COMPRESSED) != 0)
		return ERR_UNSUPPORTED;
	crypt(keys->tek, iv.data, payload, size);
	return OK;
}
