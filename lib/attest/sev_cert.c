/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/sev_cert.h"

#include "lib/base/rw.h"

enum { KEY_SIZE = 1028, VERSION = 1, ID_SIZE = 16 };

static bool on_curve(uint32_t algorithm)
{
	const uint32_t kind = algorithm & 0xff;

	return kind == SEV_ECDSA_SHA256 || kind == SEV_ECDH_SHA256;
}

static bool size_known(uint32_t bits)
{
	return bits == 2048 || bits == 4096;
}

/* Appendix C.3.1. A key of another size, or one that is longer than it says, is none. */
static enum err rsa_parse(struct reader *r, struct sev_cert *out)
{
	struct slice exponent, modulus;
	uint32_t bits;

	TRY(rd_u32le(r, &bits));
	TRY(rd_bytes(r, SEV_SIGNATURE_SIZE, &exponent));
	TRY(rd_bytes(r, SEV_SIGNATURE_SIZE, &modulus));
	if (!size_known(bits) || !slice_is_zero(slice_of(modulus.data + bits / 8, modulus.size - bits / 8)))
		return OK;
	out->exponent = exponent;
	out->modulus = slice_of(modulus.data, bits / 8);
	return OK;
}

static enum err key_parse(struct slice in, struct sev_cert *out)
{
	struct reader r = rd_of(in);

	out->curve = 0;
	out->x = out->y = out->exponent = out->modulus = slice_of(NULL, 0);
	if ((out->algorithm & 0xff) == SEV_RSA_SHA256)
		return rsa_parse(&r, out);
	if (!on_curve(out->algorithm))
		return OK;
	TRY(rd_u32le(&r, &out->curve));
	TRY(rd_bytes(&r, SEV_NUMBER_SIZE, &out->x));
	return rd_bytes(&r, SEV_NUMBER_SIZE, &out->y);
}

static enum err signature(struct reader *r, struct sev_signature *out)
{
	TRY(rd_u32le(r, &out->usage));
	TRY(rd_u32le(r, &out->algorithm));
	return rd_bytes(r, SEV_SIGNATURE_SIZE, &out->value);
}

enum err sev_cert_parse(struct slice in, struct sev_cert *out)
{
	struct reader r = rd_of(in);
	struct slice key;

	TRY(rd_u32le(&r, &out->version));
	if (out->version != VERSION)
		return ERR_VERSION;
	TRY(rd_u8(&r, &out->api_major));
	TRY(rd_u8(&r, &out->api_minor));
	TRY(rd_skip(&r, 2));
	TRY(rd_u32le(&r, &out->usage));
	TRY(rd_u32le(&r, &out->algorithm));
	TRY(rd_bytes(&r, KEY_SIZE, &key));
	out->signed_part = slice_of(in.data, rd_offset(&r));
	for (unsigned i = 0; i < ARRAY_COUNT(out->signatures); i++)
		TRY(signature(&r, &out->signatures[i]));
	TRY(rd_end(&r));
	return key_parse(key, out);
}

enum err sev_ca_parse(struct slice in, struct sev_ca *out)
{
	struct reader r = rd_of(in);
	uint32_t exponent_bits, modulus_bits;

	TRY(rd_u32le(&r, &out->version));
	if (out->version != VERSION)
		return ERR_VERSION;
	TRY(rd_bytes(&r, ID_SIZE, &out->key_id));
	TRY(rd_bytes(&r, ID_SIZE, &out->signer_id));
	TRY(rd_u32le(&r, &out->usage));
	TRY(rd_skip(&r, 16));
	TRY(rd_u32le(&r, &exponent_bits));
	TRY(rd_u32le(&r, &modulus_bits));
	if (!size_known(exponent_bits) || !size_known(modulus_bits))
		return ERR_UNSUPPORTED;
	TRY(rd_bytes(&r, exponent_bits / 8, &out->exponent));
	TRY(rd_bytes(&r, modulus_bits / 8, &out->modulus));
	out->signed_part = slice_of(in.data, rd_offset(&r));
	TRY(rd_bytes(&r, modulus_bits / 8, &out->signature));
	return rd_end(&r);
}

static enum err coordinate(struct writer *w, struct slice le)
{
	TRY(wr_bytes(w, le));
	return wr_zero(w, SEV_NUMBER_SIZE - le.size);
}

enum err sev_cert_write_godh(struct slice x, struct slice y, uint8_t out[static SEV_CERT_SIZE])
{
	struct writer w = wr_of(out, SEV_CERT_SIZE);

	if (x.size != 48 || y.size != 48)
		return ERR_INVALID;
	TRY(wr_u32le(&w, VERSION));
	TRY(wr_zero(&w, 4));
	TRY(wr_u32le(&w, SEV_PDH));
	TRY(wr_u32le(&w, SEV_ECDH_SHA256));
	TRY(wr_u32le(&w, SEV_CURVE_P384));
	TRY(coordinate(&w, x));
	TRY(coordinate(&w, y));
	TRY(wr_zero(&w, SEV_CERT_SIGNED - wr_used(&w)));
	for (unsigned i = 0; i < 2; i++) {
		TRY(wr_u32le(&w, SEV_NOBODY));
		TRY(wr_zero(&w, 4 + SEV_SIGNATURE_SIZE));
	}
	return OK;
}

enum err sev_report_parse(struct slice in, struct sev_report *out)
{
	struct reader r = rd_of(in);

	TRY(rd_bytes(&r, 16, &out->mnonce));
	TRY(rd_bytes(&r, 32, &out->digest));
	TRY(rd_u32le(&r, &out->policy));
	out->signed_part = slice_of(in.data, rd_offset(&r));
	TRY(rd_u32le(&r, &out->usage));
	TRY(rd_u32le(&r, &out->algorithm));
	TRY(rd_zero(&r, 4));
	TRY(rd_bytes(&r, SEV_NUMBER_SIZE, &out->r));
	TRY(rd_bytes(&r, SEV_NUMBER_SIZE, &out->s));
	return rd_end(&r);
}
