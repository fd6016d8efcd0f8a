/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what an SEV platform sends: certificates, a report, a session, a secret. The first byte chooses. */
#include "lib/attest/sev_cert.h"
#include "lib/attest/sev_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice outer, struct slice inner, size_t size)
{
	CHECK(inner.size == size && inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

static void cert(struct slice in)
{
	struct sev_cert c;

	if (sev_cert_parse(in, &c) != OK)
		return;
	inside(in, c.signed_part, SEV_CERT_SIGNED);
	inside(in, c.signatures[1].value, SEV_SIGNATURE_SIZE);
	if (c.curve != 0)
		inside(in, c.y, SEV_NUMBER_SIZE);
}

static void ca(struct slice in)
{
	struct sev_ca c;

	if (sev_ca_parse(in, &c) != OK)
		return;
	CHECK(in.size == c.signed_part.size + c.signature.size && in.size <= SEV_CA_SIZE_MAX);
	inside(in, c.signature, c.modulus.size);
}

static void report(struct slice in)
{
	struct sev_report r;

	if (sev_report_parse(in, &r) == OK)
		inside(in, r.s, SEV_NUMBER_SIZE);
}

static void packets(struct slice in)
{
	static const struct sev_transport keys = {{1}, {2}};
	static const uint8_t measure[32];
	struct sev_transport back;
	uint8_t payload[64] = {0};
	struct note n = {""};

	/* Nobody guesses a MAC. */
	CHECK(sev_session_open(in, slice_of(measure, sizeof measure), 0, &back, &n) != OK && n.text[0] != 0);
	CHECK(sev_secret_open(&keys, measure, in, payload, sizeof payload) != OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct slice) = {cert, ca, report, packets};

	if (size > 0)
		parts[data[0] % ARRAY_COUNT(parts)](slice_of(data + 1, size - 1));
	return 0;
}
