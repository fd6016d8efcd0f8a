/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/vouch.h"

#include "client/agent/wire.h"
#include "client/cli/host.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <stdlib.h>
#include <time.h>

enum { TIMEOUT_MS = 30000, EVIDENCE_MAX = MANIFEST_SIZE_MAX + ENVELOPE_SIZE_MAX + 4096 };

const struct option options_vouch[] = {
        {"workload", 'w', true, "DIGEST|FILE",
         "what the Keep may run: SHA-256 of its manifest, or a file saved by `broch inspect "
         "--evidence`"},
        {"connect-timeout", 0, false, "TIME", "how long connecting to a Keep may take; default 30s"},
        {0},
};

static const char scheme[] = "tls://";

bool vouch_is_address(const char *operand)
{
	return strncmp(operand, scheme, strlen(scheme)) == 0;
}

static bool port_ok(const char *port)
{
	unsigned long value;
	char *end;

	if (port[0] < '0' || port[0] > '9' || strlen(port) > 5)
		return false;
	value = strtoul(port, &end, 10);
	return *end == 0 && value > 0 && value <= 65535;
}

/* HOST:PORT, where an IPv6 address stands in brackets. */
static enum err address(const char *operand, struct vouch *out, struct note *n)
{
	const char *rest = vouch_is_address(operand) ? operand + strlen(scheme) : "";
	const char *colon = strrchr(rest, ':'), *host = rest;
	size_t size = colon != NULL ? (size_t)(colon - rest) : 0;

	if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
		host++;
		size -= 2;
	} else if (memchr(host, ':', size) != NULL) {
		size = 0;
	}
	if (size == 0 || size >= sizeof out->host || memchr(host, '/', size) != NULL || !port_ok(colon + 1))
		return refuse(n, ERR_INVALID, "%s: write tls://HOST:PORT, an IPv6 address as tls://[::1]:PORT",
		              operand);
	memcpy(out->host, host, size);
	out->host[size] = 0;
	snprintf(out->port, sizeof out->port, "%s", colon + 1);
	return OK;
}

/* The manifest in saved evidence. Its evidence is not judged: the file only names what is meant. */
static enum err digest_of_file(const char *path, uint8_t out[static 32], struct note *n)
{
	struct workload_file f;
	struct note why = {""};
	struct slice bytes;
	enum err err;

	TRY(file_read(path, EVIDENCE_MAX, &bytes, n));
	err = workload_file_decode(bytes, &f, &why);
	if (err != OK)
		note_set(n, "%s: no workload evidence (%s); give a file of `broch inspect --evidence`", path, why.text);
	else if (f.manifest.size == 0)
		err = refuse(n, ERR_NOT_FOUND, "%s: it does not hold the manifest; give its SHA-256", path);
	else
		SHA256(f.manifest.data, f.manifest.size, out);
	free((void *)(uintptr_t)bytes.data);
	return err;
}

static enum err workloads(const struct cli *c, struct vouch *out, struct note *n)
{
	const char *value;
	size_t at = 0;

	while ((value = cli_next(c, "workload", &at)) != NULL) {
		uint8_t *digest;

		if (out->workload_count == VOUCH_WORKLOADS_MAX)
			return refuse(n, ERR_LIMIT, "--workload: at most %d", VOUCH_WORKLOADS_MAX);
		digest = out->workloads[out->workload_count];
		if (hex_decode(slice_text(value), digest, 32) != OK)
			TRY(digest_of_file(value, digest, n));
		out->workload_count++;
	}
	return OK;
}

enum err vouch_read(const struct cli *c, const char *operand, struct vouch *out, struct note *n)
{
	if (vouch_is_address(operand))
		TRY(address(operand, out, n));
	return workloads(c, out, n);
}

enum err vouch_timeout(const struct cli *c, int *ms, struct note *n)
{
	TRY(host_timeout(c, ms, n));
	if (*ms == 0)
		*ms = TIMEOUT_MS;
	return OK;
}

static enum err note_pin(struct slice der, uint8_t out[static 32])
{
	const uint8_t *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.size);
	uint8_t *spki = NULL;
	int size = x != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki) : 0;

	if (size > 0)
		SHA256(spki, (size_t)size, out);
	OPENSSL_free(spki);
	X509_free(x);
	ERR_clear_error();
	return size > 0 ? OK : ERR_CRYPTO;
}

enum err vouch_fetch(struct vouch *k, int64_t deadline, int wake_fd, uint8_t **der, size_t *size, struct note *n)
{
	struct wire *w = NULL;
	enum err err;

	*der = NULL;
	TRY(wire_open_keep(k->host, k->port, NULL, wake_fd, deadline, &w, n));
	err = wire_peer(w, der, size);
	wire_close(w);
	if (err == OK)
		err = note_pin(slice_of(*der, *size), k->pin);
	if (err != OK)
		note_set(n, "%s shows no certificate that can be read", k->host);
	return err;
}

enum err vouch_judge(struct vouch *k, const struct policy *policy, int64_t deadline, int wake_fd, struct verdict *v,
                     struct note *n)
{
	struct ratls_input in = {.manifests = (const uint8_t(*)[32])k->workloads,
	                         .manifest_count = k->workload_count,
	                         .policy = policy,
	                         .at = (int64_t)time(NULL)};
	uint8_t *der;
	enum err err = vouch_fetch(k, deadline, wake_fd, &der, &in.cert.size, n);

	in.cert.data = der;
	if (err == OK)
		ratls_verify(&in, v);
	free(der);
	return err;
}
