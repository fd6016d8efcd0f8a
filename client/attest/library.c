/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of the verifier (include/broch/attest.h): arguments are checked here, everything else is done below.
 */
#include "include/broch/attest.h"

#include "client/attest/ear.h"
#include "client/attest/evidence.h"
#include "client/attest/policy_rules.h"
#include "client/attest/verdict.h"
#include "lib/base/ct.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct broch_policy {
	struct policy *policy;
};

struct broch_collateral {
	struct collateral *set;
};

struct broch_verdict {
	struct verdict verdict;
	const char *kind;
	int64_t at;
	size_t nonce_size;
	uint8_t nonce[512];
};

static_assert((int)BROCH_PASS == CHECK_PASS && (int)BROCH_FAIL == CHECK_FAIL && (int)BROCH_SKIP == CHECK_SKIP,
              "the results go out as they are");
static_assert(sizeof((struct broch_error *)0)->text == NOTE_MAX, "notes go out as they are");

/* ---- errors ---- */

static enum broch_status fail(struct broch_error *error, enum broch_status status, const char *words)
{
	if (error != NULL)
		snprintf(error->text, sizeof error->text, "%s", words);
	return status;
}

static enum broch_status fail_err(struct broch_error *error, enum broch_status status, enum err err,
                                  const struct note *n)
{
	if (err == ERR_NOMEM)
		return fail(error, BROCH_NO_MEMORY, "out of memory");
	return fail(error, status, n->text[0] != 0 ? n->text : err_text(err));
}

static enum broch_status done(struct broch_error *error)
{
	return fail(error, BROCH_ACCEPTED, "");
}

/* ---- policy ---- */

enum broch_status broch_policy_read(const char *toml, size_t size, const char *name, struct broch_policy **out,
                                    struct broch_error *error)
{
	const struct policy_shipped none = {NULL, 0};
	struct broch_policy *p;
	struct note n = {""};
	enum err err;

	if (out == NULL || (toml == NULL && size > 0))
		return fail(error, BROCH_USAGE, "broch_policy_read: no text, or nowhere to put the policy");
	*out = NULL;
	p = calloc(1, sizeof *p);
	err = p == NULL ? ERR_NOMEM
	                : policy_parse(slice_of(toml, size), name != NULL ? name : "policy", none, &p->policy, &n);
	if (err != OK) {
		free(p);
		return fail_err(error, BROCH_USAGE, err, &n);
	}
	*out = p;
	return done(error);
}

void broch_policy_free(struct broch_policy *policy)
{
	if (policy == NULL)
		return;
	policy_free(policy->policy);
	free(policy);
}

/* ---- collateral ---- */

struct broch_collateral *broch_collateral_new(void)
{
	struct broch_collateral *c = calloc(1, sizeof *c);

	if (c != NULL)
		c->set = collateral_new();
	if (c == NULL || c->set != NULL)
		return c;
	free(c);
	return NULL;
}

void broch_collateral_free(struct broch_collateral *collateral)
{
	if (collateral == NULL)
		return;
	collateral_free(collateral->set);
	free(collateral);
}

enum broch_status broch_collateral_add(struct broch_collateral *collateral, const void *bytes, size_t size,
                                       const char *name, struct broch_error *error)
{
	struct note n = {""};
	enum err err;

	if (collateral == NULL || (bytes == NULL && size > 0))
		return fail(error, BROCH_USAGE, "broch_collateral_add: no collateral, or no bytes");
	err = collateral_add(collateral->set, slice_of(bytes, size), name != NULL ? name : "collateral", &n);
	return err == OK ? done(error) : fail_err(error, BROCH_UNREADABLE, err, &n);
}

enum broch_status broch_collateral_add_path(struct broch_collateral *collateral, const char *path,
                                            struct broch_error *error)
{
	struct note n = {""};
	enum err err;

	if (collateral == NULL || path == NULL)
		return fail(error, BROCH_USAGE, "broch_collateral_add_path: no collateral, or no path");
	err = collateral_add_path(collateral->set, path, &n);
	return err == OK ? done(error) : fail_err(error, BROCH_UNREADABLE, err, &n);
}

/* ---- judging ---- */

