/* SPDX-License-Identifier: Apache-2.0 */
/* Trust domains and enclaves: options and files to lib/measure/tdx.h and lib/measure/sgx.h. */
#include "client/attest/sgx_sign.h"
#include "client/cli/measured.h"
#include "lib/measure/ovmf.h"
#include "lib/measure/sgx.h"
#include "lib/measure/tdx.h"
#include "sys/file.h"

#include <stdlib.h>

enum { LOG_MAX = 16 << 20, ENCLAVE_MAX = 1 << 30 };

static void drop(struct slice s)
{
	free((void *)(uintptr_t)s.data);
}

static enum err told(struct note *n, enum err err, const char *path, const struct note *why)
{
	return err == OK ? OK : refuse(n, err, "%s: %s", path, why->text[0] != 0 ? why->text : err_text(err));
}

/* ---- TDX ---- */

static enum err mrtd(const struct cli *c, const char *path, struct measured *m, struct note *n)
{
	uint8_t digest[TDX_DIGEST_SIZE];
	struct note why = {""};
	struct slice image;
	enum err err;

	TRY(file_read(path, OVMF_SIZE_MAX, &image, n));
	err = tdx_measure_mrtd(image, cli_has(c, "two-pass"), digest, &why);
	drop(image);
	TRY(told(n, err, path, &why));
	measured_add(m, "mrtd", path, digest, sizeof digest);
	return OK;
}

static enum err rtmrs(const char *path, struct measured *m, struct note *n)
{
	static const char *const names[TDX_RTMR_COUNT] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	uint8_t rtmr[TDX_RTMR_COUNT][TDX_DIGEST_SIZE];
	struct note why = {""};
	struct slice log;
	size_t events;
	enum err err;

	TRY(file_read(path, LOG_MAX, &log, n));
	err = tdx_replay_ccel(log, rtmr, &events, &why);
	drop(log);
	TRY(told(n, err, path, &why));
	for (unsigned i = 0; i < TDX_RTMR_COUNT; i++)
		measured_add(m, names[i], path, rtmr[i], TDX_DIGEST_SIZE);
	return OK;
}

enum err measure_td(const struct cli *c, const char *path, struct measured *m, struct note *n)
{
	const char *log = cli_value(c, "event-log");

	*m = (struct measured){
	        .tee = "tdx", .kind = path != NULL ? "firmware" : "event log", .path = path != NULL ? path : log};
	if (path != NULL)
		TRY(mrtd(c, path, m, n));
	return log != NULL ? rtmrs(log, m, n) : OK;
}

/* ---- SGX ---- */

/* A signature that EINIT would refuse says nothing; one of another enclave is refused with both values. */
static enum err signature(const char *path, struct measured *m, struct note *n)
{
	struct sgx_sigstruct_input in = {.sigstruct = {NULL, 0}};
	uint8_t mrsigner[SGX_MRENCLAVE_SIZE];
	struct sgx_sigstruct s;
	const struct check *failed;
	struct verdict v;

	TRY(file_read(path, SGX_SIGSTRUCT_SIZE + 1, &in.sigstruct, n));
	if (m->count > 0)
		in.mrenclave = slice_of(m->digests[0].bytes, m->digests[0].size);
	sgx_sigstruct_verify(&in, &v);
	if (v.ok && sgx_sigstruct_parse(in.sigstruct, &s) == OK) {
		sgx_mrsigner(s.modulus, mrsigner);
		if (m->count == 0)
			measured_add(m, "mrenclave", path, s.mrenclave.data, s.mrenclave.size);
		measured_add(m, "mrsigner", path, mrsigner, sizeof mrsigner);
	}
	drop(in.sigstruct);
	failed = verdict_reason(&v);
	if (failed != NULL)
		return refuse(n, ERR_REFUSED, "%s: %s: expected %s; found %s", path, failed->id, failed->expected,
		              failed->found);
	return OK;
}

enum err measure_enclave(const struct cli *c, const char *path, struct measured *m, struct note *n)
{
	const char *sigstruct = cli_value(c, "sigstruct");
	uint8_t mrenclave[SGX_MRENCLAVE_SIZE];
	struct note why = {""};
	struct slice stream;
	enum err err;

	*m = (struct measured){.tee = "sgx", .kind = "enclave", .path = path != NULL ? path : sigstruct};
	if (path != NULL) {
		TRY(file_read(path, ENCLAVE_MAX, &stream, n));
		err = stream.size > 0 && stream.data[0] == '{' ? measure_layout(path, stream, mrenclave, &why)
		                                               : sgx_measure_stream(stream, mrenclave, &why);
		drop(stream);
		TRY(told(n, err, path, &why));
		measured_add(m, "mrenclave", path, mrenclave, sizeof mrenclave);
	}
	return sigstruct != NULL ? signature(sigstruct, m, n) : OK;
}
