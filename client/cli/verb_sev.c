/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broch sev session|secret: what the owner of an SEV or SEV-ES guest does before it runs (AMD 55766 "SEV API", chapter
 * 2 and sections 6.2, 6.5, 6.6): judge the platform and make a session for it; judge the launch and make the secret
 * packet.
 */
#include "client/attest/sev.h"
#include "client/attest/verdict.h"
#include "client/cli/keyfile.h"
#include "client/cli/value.h"
#include "lib/attest/sev_cert.h"
#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	PATH_SIZE = 4096,
	SECRETS_MAX = 16,
	KEYS_SIZE = 2 * SEV_KEY_SIZE + 4,
	BASE64_MAX = 4 * ((SEV_SECRET_MAX + 2) / 3) + 2
};

static enum err print_verdict(const struct cli *c, const struct verdict *v)
{
	if (c->json)
		return cli_json(c, verdict_json(v)) == STATUS_OK ? OK : ERR_IO;
	(c->verbose ? verdict_print_checks : verdict_print)(stdout, v, c->color_out);
	return OK;
}

static enum err path_of(const char *folder, const char *name, char out[static PATH_SIZE], struct note *n)
{
	int used = snprintf(out, PATH_SIZE, "%s/%s", folder, name);

	return used > 0 && used < PATH_SIZE ? OK : refuse(n, ERR_LIMIT, "%s: the path is too long", folder);
}

static enum err make_folder(const char *folder, struct note *n)
{
	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		return OK;
	return refuse(n, err_of_errno(errno), "%s: %s", folder, strerror(errno));
}

/* As it is, or in base64 as QEMU takes it. */
static enum err put(const struct cli *c, const char *name, struct slice bytes, struct note *n)
{
	unsigned char text[BASE64_MAX];
	char path[PATH_SIZE];

	CHECK(bytes.size <= SEV_SECRET_MAX);
	TRY(path_of(cli_value(c, "out"), name, path, n));
	if (cli_has(c, "qemu"))
		bytes = slice_of(text, (size_t)EVP_EncodeBlock(text, bytes.data, (int)bytes.size));
	return file_replace(path, bytes, 0644, n);
}

/* MAJOR.MINOR, and .BUILD where it may stand. */
static enum err version(const struct cli *c, const char *option, bool build, uint8_t out[static 3], struct note *n)
{
	const char *text = cli_value(c, option);
	unsigned v[3] = {0, 0, 0};
	int used = 0, numbers;

	if (text == NULL)
		return OK;
	numbers = sscanf(text, "%3u.%3u%n.%3u%n", &v[0], &v[1], &used, &v[2], &used);
	if (numbers < 2 || text[used] != 0 || (numbers == 3 && !build) || v[0] > 255 || v[1] > 255 || v[2] > 255)
		return refuse(n, ERR_INVALID, "--%s %s: say MAJOR.MINOR%s", option, text, build ? ".BUILD" : "");
	for (unsigned i = 0; i < 3; i++)
		out[i] = (uint8_t)v[i];
	return OK;
}

/* ---- session ---- */

struct platform {
	struct slice bytes[SEV_LINK_COUNT]; /* owned when from a folder; [0] alone from a file */
	struct sev_chain_input in;
	uint8_t root[SPKI_DIGEST_SIZE];
};

static void platform_free(struct platform *p)
{
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		free((void *)(uintptr_t)p->bytes[i].data);
}

static enum err from_folder(const char *folder, struct platform *p, struct note *n)
{
	char path[PATH_SIZE], name[16];

	for (unsigned i = 0; i < SEV_LINK_COUNT; i++) {
		snprintf(name, sizeof name, "%s.cert", sev_link_names[i]);
		TRY(path_of(folder, name, path, n));
		TRY(file_read(path, SEV_CERT_SIZE + 1, &p->bytes[i], n));
		p->in.certs[i] = p->bytes[i];
	}
	return OK;
}

static enum err from_file(const char *path, struct platform *p, struct note *n)
{
	TRY(file_read(path, 4 * SEV_CERT_SIZE + 2 * SEV_CA_SIZE_MAX, &p->bytes[0], n));
	if (!sev_chain_split(p->bytes[0], p->in.certs))
		return refuse(n, ERR_FORMAT, "%s: %llu bytes are no full chain (PDH, PEK, OCA, CEK, ASK, ARK)", path,
		              (unsigned long long)p->bytes[0].size);
	return OK;
}

