/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/nitro.h"

#include "client/attest/say.h"
#include "client/attest/x509.h"
#include "lib/base/hex.h"

/* AWS Nitro Enclaves user guide, "Verifying the root of trust". */
const uint8_t nitro_root_g1[NITRO_ROOT_SIZE] = {0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46,
                                                0x31, 0x95, 0xd6, 0x06, 0x31, 0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17,
                                                0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79, 0xbb, 0x5b};

enum { CHAIN_MAX = NITRO_CA_MAX + 1 };

struct nitro_case {
	const struct nitro_input *in;
	struct nitro_doc doc;
	struct note doc_note;
	size_t count; /* certificates: the root first, the leaf last */
	struct slice der[CHAIN_MAX];
	struct cert certs[CHAIN_MAX];
	bool doc_ok, chain_ok;
	size_t unread; /* the first certificate that cannot be read */
	struct note cert_note;
};

enum need { NEED_NOTHING, NEED_DOC, NEED_CHAIN };

struct row {
	const char *id, *link, *spec;
	enum need needs;
	enum check_result (*judge)(const struct nitro_case *k, struct check *c);
};

static void load(struct nitro_case *k)
{
	k->doc_ok = nitro_doc_parse(k->in->doc, &k->doc, &k->doc_note) == OK;
	if (!k->doc_ok)
		return;
	for (k->count = 0; k->count < k->doc.ca_count; k->count++)
		k->der[k->count] = k->doc.cabundle[k->count];
	k->der[k->count++] = k->doc.certificate;
	k->chain_ok = true;
	for (size_t i = 0; k->chain_ok && i < k->count; i++) {
		k->unread = i;
		k->chain_ok = cert_read(k->der[i], &k->certs[i], &k->cert_note) == OK;
	}
}

static enum check_result doc_read(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "an attestation document of AWS Nitro Enclaves");
	say(c->found, "%zu bytes: %s", k->in->doc.size, k->doc_ok ? "read" : k->doc_note.text);
	return pass_if(k->doc_ok);
}

static enum check_result root_pinned(const struct nitro_case *k, struct check *c)
{
	uint8_t digest[NITRO_ROOT_SIZE];
	char hex[2 * NITRO_ROOT_SIZE + 1];

	SHA256(k->der[0].data, k->der[0].size, digest);
	hex_encode(slice_of(digest, sizeof digest), hex);
	say(c->expected, k->in->root != NULL ? "the root that you named" : "the AWS Nitro Enclaves root G1");
	say(c->found, "SHA-256 %s", hex);
	say(c->cure, "the document is not from AWS Nitro Enclaves, or its cabundle does not begin with the root");
	return pass_if(memcmp(digest, k->in->root != NULL ? k->in->root : nitro_root_g1, sizeof digest) == 0);
}

static enum check_result chain_read(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "X.509 certificates in strict DER");
	if (k->chain_ok)
		say(c->found, "%zu certificates", k->count);
	else
		say(c->found, "certificate %zu of %zu: %s", k->unread + 1, k->count, k->cert_note.text);
	return pass_if(k->chain_ok);
}

/* ---- questions to each certificate in turn ---- */

/* The first that fails decides, and is named. */
static enum check_result each(const struct nitro_case *k, struct check *c,
                              enum err (*ask)(const struct nitro_case *k, size_t i, struct note *n))
{
	for (size_t i = 0; i < k->count; i++) {
		struct note n = {""};
		enum err err = ask(k, i, &n);

		say(c->found, "certificate %zu of %zu, %s: %s", i + 1, k->count, k->certs[i].cn,
		    n.text[0] != 0 ? n.text : err_text(err));
		if (err != OK)
			return CHECK_FAIL;
	}
	say(c->found, "all %zu certificates", k->count);
	return CHECK_PASS;
}

static enum err ask_time(const struct nitro_case *k, size_t i, struct note *n)
{
	return cert_valid_at(&k->certs[i], k->in->at, n);
}

