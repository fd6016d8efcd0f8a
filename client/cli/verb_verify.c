/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/opened.h"
#include "client/agent/wire.h"
#include "client/attest/ear.h"
#include "client/attest/evidence.h"
#include "client/attest/verdict.h"
#include "client/cli/keyfile.h"
#include "client/cli/times.h"
#include "client/cli/value.h"
#include "client/cli/vouch.h"
#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"
#include "lib/session/session.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <stdlib.h>
#include <time.h>

enum { DEMAND_MAX = 512 };

/* What the evidence of a workload is bound to. */
static enum err workload_binding(const struct evidence *e, uint8_t report_data[static 64], struct note *n)
{
	const struct workload_file *f = &e->file;
	uint8_t digest[32];

	if (f->hash.size != SESSION_HASH_SIZE)
		return refuse(n, ERR_FORMAT, "its handshake hash has %llu bytes instead of %u",
		              (unsigned long long)f->hash.size, (unsigned)SESSION_HASH_SIZE);
	SHA256(f->manifest.data, f->manifest.size, digest);
	session_workload_report_data(f->hash.data, digest, f->signing_key, f->nonce, report_data);
	return OK;
}

static void found_module(struct check *k, const char *name, const struct manifest_blob *blob)
{
	char hex[65];

	hex_encode(slice_of(blob->sha256, sizeof blob->sha256), hex);
	snprintf(k->found, sizeof k->found, "%s%sSHA-256 %s, %llu bytes", name, name[0] != 0 ? ": " : "", hex,
	         (unsigned long long)blob->size);
	k->result = CHECK_PASS;
}

/* Each module that the program imports from is one more. */
static void add_libraries(const struct manifest *m, struct verdict *v)
{
	for (size_t i = 0; i < m->library_count; i++) {
		struct check k = {.id = "manifest.library", .link = "module", .spec = "lib/session/manifest.h"};
		char name[64];

		snprintf(k.expected, sizeof k.expected, "what the program imports from, named by the manifest");
		found_module(&k, slice_shown(m->libraries[i].name, name, sizeof name), &m->libraries[i].blob);
		verdict_add(v, &k);
	}
}

/* The evidence binds the manifest's digest, and the manifest names the modules: the last link of the chain. */
static void add_module(const struct evidence *e, struct verdict *v)
{
	struct check k = {
	        .id = "manifest.module", .link = "module", .result = CHECK_FAIL, .spec = "lib/session/manifest.h"};
	struct opened manifest = {.memory = NULL};
	struct note n = {""};

	snprintf(k.expected, sizeof k.expected, "a manifest that names the module");
	if (opened_read(e->file.manifest, &manifest, &n) != OK) {
		snprintf(k.found, sizeof k.found, "%.190s", n.text);
		snprintf(k.cure, sizeof k.cure, "save the evidence again; the manifest in the file is damaged");
	} else {
		found_module(&k, "", &manifest.m.module);
	}
	verdict_add(v, &k);
	add_libraries(&manifest.m, v);
	opened_free(&manifest);
}

static int write_page(const struct cli *c, const struct verdict *v, const struct verdict_about *about)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	struct note n = {""};
	enum err err = f != NULL ? OK : ERR_NOMEM;

	if (f != NULL) {
		verdict_page(f, v, about);
		err = fclose(f) == 0 ? file_replace(cli_value(c, "html"), slice_of(text, size), 0644, &n) : ERR_NOMEM;
	}
	free(text);
	return err == OK ? STATUS_OK : cli_fail_note(c, err, &n);
}

static int show(const struct cli *c, const struct verdict *v, const struct verdict_about *about)
{
	int status = v->ok ? STATUS_OK : STATUS_REFUSED, done = STATUS_OK;
	json_t *j;

	if (cli_has(c, "html"))
		done = write_page(c, v, about);
	if (done != STATUS_OK)
		return done;
	if (c->json) {
		j = verdict_json(v);
		if (j == NULL || ear_add(j, v, about->at, about->nonce) != OK) {
			json_decref(j);
			return cli_fail(c, STATUS_FAILED, "out of memory");
		}
		done = cli_json(c, j);
		return done == STATUS_OK ? status : done;
	}
	(c->verbose ? verdict_print_checks : verdict_print)(stdout, v, c->color_out);
	return cli_flush(c, status);
}