static enum err platform_read(const struct cli *c, struct platform *p, struct note *n)
{
	const char *path = c->operands[1];
	uint8_t api[3] = {0};
	struct stat st;

	TRY(version(c, "min-api", false, api, n));
	TRY(value_bytes(c, "root", p->root, sizeof p->root, n));
	p->in.root = cli_has(c, "root") ? p->root : NULL;
	p->in.api_major_min = api[0];
	p->in.api_minor_min = api[1];
	if (stat(path, &st) != 0)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? from_folder(path, p, n) : from_file(path, p, n);
}

/* The keys go first: a session whose keys are lost is of no use, and one that exists has a guest. */
static enum err save_session(const struct cli *c, const struct sev_offer *o, uint32_t policy, struct note *n)
{
	const uint8_t le[] = {(uint8_t)policy, (uint8_t)(policy >> 8), (uint8_t)(policy >> 16),
	                      (uint8_t)(policy >> 24)};
	uint8_t keys[KEYS_SIZE];
	char path[PATH_SIZE];
	enum err err;

	TRY(make_folder(cli_value(c, "out"), n));
	TRY(path_of(cli_value(c, "out"), "transport.keys", path, n));
	memcpy(keys, o->keys.tek, SEV_KEY_SIZE);
	memcpy(keys + SEV_KEY_SIZE, o->keys.tik, SEV_KEY_SIZE);
	memcpy(keys + (size_t)2 * SEV_KEY_SIZE, le, sizeof le);
	err = keyfile_write(path, cli_has(c, "force"), slice_of(keys, sizeof keys), n);
	wipe(keys, sizeof keys);
	TRY(err);
	TRY(put(c, "godh.cert", slice_of(o->godh, sizeof o->godh), n));
	return put(c, "session.bin", slice_of(o->session, sizeof o->session), n);
}

static enum err session(const struct cli *c, struct platform *p, struct note *n)
{
	static const char *const not [] = {"keys", "measure", "digest", "api", "secret", NULL};
	uint64_t policy = 0;
	struct sev_offer o;
	struct verdict v;
	enum err err;

	TRY(value_unwanted(c, not, "a session", n));
	TRY(value_needed(c, "policy", n));
	TRY(value_needed(c, "out", n));
	TRY(value_number(c, "policy", UINT32_MAX, &policy, n));
	TRY(platform_read(c, p, n));
	sev_chain_verify(&p->in, &v);
	TRY(print_verdict(c, &v));
	if (!v.ok)
		return ERR_REFUSED;
	TRY(sev_offer_make(p->in.certs[SEV_LINK_PDH], (uint32_t)policy, &o, n));
	err = save_session(c, &o, (uint32_t)policy, n);
	wipe(&o, sizeof o);
	return err;
}

/* ---- secret ---- */

struct packet {
	struct sev_transport keys;
	struct sev_launch launch;
	struct sev_launch_rules rules;
	uint8_t measure[SEV_MEASURE_SIZE];
	uint8_t values[KEYFILE_SIZE_MAX], one[KEYFILE_SIZE_MAX], table[SEV_SECRET_MAX];
	size_t values_size, table_size;
	struct sev_secret secrets[SECRETS_MAX];
	size_t count;
	uint8_t header[SEV_SECRET_HEADER_SIZE];
};

/* "736869e5-84f0-4973-92ec-06879ce3da0b": the first three groups are stored little-endian. */
static bool guid_of(struct slice text, uint8_t out[static SEV_GUID_SIZE])
{
	static const unsigned char at[SEV_GUID_SIZE] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};

	if (text.size != 36 || text.data[8] != '-' || text.data[13] != '-' || text.data[18] != '-' ||
	    text.data[23] != '-')
		return false;
	for (unsigned i = 0; i < SEV_GUID_SIZE; i++)
		if (hex_decode(slice_of(text.data + at[i], 2), &out[i], 1) != OK)
			return false;
	return true;
}

/* [GUID=]WHERE. */
static enum err one_secret(struct packet *p, const char *text, struct note *n)
{
	const char *equals = strchr(text, '='), *where = equals != NULL ? equals + 1 : text;
	struct sev_secret *s = &p->secrets[p->count];
	size_t size = 0;