/* Programs built with the header's first form end here. */
enum { FIRST_SIZE = offsetof(struct broch_request, sev_session), PEF_KEY_MAX = 65536 };

static enum broch_status check_request(const struct broch_request *r, struct broch_verdict **out,
                                       struct broch_error *error)
{
	if (r == NULL || out == NULL)
		return fail(error, BROCH_USAGE, "broch_verify: no request, or nowhere to put the verdict");
	if (r->size != sizeof *r && r->size != FIRST_SIZE)
		return fail(error, BROCH_USAGE, "broch_verify: size must be sizeof(struct broch_request)");
	if (r->policy == NULL)
		return fail(error, BROCH_USAGE, "broch_verify: without a policy nothing is accepted: read one");
	if (r->evidence == NULL || r->evidence_size == 0)
		return fail(error, BROCH_USAGE, "broch_verify: no evidence");
	/* An empty demand is a mistake that would bind nothing: somebody meant one. */
	if ((r->report_data == NULL) != (r->report_data_size == 0) ||
	    (r->report_data != NULL && r->report_data_size != 64))
		return fail(error, BROCH_USAGE, "broch_verify: report_data has 64 bytes, or is NULL with size 0");
	if ((r->nonce == NULL) != (r->nonce_size == 0) || r->nonce_size > sizeof((struct broch_verdict *)0)->nonce)
		return fail(error, BROCH_USAGE, "broch_verify: a nonce has 1 to 512 bytes, or is NULL with size 0");
	return BROCH_ACCEPTED;
}

/* What the newer form of a request brings: secrets, to be wiped. */
struct secrets {
	struct sev_secrets sev;
	bool has_sev;
	EVP_PKEY *pef_key;
};

static enum broch_status secrets_of(const struct broch_request *r, struct secrets *s, struct broch_error *error)
{
	enum { SESSION_SIZE = 2 * SEV_KEY_SIZE + 4 };
	const uint8_t *keys;

	if (r->size == FIRST_SIZE)
		return BROCH_ACCEPTED;
	if ((r->sev_session == NULL) != (r->sev_session_size == 0) ||
	    (r->sev_session != NULL && r->sev_session_size != SESSION_SIZE))
		return fail(error, BROCH_USAGE, "broch_verify: sev_session has 36 bytes, or is NULL with size 0");
	if ((r->pef_key == NULL) != (r->pef_key_size == 0) || r->pef_key_size > PEF_KEY_MAX)
		return fail(error, BROCH_USAGE, "broch_verify: pef_key is PEM text, or NULL with size 0");
	if (r->sev_session != NULL) {
		keys = r->sev_session;
		memcpy(s->sev.keys.tek, keys, SEV_KEY_SIZE);
		memcpy(s->sev.keys.tik, keys + SEV_KEY_SIZE, SEV_KEY_SIZE);
		for (unsigned i = 4; i-- > 0;)
			s->sev.policy = s->sev.policy << 8 | keys[2 * SEV_KEY_SIZE + i];
		memcpy(s->sev.api, r->sev_api, sizeof s->sev.api);
		s->has_sev = true;
	}
	if (r->pef_key == NULL)
		return BROCH_ACCEPTED;
	s->pef_key = openssl_read_key(slice_of(r->pef_key, r->pef_key_size), PEM_read_bio_PrivateKey);
	return s->pef_key != NULL ? BROCH_ACCEPTED
	                          : fail(error, BROCH_USAGE, "broch_verify: pef_key is no private key in PEM");
}

static void judge(const struct broch_request *r, const struct evidence *e, const struct secrets *s,
                  struct broch_verdict *v)
{
	const struct slice nonce = slice_of(v->nonce, r->nonce_size);
	const struct evidence_input in = {.evidence = e,
	                                  .collateral = r->collateral != NULL ? r->collateral->set : NULL,
	                                  .report_data = slice_of(r->report_data, r->report_data_size),
	                                  .nonce = r->nonce != NULL ? &nonce : NULL,
	                                  .policy = r->policy->policy,
	                                  .at = r->at,
	                                  .sev = s->has_sev ? &s->sev : NULL,
	                                  .pef_key = s->pef_key};