/* What the relying party demands besides the policy, out of hexadecimal. */
struct demands {
	uint8_t report_data[64], nonce_bytes[DEMAND_MAX];
	struct slice nonce;
	bool has_report_data, has_nonce;
	int64_t at;
	struct sev_secrets sev;
	bool has_sev;
	EVP_PKEY *pef_key; /* owned */
	struct vouch keep; /* the workloads; and the Keep, when it is asked itself */
};

static int demands_read(struct cli *c, struct demands *d)
{
	const char *at = cli_value(c, "at"), *data = cli_value(c, "report-data"), *nonce = cli_value(c, "nonce");

	memset(&d->keep, 0, sizeof d->keep);
	d->at = (int64_t)time(NULL);
	if (at != NULL && !time_of(at, &d->at))
		return cli_usage(c, TIME_USAGE, at);
	d->has_report_data = data != NULL;
	if (data != NULL && hex_decode(slice_text(data), d->report_data, 64) != OK)
		return cli_usage(c, "--report-data: 128 hex digits, the 64 bytes of the report's field");
	d->has_nonce = nonce != NULL;
	if (nonce == NULL)
		return STATUS_OK;
	d->nonce = slice_of(d->nonce_bytes, strlen(nonce) / 2);
	if (strlen(nonce) / 2 > DEMAND_MAX || strlen(nonce) % 2 != 0 ||
	    hex_decode(slice_text(nonce), d->nonce_bytes, d->nonce.size) != OK)
		return cli_usage(c, "--nonce: an even number of hex digits, at most %d", 2 * DEMAND_MAX);
	return STATUS_OK;
}

/* What broch sev session kept for itself: both keys and the guest's policy, little-endian. */
static enum err session_keys(const char *where, struct sev_secrets *s, struct note *n)
{
	enum { SIZE = 2 * SEV_KEY_SIZE + 4 };
	uint8_t bytes[KEYFILE_SIZE_MAX];
	size_t size = 0;
	enum err err = keyfile_bytes(where, bytes, &size, n);

	if (err == OK && size != SIZE)
		err = refuse(n, ERR_FORMAT, "%s: not what broch sev session wrote as transport.keys", where);
	if (err == OK) {
		memcpy(s->keys.tek, bytes, SEV_KEY_SIZE);
		memcpy(s->keys.tik, bytes + SEV_KEY_SIZE, SEV_KEY_SIZE);
		for (unsigned i = 4; i-- > 0;)
			s->policy = s->policy << 8 | bytes[2 * SEV_KEY_SIZE + i];
	}
	wipe(bytes, sizeof bytes);
	return err;
}

static enum err secrets_read(struct cli *c, struct demands *d, struct note *n)
{
	const char *api = cli_value(c, "api");
	unsigned v[3] = {0};
	int used = 0;

	if (cli_has(c, "session") != (api != NULL))
		return refuse(n, ERR_INVALID, "--session and --api go together: the launch measurement is over both");
	if (api != NULL && (sscanf(api, "%3u.%3u.%3u%n", &v[0], &v[1], &v[2], &used) != 3 || api[used] != 0 ||
	                    v[0] > 255 || v[1] > 255 || v[2] > 255))
		return refuse(n, ERR_INVALID, "--api %s: say MAJOR.MINOR.BUILD", api);
	for (unsigned i = 0; i < 3; i++)
		d->sev.api[i] = (uint8_t)v[i];
	d->has_sev = api != NULL;
	if (d->has_sev)
		TRY(session_keys(cli_value(c, "session"), &d->sev, n));
	return cli_has(c, "key") ? keyfile_private(cli_value(c, "key"), &d->pef_key, n) : OK;
}