	if (p->count == SECRETS_MAX)
		return refuse(n, ERR_LIMIT, "--secret: at most %u of them", (unsigned)SECRETS_MAX);
	memcpy(s->guid, sev_guid_disk_key, SEV_GUID_SIZE);
	if (equals != NULL && !guid_of(slice_of(text, (size_t)(equals - text)), s->guid))
		return refuse(n, ERR_INVALID,
		              "--secret: what stands before = is a GUID, as in 736869e5-84f0-4973-92ec-06879ce3da0b");
	TRY(keyfile_bytes(where, p->one, &size, n));
	if (size > sizeof p->values - p->values_size)
		return refuse(n, ERR_LIMIT, "%s: the secrets are larger than a packet", where);
	memcpy(p->values + p->values_size, p->one, size);
	s->value = slice_of(p->values + p->values_size, size);
	p->values_size += size;
	p->count++;
	return OK;
}

static enum err secrets(const struct cli *c, struct packet *p, struct note *n)
{
	const char *text;
	size_t at = 0;
	enum err err;

	while ((text = cli_next(c, "secret", &at)) != NULL)
		TRY(one_secret(p, text, n));
	err = sev_secret_table(p->secrets, p->count, p->table, sizeof p->table, &p->table_size);
	return err == OK ? OK
	                 : refuse(n, err, "the secrets do not fit into a packet of %u bytes", (unsigned)SEV_SECRET_MAX);
}

static enum err read_keys(const struct cli *c, struct packet *p, struct note *n)
{
	const char *where = cli_value(c, "keys");
	size_t size = 0;

	TRY(keyfile_bytes(where, p->one, &size, n));
	if (size != KEYS_SIZE)
		return refuse(n, ERR_FORMAT, "%s: not what broch sev session wrote as transport.keys", where);
	memcpy(p->keys.tek, p->one, SEV_KEY_SIZE);
	memcpy(p->keys.tik, p->one + SEV_KEY_SIZE, SEV_KEY_SIZE);
	for (unsigned i = 4; i-- > 0;)
		p->launch.policy = p->launch.policy << 8 | p->one[2 * SEV_KEY_SIZE + i];
	return OK;
}

/* 48 bytes, or the base64 of them that QEMU prints. */
static enum err read_measure(const char *path, uint8_t out[static SEV_MEASURE_SIZE], struct note *n)
{
	enum { TEXT = SEV_MEASURE_SIZE / 3 * 4 };
	struct slice s;
	bool good;

	TRY(file_read(path, TEXT + 2, &s, n));
	good = s.size == SEV_MEASURE_SIZE;
	if (good)
		memcpy(out, s.data, SEV_MEASURE_SIZE);
	else if (s.size >= TEXT && memchr(s.data, '=', TEXT) == NULL)
		good = EVP_DecodeBlock(out, s.data, TEXT) == SEV_MEASURE_SIZE;
	free((void *)(uintptr_t)s.data);
	return good ? OK : refuse(n, ERR_FORMAT, "%s: LAUNCH_MEASURE gives 48 bytes, as they are or in base64", path);
}

static enum err packet_options(const struct cli *c, struct packet *p, struct note *n)
{
	static const char *const needed[] = {"keys", "measure", "digest", "api", "secret", "out"};
	static const char *const not [] = {"policy", "root", "force", NULL};
	uint8_t api[3] = {0}, min[3] = {0};

	TRY(value_unwanted(c, not, "a secret packet: the policy is that of the session", n));
	for (size_t i = 0; i < ARRAY_COUNT(needed); i++)
		TRY(value_needed(c, needed[i], n));
	TRY(version(c, "api", true, api, n));
	TRY(version(c, "min-api", true, min, n));
	TRY(value_bytes(c, "digest", p->launch.digest, sizeof p->launch.digest, n));
	TRY(read_keys(c, p, n));
	TRY(read_measure(cli_value(c, "measure"), p->measure, n));
	p->launch.api_major = api[0];
	p->launch.api_minor = api[1];
	p->launch.build = api[2];
	p->rules.api_major_min = min[0];
	p->rules.api_minor_min = min[1];
	p->rules.build_min = min[2];
	return secrets(c, p, n);
}

static enum err secret(const struct cli *c, struct packet *p, struct note *n)
{
	uint8_t iv[SEV_KEY_SIZE];
	struct verdict v;

