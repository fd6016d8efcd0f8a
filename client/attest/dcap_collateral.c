/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/dcap_collateral.h"

#include "client/attest/x509.h"
#include "lib/base/hex.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

const char *const tcb_status_names[TCB_STATUS_COUNT] = {
        [TCB_UP_TO_DATE] = "UpToDate",
        [TCB_SW_HARDENING] = "SWHardeningNeeded",
        [TCB_CONFIGURATION] = "ConfigurationNeeded",
        [TCB_CONFIGURATION_AND_SW_HARDENING] = "ConfigurationAndSWHardeningNeeded",
        [TCB_OUT_OF_DATE] = "OutOfDate",
        [TCB_OUT_OF_DATE_CONFIGURATION] = "OutOfDateConfigurationNeeded",
        [TCB_REVOKED] = "Revoked",
        [TCB_RELAUNCH] = "TDRelaunchAdvised",
        [TCB_RELAUNCH_CONFIGURATION] = "TDRelaunchAdvisedConfigurationNeeded",
};

/* ---- single values ---- */

static enum err text_of(const json_t *o, const char *key, const char **out, struct note *n)
{
	*out = json_string_value(json_object_get(o, key));
	return *out != NULL ? OK : refuse(n, ERR_FORMAT, "%s is missing or no text", key);
}

static enum err number_of(const json_t *o, const char *key, uint32_t max, uint32_t *out, struct note *n)
{
	const json_t *v = json_object_get(o, key);
	json_int_t i = json_integer_value(v);

	if (!json_is_integer(v) || i < 0 || i > (json_int_t)max)
		return refuse(n, ERR_FORMAT, "%s is missing or no number up to %u", key, (unsigned)max);
	*out = (uint32_t)i;
	return OK;
}

static enum err hex_of(const json_t *o, const char *key, uint8_t *out, size_t size, struct note *n)
{
	const char *text;

	TRY(text_of(o, key, &text, n));
	if (hex_decode(slice_text(text), out, size) != OK)
		return refuse(n, ERR_FORMAT, "%s has not %u hex digits", key, (unsigned)(2 * size));
	return OK;
}

/* The hex text of a u32 is its number, most significant digit first. */
static enum err hex32_of(const json_t *o, const char *key, uint32_t *out, struct note *n)
{
	uint8_t b[4];

	TRY(hex_of(o, key, b, sizeof b, n));
	*out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return OK;
}

/* Exactly 2026-01-31T12:00:00Z: what comes out of the time must be what went in. */
static enum err time_of(const json_t *o, const char *key, int64_t *out, struct note *n)
{
	const char *text, *end;
	struct tm tm = {0};
	char again[32];

	TRY(text_of(o, key, &text, n));
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end != NULL && *end == 0) {
		*out = (int64_t)timegm(&tm);
		time_text(*out, again, sizeof again);
		if (strcmp(text, again) == 0)
			return OK;
	}
	return refuse(n, ERR_FORMAT, "%s is no time", key);
}

/* Ids are shown before anybody has seen a signature: they hold nothing that a terminal takes for a command. */
static bool id_ok(const char *text, size_t room)
{
	const struct slice s = slice_text(text);

	return s.size > 0 && s.size < room && slice_within(s, '!', '~');
}

static enum err status_of(const json_t *o, enum tcb_status *out, struct note *n)
{
	const char *text;

	TRY(text_of(o, "tcbStatus", &text, n));
	for (unsigned i = 0; i <= TCB_REVOKED; i++)
		if (strcmp(text, tcb_status_names[i]) == 0) {
			*out = (enum tcb_status)i;
			return OK;
		}
	return refuse(n, ERR_UNSUPPORTED, "an unknown tcbStatus");
}

static bool advisory_ok(const json_t *v)
{
	const char *text = json_string_value(v);

	return text != NULL && id_ok(text, DCAP_ADVISORY_MAX);
}

static enum err advisories_of(const json_t *o, const json_t **out, struct note *n)
{
	const json_t *list = json_object_get(o, "advisoryIDs");

	*out = list;
	if (list != NULL && (!json_is_array(list) || json_array_size(list) > DCAP_ADVISORIES_MAX))
		return refuse(n, ERR_FORMAT, "advisoryIDs is no list of a sane size");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!advisory_ok(json_array_get(list, i)))
			return refuse(n, ERR_FORMAT, "advisoryIDs has something that is no id");
	return OK;
}

static enum err list_of(const json_t *o, const char *key, size_t min, size_t max, const json_t **out, struct note *n)
{
	*out = json_object_get(o, key);
	if (!json_is_array(*out) || json_array_size(*out) < min || json_array_size(*out) > max)
		return refuse(n, ERR_FORMAT, "%s is not a list of %u to %u", key, (unsigned)min, (unsigned)max);
	return OK;
}

