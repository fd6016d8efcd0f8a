/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of evidence is it? Armour is taken off first; then each kind is asked by its first bytes, the strict last.
 */
#include "client/attest/evidence.h"

#include "client/attest/enarx.h"
#include "client/attest/sev.h"
#include "lib/attest/sev_cert.h"
#include "lib/base/hex.h"
#include "sys/openssl.h"

#include <stdlib.h>

/* ---- armour ---- */

static bool is_space(uint8_t b)
{
	return b == ' ' || b == '\n' || b == '\r' || b == '\t';
}

static bool is_base64(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '+' || b == '/' ||
	       b == '=';
}

/* Text of one alphabet without its blanks; NULL: it is none. */
static uint8_t *text_of(struct slice in, size_t *size)
{
	uint8_t *out = in.size >= 64 ? malloc(in.size) : NULL;
	size_t n = 0;

	for (size_t i = 0; out != NULL && i < in.size; i++) {
		if (is_space(in.data[i]))
			continue;
		if (!is_base64(in.data[i])) {
			free(out);
			return NULL;
		}
		out[n++] = in.data[i];
	}
	*size = n;
	return out;
}

static bool decode_text(struct slice in, uint8_t **out, size_t *size)
{
	size_t n = 0;
	uint8_t *text = text_of(in, &n), *bytes = text != NULL ? malloc(n + 4) : NULL;
	bool good = false;

	if (bytes != NULL && n % 2 == 0 && hex_decode(slice_of(text, n), bytes, n / 2) == OK) {
		*size = n / 2;
		good = true;
	} else if (bytes != NULL && n % 4 == 0 && n >= 4) {
		int got = EVP_DecodeBlock(bytes, text, (int)n);

		good = got > 0;
		*size = good ? (size_t)got - (text[n - 1] == '=') - (text[n - 2] == '=') : 0;
	}
	free(text);
	if (good)
		*out = bytes;
	else
		free(bytes);
	return good;
}