	TRY(packet_options(c, p, n));
	sev_launch_verify(&p->keys, &p->launch, slice_of(p->measure, sizeof p->measure), &p->rules, &v);
	TRY(print_verdict(c, &v));
	if (!v.ok)
		return ERR_REFUSED;
	if (RAND_bytes(iv, sizeof iv) != 1)
		return refuse(n, ERR_CRYPTO, "no randomness");
	sev_secret_seal(&p->keys, p->measure, iv, p->table, p->table_size, p->header);
	TRY(make_folder(cli_value(c, "out"), n));
	TRY(put(c, "header.bin", slice_of(p->header, sizeof p->header), n));
	return put(c, "payload.bin", slice_of(p->table, p->table_size), n);
}

/* ---- the verb ---- */

static int finish(const struct cli *c, enum err err, const struct note *n)
{
	if (err == ERR_INVALID)
		return cli_usage(c, "%s", n->text[0] != 0 ? n->text : err_text(err));
	if (err == ERR_REFUSED)
		return cli_flush(c, STATUS_REFUSED);
	return err == OK ? cli_flush(c, STATUS_OK) : cli_fail_note(c, err, n);
}

static int run_session(const struct cli *c)
{
	struct platform p = {.in = {.root = NULL}};
	struct note n = {""};
	enum err err = session(c, &p, &n);

	platform_free(&p);
	return finish(c, err, &n);
}

static int run_secret(const struct cli *c)
{
	struct packet *p = calloc(1, sizeof *p);
	struct note n = {""};
	enum err err = p != NULL ? secret(c, p, &n) : ERR_NOMEM;

	if (p != NULL)
		wipe(p, sizeof *p);
	free(p);
	return finish(c, err, &n);
}

static int sev_run(struct cli *c)
{
	if (strcmp(c->operands[0], "session") == 0 && c->operand_count == 2)
		return run_session(c);
	if (strcmp(c->operands[0], "secret") == 0 && c->operand_count == 1)
		return run_secret(c);
	return cli_usage(c, "say session PLATFORM or secret");
}

static const struct option sev_options[] = {
        {"out", 'o', false, "FOLDER", "where the results go"},
        {"qemu", 0, false, NULL, "write what goes to the host in base64, as QEMU takes it"},
        {"min-api", 0, false, "VERSION", "refuse firmware older than MAJOR.MINOR (secret: .BUILD as well)"},
        {"policy", 0, false, "BITS", "session: the guest policy; 0x1 forbids debugging, 0x4 wants SEV-ES"},
        {"root", 0, false, "HEX", "session: SHA-256 of the one root key that is trusted; default AMD's roots"},
        {"force", 0, false, NULL, "session: replace the keys of a session that is there"},
        {"keys", 0, false, "WHERE", "secret: transport.keys of the session: a file, or fd:N"},
        {"measure", 0, false, "FILE", "secret: what LAUNCH_MEASURE gave, 48 bytes or base64"},
        {"digest", 0, false, "HEX", "secret: the launch digest that you expect; broch measure --tee sev prints it"},
        {"api", 0, false, "VERSION", "secret: MAJOR.MINOR.BUILD of the platform's firmware"},
        {"secret", 0, true, "[GUID=]WHERE",
         "secret: what the guest gets, from a file or fd:N; GUID says for whom, default: the disk key"},
        {0},
};

const struct verb verb_sev = {
        .name = "sev",
        .summary = "start an SEV or SEV-ES guest on a platform you judged, and give it secrets",
        .operands = "session PLATFORM|secret",
        .options = sev_options,
        .details = "These two generations attest before the guest runs, and the owner takes part (AMD 55766).\n"
                   "\n"
                   "session judges a platform by its certificates and, when they are good, makes a session for it. "
                   "PLATFORM "
                   "is a folder with ark.cert, ask.cert, cek.cert, oca.cert, pek.cert and pdh.cert, or one file as "
                   "platforms export it. FOLDER gets godh.cert and session.bin, which the host needs for LAUNCH_START, "
                   "and "
                   "transport.keys (mode 0600), which stays with you. Who signed as the OCA is in the words with "
                   "--verbose.\n"
                   "\n"
                   "secret judges the launch: LAUNCH_MEASURE must be over the digest, firmware and policy that you "
                   "expect. Then it makes header.bin and payload.bin for LAUNCH_SECRET, with a table in which OVMF and "
                   "Linux find the secrets by GUID.\n"
                   "\n"
                   "Exit status 3: refused, and nothing was written.",
        .examples = "broch sev session --policy 0x5 --out launch platform/\n"
                    "broch sev secret --keys launch/transport.keys --measure measure.b64 --digest DIGEST --api 1.55.21 "
                    "--secret disk.key --out launch\n",
        .min = 1,
        .max = 2,
        .run = sev_run,
};