static enum err ask_key(const struct nitro_case *k, size_t i, struct note *n)
{
	return cert_key_p384(&k->certs[i], n);
}

static enum err ask_algorithm(const struct nitro_case *k, size_t i, struct note *n)
{
	return cert_algorithm_ecdsa384(&k->certs[i], n);
}

static enum err ask_use(const struct nitro_case *k, size_t i, struct note *n)
{
	if (i == k->count - 1)
		return cert_is_leaf(&k->certs[i], n);
	return cert_is_ca(&k->certs[i], (long)(k->count - 2 - i), n);
}

static enum err ask_issuer(const struct nitro_case *k, size_t i, struct note *n)
{
	return cert_issuer_is(&k->certs[i], &k->certs[i == 0 ? 0 : i - 1], n);
}

static enum err ask_signature(const struct nitro_case *k, size_t i, struct note *n)
{
	return cert_signed_by(&k->certs[i], &k->certs[i == 0 ? 0 : i - 1], n);
}

static enum check_result chain_time(const struct nitro_case *k, struct check *c)
{
	char at[32];

	time_text(k->in->at, at, sizeof at);
	say(c->expected, "all valid at %s", at);
	say(c->cure, "a document's certificate lives three hours: ask the enclave for a new document, or judge at the "
	             "time you received it");
	return each(k, c, ask_time);
}

static enum check_result chain_key(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "keys on P-384");
	return each(k, c, ask_key);
}

static enum check_result chain_algorithm(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "ECDSA with SHA-384");
	return each(k, c, ask_algorithm);
}

static enum check_result chain_use(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "authorities above, and a leaf that is none");
	return each(k, c, ask_use);
}

static enum check_result chain_issuer(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "each names the one before as its issuer, the root itself");
	return each(k, c, ask_issuer);
}

static enum check_result chain_signature(const struct nitro_case *k, struct check *c)
{
	say(c->expected, "each signed by the one before, the root by itself");
	return each(k, c, ask_signature);
}

/* ---- revocation ---- */

/* Every list of this issuer must be a good one and spare the certificate. */
static enum err ask_list(const struct nitro_case *k, size_t i, struct slice der, bool *seen, struct note *n)
{
	const struct cert *issuer = &k->certs[i - 1];
	struct crl crl;
	enum err err;

	if (crl_read(der, &crl, NULL) != OK)
		return OK; /* nobody's */
	if (crl_issuer_is(&crl, issuer, NULL) != OK) {
		crl_free(&crl);
		return OK;
	}
	*seen = true;
	err = crl_signed_by_ecdsa384(&crl, issuer, n);
	if (err == OK)
		err = crl_valid_at(&crl, k->in->at, k->in->crl_max_age_s, n);
	if (err == OK)
		err = crl_spares(&crl, &k->certs[i], n);
	crl_free(&crl);
	return err;
}

static enum err ask_revocation(const struct nitro_case *k, size_t i, struct note *n)
{
	bool seen = false;

	for (size_t c = 0; i > 0 && c < k->in->crl_count; c++) {
		struct note why = {""};
		enum err err = ask_list(k, i, k->in->crls[c], &seen, &why);

		if (err != OK)
			return refuse(n, err, "%s", why.text[0] != 0 ? why.text : err_text(err));
	}
	if (i > 0 && !seen && k->in->crl_required)
		return refuse(n, ERR_NOT_FOUND, "no revocation list of %s", k->certs[i - 1].cn);
	return OK;
}

static enum check_result chain_revocation(const struct nitro_case *k, struct check *c)
{
	say(c->expected, k->in->crl_required ? "a revocation list of each authority, and no certificate on one"
	                                     : "no certificate on a revocation list that is given");
	say(c->cure, "fetch the lists that the certificates name, or set crl = \"if-given\": AWS tells to do without");
	if (k->in->crl_count == 0 && !k->in->crl_required) {
		say(c->found, "none given, and the policy does not ask for one");
		return CHECK_SKIP;
	}
	return each(k, c, ask_revocation);
}