static int demands_fit(struct cli *c, const struct evidence *e, const struct demands *d)
{
	if (d->has_report_data && !evidence_takes_report_data(e->kind))
		return cli_usage(c, "--report-data does not go with %s, which says itself what it is bound to",
		                 evidence_text(e));
	if (d->has_nonce && !evidence_takes_nonce(e->kind))
		return cli_usage(c, "--nonce does not go with %s: it has none; use --report-data", evidence_text(e));
	return STATUS_OK;
}

static int judge(struct cli *c, const struct evidence *e, const struct collateral *set, const struct tenant_policy *p,
                 struct demands *d)
{
	struct verdict_about about = {.file = c->operands[0], .kind = evidence_text(e), .policy = p->name, .at = d->at};
	struct evidence_input in = {.evidence = e,
	                            .collateral = set,
	                            .nonce = d->has_nonce ? &d->nonce : NULL,
	                            .manifests = (const uint8_t(*)[32])d->keep.workloads,
	                            .manifest_count = d->keep.workload_count,
	                            .policy = p->policy,
	                            .at = d->at,
	                            .sev = d->has_sev ? &d->sev : NULL,
	                            .pef_key = d->pef_key};
	const bool workload = e->kind == EVIDENCE_WORKLOAD;
	struct note n = {""};
	struct verdict v;

	if (workload && workload_binding(e, d->report_data, &n) != OK)
		return cli_fail(c, STATUS_FAILED, "%s: %s", c->operands[0], n.text);
	if (workload || d->has_report_data)
		in.report_data = slice_of(d->report_data, 64);
	evidence_verify(&in, &v);
	if (workload)
		add_module(e, &v);
	about.nonce = v.ok ? in.nonce : NULL;
	return show(c, &v, &about);
}

static enum err read_collateral(const struct cli *c, struct collateral **out, struct note *n)
{
	const char *path;
	size_t at = 0;

	while ((path = cli_next(c, "collateral", &at)) != NULL) {
		if (*out == NULL)
			*out = collateral_new();
		if (*out == NULL)
			return ERR_NOMEM;
		TRY(collateral_add_path(*out, path, n));
	}
	return OK;
}

/* The bytes that shall be judged: a file's, or the certificate of a Keep. */
static enum err fetch(struct cli *c, struct demands *d, struct slice *out, struct note *n)
{
	int timeout_ms;
	uint8_t *der;

	if (!vouch_is_address(c->operands[0]))
		return file_read(c->operands[0], EVIDENCE_SIZE_MAX, out, n);
	TRY(vouch_timeout(c, &timeout_ms, n));
	TRY(vouch_fetch(&d->keep, clock_ms() + timeout_ms, -1, &der, &out->size, n));
	out->data = der;
	return OK;
}

static int with_policy(struct cli *c, const struct tenant_policy *policy, struct demands *d)
{
	struct collateral *set = NULL;
	struct evidence e = {0};
	struct slice bytes = {0};
	struct note n = {""};
	int status;

	if (fetch(c, d, &bytes, &n) != OK)
		status = cli_fail(c, STATUS_FAILED, "%s", n.text);
	else if (evidence_open(bytes, &e, &n) != OK)
		status = cli_fail(c, STATUS_FAILED, "%s: %s", c->operands[0], n.text);
	else if ((status = demands_fit(c, &e, d)) == STATUS_OK)
		status = read_collateral(c, &set, &n) == OK ? judge(c, &e, set, policy, d)
		                                            : cli_fail(c, STATUS_FAILED, "%s", n.text);
	collateral_free(set);
	evidence_close(&e);
	free((void *)(uintptr_t)bytes.data);
	return status;
}

static int verify_run(struct cli *c)
{
	struct tenant_policy policy = {0};
	struct demands d = {.has_sev = false};
	struct note n = {""};
	int status = demands_read(c, &d);
	enum err err;

	if (status != STATUS_OK)
		return status;
	if (vouch_read(c, c->operands[0], &d.keep, &n) != OK)
		return cli_usage(c, "%s", n.text);
	if (policy_load(cli_value(c, "policy"), &policy, &n) != OK)
		return cli_usage(c, "%s", n.text);
	err = secrets_read(c, &d, &n);
	status = err == OK            ? with_policy(c, &policy, &d)
	         : err == ERR_INVALID ? cli_usage(c, "%s", n.text)
	                              : cli_fail_note(c, err, &n);
	wipe(&d.sev, sizeof d.sev);
	EVP_PKEY_free(d.pef_key);
	policy_drop(&policy);
	return status;
}