/* ---- levels ---- */

static enum err components(const json_t *tcb, const char *key, uint8_t out[static PCK_COMPONENTS], struct note *n)
{
	const json_t *list;
	uint32_t svn;

	TRY(list_of(tcb, key, PCK_COMPONENTS, PCK_COMPONENTS, &list, n));
	for (unsigned i = 0; i < PCK_COMPONENTS; i++) {
		TRY(number_of(json_array_get(list, i), "svn", 255, &svn, n));
		out[i] = (uint8_t)svn;
	}
	return OK;
}

static enum err components_v2(const json_t *tcb, uint8_t out[static PCK_COMPONENTS], struct note *n)
{
	char key[24];
	uint32_t svn;

	for (unsigned i = 0; i < PCK_COMPONENTS; i++) {
		snprintf(key, sizeof key, "sgxtcbcomp%02usvn", i + 1);
		TRY(number_of(tcb, key, 255, &svn, n));
		out[i] = (uint8_t)svn;
	}
	return OK;
}

static enum err tcb_level(const json_t *o, const struct tcb_info *t, struct tcb_level *out, struct note *n)
{
	const json_t *tcb = json_object_get(o, "tcb");
	int64_t date;

	if (t->s.version >= 3)
		TRY(components(tcb, "sgxtcbcomponents", out->sgx, n));
	else
		TRY(components_v2(tcb, out->sgx, n));
	if (strcmp(t->s.id, "TDX") == 0)
		TRY(components(tcb, "tdxtcbcomponents", out->tdx, n));
	TRY(number_of(tcb, "pcesvn", 0xffff, &out->pcesvn, n));
	TRY(time_of(o, "tcbDate", &date, n));
	time_text(date, out->date, sizeof out->date);
	TRY(status_of(o, &out->status, n));
	return advisories_of(o, &out->advisories, n);
}

static enum err isv_levels(const json_t *o, struct isv_levels *out, struct note *n)
{
	const json_t *list;

	TRY(list_of(o, "tcbLevels", 1, DCAP_ISV_LEVELS_MAX, &list, n));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		struct isv_level *l = &out->level[i];
		int64_t date;

		TRY(number_of(json_object_get(one, "tcb"), "isvsvn", 0xffff, &l->svn, n));
		TRY(time_of(one, "tcbDate", &date, n));
		TRY(status_of(one, &l->status, n));
		TRY(advisories_of(one, &l->advisories, n));
	}
	out->count = json_array_size(list);
	return OK;
}

/* ---- statements ---- */

static enum err statement(struct slice text, struct dcap_statement *s, const char *unsaid, struct note *n)
{
	json_error_t error;
	const char *id = unsaid;

	if (text.size > DCAP_TEXT_MAX)
		return refuse(n, ERR_LIMIT, "%llu bytes of JSON", (unsigned long long)text.size);
	s->doc = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(s->doc))
		return refuse(n, ERR_FORMAT, "no JSON object");
	TRY(number_of(s->doc, "version", 100, &s->version, n));
	if (unsaid == NULL || s->version > 2 || json_object_get(s->doc, "id") != NULL)
		TRY(text_of(s->doc, "id", &id, n));
	if (!id_ok(id, sizeof s->id))
		return refuse(n, ERR_FORMAT, "an unknown id");
	snprintf(s->id, sizeof s->id, "%s", id);
	TRY(number_of(s->doc, "tcbEvaluationDataNumber", 1000000, &s->evaluation, n));
	TRY(time_of(s->doc, "issueDate", &s->issued, n));
	return time_of(s->doc, "nextUpdate", &s->next, n);
}

static enum err module_of(const json_t *o, struct tdx_module *m, struct note *n)
{
	TRY(hex_of(o, "mrsigner", m->mrsigner, sizeof m->mrsigner, n));
	TRY(hex_of(o, "attributes", m->attributes, sizeof m->attributes, n));
	return hex_of(o, "attributesMask", m->attributes_mask, sizeof m->attributes_mask, n);
}

static enum err module_identity(const json_t *o, struct tdx_module *m, struct note *n)
{
	const char *id;

	TRY(text_of(o, "id", &id, n));
	if (strlen(id) != 6 || strncasecmp(id, "TDX_", 4) != 0 || hex_decode(slice_text(id + 4), &m->id, 1) != OK)
		return refuse(n, ERR_FORMAT, "a module identity whose id is not TDX_ and two hex digits");
	TRY(module_of(o, m, n));
	return isv_levels(o, &m->levels, n);
}

static enum err modules(struct tcb_info *t, struct note *n)
{
	const json_t *one = json_object_get(t->s.doc, "tdxModule"), *list;

