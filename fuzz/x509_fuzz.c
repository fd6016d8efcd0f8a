/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a certificate and as a revocation list of a platform; what is one is asked everything. */
#include "client/attest/amd.h"
#include "client/attest/p256.h"
#include "lib/attest/pck_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_cert(const struct cert *c)
{
	struct pck_ext pck;
	struct amd_ext amd;
	struct slice value;
	struct note n = {""};

	(void)!cert_valid_at(c, 1764547200, &n);
	(void)!cert_algorithm_pss384(c, &n);
	(void)!cert_algorithm_ecdsa256(c, &n);
	(void)!cert_key_rsa4096(c, &n);
	(void)!cert_key_p384(c, &n);
	(void)!cert_key_p256(c, &n);
	(void)!cert_is_leaf(c, &n);
	CHECK(cert_is_ca(c, 0, NULL) != OK || cert_is_leaf(c, NULL) != OK);
	if (amd_ext_read(c, &amd, &n) == OK)
		CHECK(amd.hwid_size <= AMD_HWID_MAX && memchr(amd.product, 0, sizeof amd.product) != NULL);
	if (cert_extension(c, pck_ext_oid, &value))
		(void)!pck_ext_parse(value, &pck, &n);
}

static void ask_crl(const struct crl *l, const struct cert *c)
{
	struct note n = {""};

	(void)!crl_valid_at(l, 1764547200, 86400, &n);
	if (c == NULL)
		return;
	(void)!crl_issuer_is(l, c, &n);
	(void)!crl_spares(l, c, &n);
}

/* The first two bytes say where a list begins behind the certificate. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note n = {""};
	struct cert c = {0};
	struct crl l = {0};
	size_t cut;
	bool cert, crl;

	if (size < 2)
		return 0;
	cut = (size_t)data[0] << 8 | data[1];
	data += 2;
	size -= 2;
	cut = cut < size ? cut : size;
	cert = cert_read(slice_of(data, cut), &c, &n) == OK;
	CHECK(cert || n.text[0] != 0);
	crl = crl_read(slice_of(data + cut, size - cut), &l, NULL) == OK;
	if (cert)
		ask_cert(&c);
	if (crl)
		ask_crl(&l, cert ? &c : NULL);
	cert_free(&c);
	crl_free(&l);
	return 0;
}