static const struct option verify_options[] = {
        {"policy", 'p', false, "FILE", "what to accept; default: $XDG_CONFIG_HOME/broch/policy.toml"},
        {"collateral", 'C', true, "PATH", "a file or folder of certificates, revocation lists and vendors' statements"},
        {"at", 0, false, "TIME",
         "the time at which everything must be valid, as 2026-01-31 or 2026-01-31T12:00:00Z; default: now"},
        {"report-data", 0, false, "HEX", "the 64 bytes that a report or quote must be bound to"},
        {"nonce", 0, false, "HEX",
         "the nonce that a Nitro document, a vTPM's quote, an RA-TLS claim, a CCA token or an SEV report must bear"},
        {"session", 0, false, "WHERE", "SEV launch measurements: transport.keys of the session, a file or fd:N"},
        {"api", 0, false, "VERSION", "SEV launch measurements: MAJOR.MINOR.BUILD of the platform's firmware"},
        {"key", 0, false, "WHERE", "ESM blobs: the private key of one recipient, a file or fd:N"},
        {"html", 0, false, "FILE",
         "also write the verdict as one page with the chain as a picture; it needs nothing else"},
        {0},
};

const struct verb verb_verify = {
        .name = "verify",
        .summary = "judge saved evidence, or a Keep that talks TLS",
        .operands = "FILE|tls://HOST:PORT",
        .options = verify_options,
        .more = options_vouch,
        .details =
                "Judges a file of evidence: what `broch inspect --evidence` saved (a Keep's word about its workload), "
                "an "
                "evidence envelope, an SEV-SNP report (with or without its certificate table), an SGX or TDX quote, a "
                "document of AWS Nitro Enclaves, an RA-TLS certificate, an Enarx certificate request, a report of "
                "Azure's paravisor, an Arm CCA token, an ESM blob of IBM PEF, or of SEV and SEV-ES the certificates of a "
                "platform, a launch measurement or an attestation report. Which it is, is seen from the bytes; PEM, hexadecimal and "
                "base64 are taken off.\n\n"
                "The chain of trust is printed link by link: root, platform key, report, measurement, handshake, "
                "module. "
                "With --verbose every check is shown in a tree with what was expected, what was found, where it is "
                "specified and what to do. --json prints an EAT attestation result (draft-ietf-rats-ear) with the "
                "trustworthiness vector of AR4SI, and every check beside it; it is not signed.\n\n"
                "Collateral is what the vendor says of the platform: PEM and DER certificates and revocation lists, "
                "Intel's TCB info and QE identity, bundles of these in JSON, a vTPM's quote (with its signature in a "
                "file "
                "called .sig and the PCR values in JSON). Pieces are known by what they are, not by their names, and "
                "what "
                "fits is chosen.\n\n"
                "With tls://HOST:PORT it is the certificate that a Keep shows there. Its evidence names its key, which "
                "the "
                "Keep made and keeps, and the manifest of what the Keep runs. A good Keep may run a bad program: say "
                "with "
                "--workload, or with workloads in the policy, which are yours, or nothing is accepted.\n\n"
                "But for that connection nothing is fetched from anywhere. Accepted: status 0. Refused: 3. Unreadable, "
                "or not reached: 1.",
        .examples = "# Would this have been accepted on New Year's Day?\n"
                    "broch verify --policy policy.toml --at 2026-01-01 evidence.cbor\n"
                    "# Is that the workload whose evidence was saved?\n"
                    "broch verify --policy policy.toml --workload mine.evidence tls://keep.example:443\n"
                    "# A TDX quote with Intel's collateral in a folder\n"
                    "broch verify --policy tdx.toml --collateral intel/ quote.bin\n",
        .min = 1,
        .max = 1,
        .run = verify_run,
};