	if (one != NULL) {
		TRY(module_of(one, &t->module, n));
		t->has_module = true;
	}
	if (json_object_get(t->s.doc, "tdxModuleIdentities") == NULL)
		return OK;
	TRY(list_of(t->s.doc, "tdxModuleIdentities", 0, DCAP_MODULES_MAX, &list, n));
	for (size_t i = 0; i < json_array_size(list); i++) {
		TRY(module_identity(json_array_get(list, i), &t->modules[i], n));
		for (size_t k = 0; k < i; k++)
			if (t->modules[k].id == t->modules[i].id)
				return refuse(n, ERR_FORMAT, "a module identity stands there twice");
	}
	t->module_count = json_array_size(list);
	return OK;
}

static enum err tcb_info(struct slice text, struct tcb_info *t, struct note *n)
{
	const json_t *list;
	uint32_t type;

	TRY(statement(text, &t->s, "SGX", n));
	if (t->s.version != 3 && !(t->s.version == 2 && strcmp(t->s.id, "SGX") == 0))
		return refuse(n, ERR_VERSION, "a TCB info for %s of version %u", t->s.id, (unsigned)t->s.version);
	TRY(hex_of(t->s.doc, "fmspc", t->fmspc, sizeof t->fmspc, n));
	TRY(hex_of(t->s.doc, "pceId", t->pceid, sizeof t->pceid, n));
	TRY(number_of(t->s.doc, "tcbType", 0, &type, n)); /* 0 is the only way of comparing that is defined */
	if (strcmp(t->s.id, "TDX") == 0)
		TRY(modules(t, n));
	TRY(list_of(t->s.doc, "tcbLevels", 1, DCAP_LEVELS_MAX, &list, n));
	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(tcb_level(json_array_get(list, i), t, &t->level[i], n));
	t->level_count = json_array_size(list);
	return OK;
}

enum err tcb_info_parse(struct slice text, struct tcb_info *out, struct note *n)
{
	enum err err;

	memset(out, 0, sizeof *out);
	err = tcb_info(text, out, n);
	if (err != OK)
		tcb_info_free(out);
	return err;
}

void tcb_info_free(struct tcb_info *t)
{
	json_decref(t->s.doc);
	t->s.doc = NULL;
}

static enum err qe_identity(struct slice text, struct qe_identity *q, struct note *n)
{
	TRY(statement(text, &q->s, NULL, n));
	if (q->s.version != 2)
		return refuse(n, ERR_VERSION, "a QE identity of version %u", (unsigned)q->s.version);
	TRY(hex32_of(q->s.doc, "miscselect", &q->miscselect, n));
	TRY(hex32_of(q->s.doc, "miscselectMask", &q->miscselect_mask, n));
	TRY(hex_of(q->s.doc, "attributes", q->attributes, sizeof q->attributes, n));
	TRY(hex_of(q->s.doc, "attributesMask", q->attributes_mask, sizeof q->attributes_mask, n));
	TRY(hex_of(q->s.doc, "mrsigner", q->mrsigner, sizeof q->mrsigner, n));
	TRY(number_of(q->s.doc, "isvprodid", 0xffff, &q->prod_id, n));
	return isv_levels(q->s.doc, &q->levels, n);
}

enum err qe_identity_parse(struct slice text, struct qe_identity *out, struct note *n)
{
	enum err err;

	memset(out, 0, sizeof *out);
	err = qe_identity(text, out, n);
	if (err != OK)
		qe_identity_free(out);
	return err;
}

void qe_identity_free(struct qe_identity *q)
{
	json_decref(q->s.doc);
	q->s.doc = NULL;
}

/* ---- the answer of the PCS ---- */

static bool cut_head(struct slice *s, const char *text)
{
	size_t size = strlen(text);

	if (s->size < size || memcmp(s->data, text, size) != 0)
		return false;
	*s = slice_of(s->data + size, s->size - size);
	return true;
}

static bool cut_tail(struct slice *s, const char *text)
{
	size_t size = strlen(text);

	if (s->size < size || memcmp(s->data + s->size - size, text, size) != 0)
		return false;
	s->size -= size;
	return true;
}

enum err dcap_unwrap(struct slice answer, const char *member, struct slice *text, struct slice *signature)
{
	enum { DIGITS = 128 };
	char head[40];

	snprintf(head, sizeof head, "{\"%s\":", member);
	while (cut_tail(&answer, "\n"))
		;
	if (!cut_head(&answer, head) || !cut_tail(&answer, "\"}") || answer.size < DIGITS)
		return ERR_FORMAT;
	*signature = slice_of(answer.data + answer.size - DIGITS, DIGITS);
	answer.size -= DIGITS;
	if (!cut_tail(&answer, ",\"signature\":\""))
		return ERR_FORMAT;
	*text = answer;
	return OK;
}