static bool decode_pem(struct slice in, uint8_t **out, size_t *size)
{
	static const char *const labels[] = {"CERTIFICATE", "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};
	char *label = NULL, *header = NULL;
	unsigned char *data = NULL;
	BIO *bio;
	long n = 0;
	bool good = false;

	if (in.size < 11 || memcmp(in.data, "-----BEGIN ", 11) != 0)
		return false;
	ERR_set_mark();
	bio = BIO_new_mem_buf(in.data, (int)in.size);
	if (bio != NULL && PEM_read_bio(bio, &label, &header, &data, &n) == 1)
		for (size_t i = 0; i < ARRAY_COUNT(labels); i++)
			good = good || strcmp(label, labels[i]) == 0;
	*out = good ? malloc((size_t)n + 1) : NULL;
	if (*out != NULL) {
		memcpy(*out, data, (size_t)n);
		*size = (size_t)n;
	}
	ERR_pop_to_mark();
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(bio);
	return *out != NULL;
}

/* ---- kinds ---- */

static bool is_workload(struct evidence *e)
{
	return workload_file_decode(e->bytes, &e->file, NULL) == OK;
}

static bool is_envelope(struct evidence *e)
{
	struct envelope bare;

	return envelope_decode(e->bytes, &bare, NULL) == OK;
}

static uint32_t le(const uint8_t *p, size_t size)
{
	uint32_t v = 0;

	for (size_t i = size; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

/* A version below 16 in four bytes; a quote has two bytes of version and a key type behind, which is not zero. */
static bool is_snp(struct evidence *e)
{
	const uint8_t *p = e->bytes.data;

	if (e->bytes.size < SNP_REPORT_SIZE || le(p, 4) == 0 || le(p, 4) > 15)
		return false;
	if (e->bytes.size > SNP_REPORT_SIZE && le(p + 0x34, 4) != SNP_ALGO_ECDSA_P384_SHA384)
		return false;
	e->report = slice_of(p, SNP_REPORT_SIZE);
	return true;
}

static bool is_quote(struct evidence *e)
{
	const uint8_t *p = e->bytes.data;

	if (e->bytes.size < 48 || le(p, 2) < 3 || le(p, 2) > 15 || le(p + 2, 2) == 0)
		return false;
	return le(p + 4, 4) == QUOTE_TEE_SGX || le(p + 4, 4) == QUOTE_TEE_TDX;
}

/* COSE_Sign1, tagged or not, whose protected header is {1: -35}. */
static bool is_nitro(struct evidence *e)
{
	static const uint8_t head[] = {0xd2, 0x84, 0x44, 0xa1, 0x01, 0x38, 0x22};

	return (e->bytes.size > sizeof head && memcmp(e->bytes.data, head, sizeof head) == 0) ||
	       (e->bytes.size > sizeof head && memcmp(e->bytes.data, head + 1, sizeof head - 1) == 0);
}

/* Tag 399 or 907, which are for nothing else. */
static bool is_cca(struct evidence *e)
{
	return e->bytes.size > 3 && e->bytes.data[0] == 0xd9 &&
	       ((e->bytes.data[1] == 0x01 && e->bytes.data[2] == 0x8f) ||
	        (e->bytes.data[1] == 0x03 && e->bytes.data[2] == 0x8b));
}

static bool is_vtpm(struct evidence *e)
{
	return e->bytes.size > 4 && memcmp(e->bytes.data, "HCLA", 4) == 0;
}

/* A flattened device tree; which one, its judge says. */
static bool is_pef(struct evidence *e)
{
	static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};

	return e->bytes.size > 40 && memcmp(e->bytes.data, magic, sizeof magic) == 0;
}

static bool is_sev_platform(struct evidence *e)
{
	struct slice certs[SEV_LINK_COUNT];

	return sev_chain_split(e->bytes, certs) && le(e->bytes.data, 4) == 1 && le(e->bytes.data + 8, 4) == SEV_PDH;
}

static bool is_sev_report(struct evidence *e)
{
	return e->bytes.size == SEV_REPORT_SIZE && le(e->bytes.data + 52, 4) == SEV_PEK;
}

/* Nothing in it is recognizable; nothing else is that short. */
static bool is_sev_launch(struct evidence *e)
{
	return e->bytes.size == SEV_MEASURE_SIZE;
}

static bool is_ratls(struct evidence *e)
{
	const unsigned char *p = e->bytes.data;
	X509 *x;

	ERR_set_mark();
	x = e->bytes.size > 0 ? d2i_X509(NULL, &p, (long)e->bytes.size) : NULL;
	ERR_pop_to_mark();
	X509_free(x);
	return x != NULL;
}

static bool is_csr(struct evidence *e)
{
	const unsigned char *p = e->bytes.data;
	X509_REQ *x;

	ERR_set_mark();
	x = e->bytes.size > 0 ? d2i_X509_REQ(NULL, &p, (long)e->bytes.size) : NULL;
	ERR_pop_to_mark();
	X509_REQ_free(x);
	return x != NULL;
}

static const struct {
	const char *text;
	bool (*is)(struct evidence *e);
	bool report_data, nonce;
} kinds[EVIDENCE_KIND_COUNT] = {
        [EVIDENCE_ENVELOPE] = {"an evidence envelope", is_envelope, true, false},
        [EVIDENCE_WORKLOAD] = {"evidence of a workload", is_workload, false, false},
        [EVIDENCE_SNP] = {"an SEV-SNP report", is_snp, true, false},
        [EVIDENCE_QUOTE] = {"an SGX or TDX quote", is_quote, true, false},
        [EVIDENCE_NITRO] = {"a document of AWS Nitro Enclaves", is_nitro, false, true},
        [EVIDENCE_RATLS] = {"a certificate with evidence", is_ratls, false, true},
        [EVIDENCE_ENARX_CSR] = {"a certificate request with evidence", is_csr, false, false},
        [EVIDENCE_VTPM] = {"a report of Azure's paravisor", is_vtpm, false, true},
        [EVIDENCE_CCA] = {"an Arm CCA token", is_cca, false, true},
        [EVIDENCE_PEF] = {"an ESM blob of IBM PEF", is_pef, false, false},
        [EVIDENCE_SEV_PLATFORM] = {"the certificates of an SEV platform", is_sev_platform, false, false},
        [EVIDENCE_SEV_REPORT] = {"an SEV attestation report", is_sev_report, false, true},
        [EVIDENCE_SEV_LAUNCH] = {"an SEV launch measurement", is_sev_launch, false, false},
};

static bool known(struct evidence *e)
{
	for (unsigned i = 0; i < EVIDENCE_KIND_COUNT; i++)
		if (kinds[i].is(e)) {
			e->kind = (enum evidence_kind)i;
			return true;
		}
	return false;
}

enum err evidence_open(struct slice in, struct evidence *out, struct note *n)
{
	uint8_t *bytes = NULL;
	size_t size = 0;

	memset(out, 0, sizeof *out);
	if (in.size > EVIDENCE_SIZE_MAX)
		return refuse(n, ERR_LIMIT, "more than %d bytes: no evidence is that long", EVIDENCE_SIZE_MAX);
	out->bytes = in;
	if (known(out))
		return OK;
	if (decode_pem(in, &bytes, &size) || decode_text(in, &bytes, &size)) {
		out->owned = bytes;
		out->bytes = slice_of(bytes, size);
		if (known(out))
			return OK;
		evidence_close(out);
	}
	return refuse(
	        n, ERR_FORMAT,
	        "no evidence that is known: neither workload evidence, nor an evidence envelope, SNP report, SGX or "
	        "TDX quote, Nitro document, RA-TLS certificate, Enarx request, paravisor report, CCA token, ESM blob, SEV "
	        "certificates, report or launch measurement");
}

void evidence_close(struct evidence *e)
{
	free(e->owned);
	memset(e, 0, sizeof *e);
}

const char *evidence_text(const struct evidence *e)
{
	return kinds[e->kind].text;
}

bool evidence_takes_report_data(enum evidence_kind k)
{
	return kinds[k].report_data;
}

bool evidence_takes_nonce(enum evidence_kind k)
{
	return kinds[k].nonce;
}