/* ---- the document ---- */

/* The leaf's three hours are the most it can be; a policy may want it younger. */
static enum check_result doc_age(const struct nitro_case *k, struct check *c)
{
	const int64_t made = (int64_t)(k->doc.timestamp_ms / 1000);
	char text[32];

	time_text(made, text, sizeof text);
	say(c->found, "made at %s", text);
	if (k->in->max_age_s == 0)
		return CHECK_SKIP;
	say(c->expected, "at most %llu s old", (unsigned long long)k->in->max_age_s);
	say(c->cure, "ask the enclave for a new document, if the time given is the right one");
	return pass_if(made <= k->in->at && (uint64_t)(k->in->at - made) <= k->in->max_age_s);
}


static enum check_result doc_signature(const struct nitro_case *k, struct check *c)
{
	const struct cose_sign1 *m = &k->doc.cose;
	uint8_t bytes[NITRO_DOC_SIZE_MAX + COSE_OVERHEAD_MAX];
	struct writer w = wr_of(bytes, sizeof bytes);
	struct note n = {""};
	enum err err = cose_signed_bytes(m, &w);

	if (err == OK)
		err = cert_ecdsa384(&k->certs[k->count - 1], wr_slice(&w), m->signature, &n);
	say(c->expected, "signed by the leaf certificate");
	say(c->found, "%s", n.text[0] != 0 ? n.text : err_text(err));
	return pass_if(err == OK);
}

/* A document without PCR0 says nothing about the enclave's image, which is no better. */
static enum check_result debug(const struct nitro_case *k, struct check *c)
{
	bool zero = slice_is_zero(k->doc.pcrs[0]);

	say(c->expected, k->in->allow_debug ? "anything: debug mode is allowed" : "PCR0 that is not zero");
	say(c->found, zero ? "PCR0 is zero or missing: debug mode" : "PCR0 is a measurement");
	say(c->cure, "start the enclave without --debug-mode");
	c->tolerated = zero && k->in->allow_debug;
	return pass_if(!zero || k->in->allow_debug);
}

/* Is this register asked for, and is it as demanded? */
static bool pcr_demanded(const struct nitro_input *in, size_t i)
{
	return in->pcrs[i].size > 0 || (in->pcr_lists != NULL && in->pcr_lists[i].count > 0);
}

static bool pcr_good(const struct nitro_input *in, size_t i, struct slice found)
{
	if (in->pcrs[i].size > 0 && !slice_equal(in->pcrs[i], found))
		return false;
	return in->pcr_lists == NULL || in->pcr_lists[i].count == 0 || digest_list_has(&in->pcr_lists[i], found);
}

static enum check_result pcrs(const struct nitro_case *k, struct check *c)
{
	size_t demanded = 0;

	for (size_t i = 0; i < NITRO_PCR_COUNT; i++) {
		char hex[2 * 64 + 1];

		if (!pcr_demanded(k->in, i))
			continue;
		demanded++;
		if (pcr_good(k->in, i, k->doc.pcrs[i]))
			continue;
		hex_encode(k->doc.pcrs[i], hex);
		say(c->expected, "PCR%zu as demanded", i);
		say(c->found, "PCR%zu %s", i, k->doc.pcrs[i].size == 0 ? "is not in the document" : hex);
		say(c->cure, "add it to pcr%zu in the policy's [nitro] if you accept it", i);
		return CHECK_FAIL;
	}
	say(c->expected, "%zu values demanded", demanded);
	say(c->found, demanded == 0 ? "nothing demanded" : "equal");
	return demanded == 0 ? CHECK_SKIP : CHECK_PASS;
}

