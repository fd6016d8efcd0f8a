/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a DCAP quote: all that is read lies inside the input, in the sizes the header promises. */
#include "lib/attest/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, struct slice whole)
{
	CHECK(s.size == 0 || (s.data >= whole.data && s.data + s.size <= whole.data + whole.size));
}

static void report(const struct quote *q, struct slice whole)
{
	bool sgx = q->body == QUOTE_BODY_SGX;

	inside(sgx ? q->sgx.mrenclave : q->td.mrtd, whole);
	inside(sgx ? q->sgx.report_data : q->td.report_data, whole);
	CHECK((sgx ? q->sgx.mrenclave.size : q->td.mrtd.size) == (sgx ? 32 : 48));
	CHECK((sgx ? q->sgx.report_data.size : q->td.report_data.size) == 64);
	CHECK(sgx || (q->td.mrservicetd.size > 0) == (q->body == QUOTE_BODY_TD15));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice whole = slice_of(data, size);
	struct quote q;
	struct note n = {""};

	if (quote_parse(whole, &q, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	CHECK(size <= QUOTE_SIZE_MAX && q.version >= 3 && q.version <= 5);
	CHECK(q.signature.size == QUOTE_POINT_SIZE && q.key.size == QUOTE_POINT_SIZE);
	CHECK(q.qe_signature.size == QUOTE_POINT_SIZE && q.qe_report.size == SGX_REPORT_BODY_SIZE);
	CHECK(q.signed_part.data == data); /* the signature covers the quote from its first byte */
	inside(q.signed_part, whole);
	inside(q.signature, whole);
	inside(q.key, whole);
	inside(q.qe_report, whole);
	inside(q.qe_signature, whole);
	inside(q.qe_auth, whole);
	inside(q.cert_data, whole);
	inside(q.padding, whole);
	report(&q, whole);
	return 0;
}
