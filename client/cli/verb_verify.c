/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/verdict.h"
#include "client/cli/tenant.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"
#include "lib/session/session.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { EVIDENCE_MAX = MANIFEST_SIZE_MAX + ENVELOPE_SIZE_MAX + 4096, MANIFEST_ARENA = 64 << 20 /* of addresses */ };

/* A saved file is one of two things: what a Keep said about its workload, or a bare envelope. */
struct evidence {
	struct slice envelope;
	bool workload;
	struct workload_file file;
	uint8_t manifest_digest[32], report_data[64];
};

static enum err read_evidence(struct slice bytes, struct evidence *e, struct note *n)
{
	struct envelope bare;
	struct note as_file = {""}, as_envelope = {""};

	memset(e, 0, sizeof *e);
	if (workload_file_decode(bytes, &e->file, &as_file) == OK) {
		if (e->file.hash.size != SESSION_HASH_SIZE)
			return refuse(n, ERR_FORMAT, "its handshake hash has %llu bytes instead of %u",
			              (unsigned long long)e->file.hash.size, (unsigned)SESSION_HASH_SIZE);
		e->workload = true;
		e->envelope = e->file.envelope;
		SHA256(e->file.manifest.data, e->file.manifest.size, e->manifest_digest);
		session_workload_report_data(e->file.hash.data, e->manifest_digest, e->file.signing_key, e->file.nonce,
		                             e->report_data);
		return OK;
	}
	if (envelope_decode(bytes, &bare, &as_envelope) != OK)
		return refuse(n, ERR_FORMAT, "neither workload evidence (%s) nor an evidence envelope (%s)",
		              as_file.text, as_envelope.text);
	e->envelope = bytes;
	return OK;
}

static enum err module_digest(struct slice cbor, uint8_t out[static 32], uint64_t *size, struct note *n)
{
	void *memory =
	        mmap(NULL, MANIFEST_ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct arena a;
	struct manifest m;
	enum err err;

	if (memory == MAP_FAILED)
		return ERR_NOMEM;
	a = arena_of(memory, MANIFEST_ARENA);
	err = manifest_decode(&a, cbor, &m, n);
	if (err == OK) {
		memcpy(out, m.module.sha256, 32);
		*size = m.module.size;
	}
	munmap(memory, MANIFEST_ARENA);
	return err;
}

/* The evidence binds the manifest's digest, and the manifest names the module: the last link of the chain. */
static void add_module(const struct evidence *e, struct verdict *v)
{
	struct check k = {
	        .id = "manifest.module", .link = "module", .result = CHECK_FAIL, .spec = "lib/session/manifest.h"};
	struct note n = {""};
	uint8_t digest[32];
	char hex[65];
	uint64_t size;

	snprintf(k.expected, sizeof k.expected, "a manifest that names the module");
	if (module_digest(e->file.manifest, digest, &size, &n) != OK) {
		snprintf(k.found, sizeof k.found, "%.190s", n.text);
		snprintf(k.cure, sizeof k.cure, "save the evidence again; the manifest in the file is damaged");
	} else {
		hex_encode(slice_of(digest, sizeof digest), hex);
		snprintf(k.found, sizeof k.found, "SHA-256 %s, %llu bytes", hex, (unsigned long long)size);
		k.result = CHECK_PASS;
	}
	verdict_add(v, &k);
}

static bool time_of(const char *text, int64_t *at)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "@%s"};

	for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != 0)
			continue;
		*at = i == 2 ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm);
		return true;
	}
	return false;
}

static int show(const struct cli *c, const struct verdict *v)
{
	int status = v->ok ? STATUS_OK : STATUS_REFUSED, printed;

	if (c->json) {
		printed = cli_json(c, verdict_json(v));
		return printed == STATUS_OK ? status : printed;
	}
	if (c->verbose)
		verdict_print_checks(stdout, v, c->color_out);
	else
		verdict_print(stdout, v, c->color_out);
	return cli_flush(c, status);
}

static int verify_run(struct cli *c)
{
	struct tenant_policy policy = {0};
	struct slice bytes = {0};
	struct evidence e;
	struct verdict v;
	struct note n = {""};
	int64_t at = (int64_t)time(NULL);
	int status;

	if (cli_has(c, "at") && !time_of(cli_value(c, "at"), &at))
		return cli_usage(c, "--at %s: write 2026-01-31, 2026-01-31T12:00:00Z or @SECONDS", cli_value(c, "at"));
	if (policy_load(cli_value(c, "policy"), &policy, &n) != OK)
		return cli_usage(c, "%s", n.text);
	if (file_read(c->operands[0], EVIDENCE_MAX, &bytes, &n) != OK) {
		status = cli_fail(c, STATUS_FAILED, "%s", n.text);
	} else if (read_evidence(bytes, &e, &n) != OK) {
		status = cli_fail(c, STATUS_FAILED, "%s: %s", c->operands[0], n.text);
	} else {
		const struct verify_input in = {
		        e.envelope, e.workload ? slice_of(e.report_data, sizeof e.report_data) : slice_of(NULL, 0),
		        policy.policy, at};

		verify_evidence(&in, &v);
		if (e.workload)
			add_module(&e, &v);
		status = show(c, &v);
	}
	free((void *)(uintptr_t)bytes.data);
	policy_drop(&policy);
	return status;
}

static const struct option verify_options[] = {
        {"policy", 'p', false, "FILE", "what to accept; default: $XDG_CONFIG_HOME/broch/policy.toml"},
        {"at", 0, false, "TIME",
         "the time at which everything must be valid, as 2026-01-31 or 2026-01-31T12:00:00Z; default: now"},
        {0},
};

const struct verb verb_verify = {
        .name = "verify",
        .summary = "judge saved evidence",
        .operands = "FILE",
        .options = verify_options,
        .details =
                "Judges evidence that was saved with `broch inspect --evidence` (a Keep's word about its workload), or "
                "a bare "
                "evidence envelope. The chain of trust is printed link by link: root, platform key, report, "
                "measurement, "
                "handshake, module. With --verbose every check is shown with what was expected and what was found.\n\n"
                "Nothing is fetched from anywhere. Accepted: status 0. Refused: 3. Unreadable: 1.",
        .examples = "# Would this have been accepted on New Year's Day?\n"
                    "broch verify --policy policy.toml --at 2026-01-01 evidence.cbor\n",
        .min = 1,
        .max = 1,
        .run = verify_run,
};