static enum check_result bound(const struct slice *want, struct slice found, struct check *c)
{
	say(c->expected, want == NULL ? "anything: nothing was demanded" : "the %zu bytes demanded",
	    want == NULL ? (size_t)0 : want->size);
	say(c->found, "%zu bytes%s", found.size,
	    want == NULL                ? ""
	    : slice_equal(*want, found) ? ", equal"
	                                : ", others");
	if (want == NULL)
		return CHECK_SKIP;
	return pass_if(slice_equal(*want, found));
}

static enum check_result nonce(const struct nitro_case *k, struct check *c)
{
	say(c->cure, "this answers another question than yours: refuse it, it may be a replay");
	return bound(k->in->nonce, k->doc.nonce, c);
}

static enum check_result user_data(const struct nitro_case *k, struct check *c)
{
	return bound(k->in->user_data, k->doc.user_data, c);
}

static enum check_result public_key(const struct nitro_case *k, struct check *c)
{
	return bound(k->in->public_key, k->doc.public_key, c);
}

#define GUIDE "AWS Nitro Enclaves user guide, Verifying the root of trust"
#define X509  "RFC 5280 chapter 6"

static const struct row rows[] = {
        {"nitro.doc.read", "report", GUIDE, NEED_NOTHING, doc_read},
        {"nitro.root.pinned", "root", GUIDE, NEED_DOC, root_pinned},
        {"nitro.chain.read", "platform key", "RFC 5280 section 4.1", NEED_DOC, chain_read},
        {"nitro.chain.time", "platform key", X509, NEED_CHAIN, chain_time},
        {"nitro.chain.key", "platform key", GUIDE, NEED_CHAIN, chain_key},
        {"nitro.chain.algorithm", "platform key", "RFC 5758 section 3.2", NEED_CHAIN, chain_algorithm},
        {"nitro.chain.use", "platform key", X509, NEED_CHAIN, chain_use},
        {"nitro.chain.issuer", "platform key", X509, NEED_CHAIN, chain_issuer},
        {"nitro.chain.signature", "platform key", X509, NEED_CHAIN, chain_signature},
        {"nitro.chain.revocation", "platform key", "RFC 5280 section 6.3", NEED_CHAIN, chain_revocation},
        {"nitro.doc.age", "report", GUIDE, NEED_DOC, doc_age},
        {"nitro.doc.signature", "report", "RFC 9052 section 4.4", NEED_CHAIN, doc_signature},
        {"nitro.debug", "measurement", GUIDE, NEED_DOC, debug},
        {"nitro.pcrs", "measurement", GUIDE, NEED_DOC, pcrs},
        {"nitro.nonce", "handshake", GUIDE, NEED_DOC, nonce},
        {"nitro.user_data", "handshake", GUIDE, NEED_DOC, user_data},
        {"nitro.public_key", "handshake", GUIDE, NEED_DOC, public_key},
};

static bool can(const struct nitro_case *k, enum need needs)
{
	return needs == NEED_NOTHING || (needs == NEED_DOC ? k->doc_ok : k->chain_ok);
}

void nitro_verify(const struct nitro_input *in, struct verdict *v)
{
	struct nitro_case k = {.in = in};

	verdict_clear(v);
	v->ok = true;
	say(v->tee, "nitro");
	load(&k);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct check c = {.id = r->id, .link = r->link, .spec = r->spec};

		if (can(&k, r->needs))
			c.result = r->judge(&k, &c);
		else
			c.result = CHECK_SKIP; /* what it needs has failed in its own row */
		if (c.result != CHECK_FAIL)
			c.cure[0] = 0;
		verdict_add(v, &c);
	}
	v->measurement_size = k.doc.pcrs[0].size;
	if (v->measurement_size > 0)
		memcpy(v->measurement, k.doc.pcrs[0].data, v->measurement_size);
	for (size_t i = 0; i < CHAIN_MAX; i++)
		cert_free(&k.certs[i]);
}