	if (r->nonce != NULL)
		memcpy(v->nonce, r->nonce, r->nonce_size);
	v->nonce_size = r->nonce_size;
	v->at = r->at;
	v->kind = evidence_text(e);
	evidence_verify(&in, &v->verdict);
}

static enum broch_status open_and_judge(const struct broch_request *request, const struct secrets *secrets,
                                        struct broch_verdict **out, struct broch_error *error)
{
	struct broch_verdict *v;
	struct evidence e;
	struct note n = {""};
	enum err err = evidence_open(slice_of(request->evidence, request->evidence_size), &e, &n);

	if (err != OK)
		return fail_err(error, BROCH_UNREADABLE, err, &n);
	v = calloc(1, sizeof *v);
	if (v != NULL)
		judge(request, &e, secrets, v);
	evidence_close(&e);
	if (v == NULL)
		return fail_err(error, BROCH_NO_MEMORY, ERR_NOMEM, &n);
	*out = v;
	done(error);
	return v->verdict.ok ? BROCH_ACCEPTED : BROCH_REFUSED;
}

enum broch_status broch_verify(const struct broch_request *request, struct broch_verdict **out,
                               struct broch_error *error)
{
	struct secrets secrets = {.has_sev = false};
	enum broch_status status;

	if (out != NULL)
		*out = NULL;
	status = check_request(request, out, error);
	if (status == BROCH_ACCEPTED)
		status = secrets_of(request, &secrets, error);
	if (status == BROCH_ACCEPTED)
		status = open_and_judge(request, &secrets, out, error);
	wipe(&secrets.sev, sizeof secrets.sev);
	EVP_PKEY_free(secrets.pef_key);
	return status;
}

void broch_verdict_free(struct broch_verdict *verdict)
{
	free(verdict);
}

/* ---- the verdict ---- */

int broch_verdict_accepted(const struct broch_verdict *verdict)
{
	return verdict != NULL && verdict->verdict.ok;
}

int broch_verdict_soft(const struct broch_verdict *verdict)
{
	return verdict->verdict.soft;
}

const char *broch_verdict_tee(const struct broch_verdict *verdict)
{
	return verdict->verdict.tee;
}

const uint8_t *broch_verdict_measurement(const struct broch_verdict *verdict, size_t *size)
{
	if (size != NULL)
		*size = verdict->verdict.measurement_size;
	return verdict->verdict.measurement_size > 0 ? verdict->verdict.measurement : NULL;
}

size_t broch_verdict_check_count(const struct broch_verdict *verdict)
{
	return verdict->verdict.check_count;
}

static enum broch_status check_out(const struct check *c, struct broch_check *out)
{
	if (c == NULL || out == NULL)
		return BROCH_USAGE;
	*out = (struct broch_check){.id = c->id,
	                            .link = c->link,
	                            .result = (enum broch_result)c->result,
	                            .tolerated = c->tolerated,
	                            .expected = c->expected,
	                            .found = c->found,
	                            .cure = c->cure,
	                            .spec = c->spec};
	return BROCH_ACCEPTED;
}

enum broch_status broch_verdict_check(const struct broch_verdict *verdict, size_t index, struct broch_check *out)
{
	return check_out(index < verdict->verdict.check_count ? &verdict->verdict.checks[index] : NULL, out);
}

enum broch_status broch_verdict_reason(const struct broch_verdict *verdict, struct broch_check *out)
{
	return check_out(verdict_reason(&verdict->verdict), out);
}

char *broch_verdict_json(const struct broch_verdict *verdict)
{
	const struct slice nonce = slice_of(verdict->nonce, verdict->nonce_size);
	json_t *o = verdict_json(&verdict->verdict);
	char *text = NULL;

	if (o != NULL &&
	    ear_add(o, &verdict->verdict, verdict->at, verdict->verdict.ok && nonce.size > 0 ? &nonce : NULL) == OK)
		text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	return text;
}

char *broch_verdict_html(const struct broch_verdict *verdict)
{
	const struct verdict_about about = {.kind = verdict->kind, .at = verdict->at};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	verdict_page(f, &verdict->verdict, &about);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

void broch_free(char *text)
{
	free(text);
}

const char *broch_attest_version(void)
{
	return BROCH_VERSION;
}
