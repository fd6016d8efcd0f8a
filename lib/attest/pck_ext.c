/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/pck_ext.h"

#include "lib/attest/der.h"

enum {
	ARC_PPID = 1,
	ARC_TCB = 2,
	ARC_PCEID = 3,
	ARC_FMSPC = 4,
	ARC_TYPE = 5,
	ARC_INSTANCE = 6,
	ARC_CONFIGURATION = 7,
	TCB_PCESVN = 17,
	TCB_CPUSVN = 18,
	DER_ENUMERATED = 0x0a
};

/* 1.2.840.113741.1.13.1 */
static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
const struct slice pck_ext_oid = {oid, sizeof oid};

struct reading {
	struct pck_ext *out;
	uint32_t seen, tcb_seen, configuration_seen; /* 1 << arc */
};

static enum err octets(struct reader *r, size_t size, struct slice *out)
{
	struct slice whole;

	TRY(der_element(r, DER_OCTETS, &whole, out));
	return out->size == size ? OK : ERR_FORMAT;
}

static enum err number(struct reader *r, uint32_t max, uint32_t *out)
{
	struct slice whole, content;

	TRY(der_element(r, DER_INTEGER, &whole, &content));
	return der_uint(whole, max, out);
}

static enum err boolean(struct reader *r, bool *out)
{
	struct slice whole, content;

	TRY(der_element(r, DER_BOOLEAN, &whole, &content));
	if (content.size != 1 || (content.data[0] != 0 && content.data[0] != 0xff))
		return ERR_FORMAT;
	*out = content.data[0] != 0;
	return OK;
}

static enum err enumerated(struct reader *r, uint32_t *out)
{
	struct slice whole, content;

	TRY(der_element(r, DER_ENUMERATED, &whole, &content));
	if (content.size != 1 || content.data[0] > 0x7f)
		return ERR_FORMAT;
	*out = content.data[0];
	return OK;
}

/* The last arc below `parent`; 0: another OID. */
static uint8_t arc_below(struct slice id, struct slice parent)
{
	bool below = id.size == parent.size + 1 && memcmp(id.data, parent.data, parent.size) == 0;

	return below && id.data[parent.size] < 32 ? id.data[parent.size] : 0;
}

static enum err once(uint32_t *seen, uint8_t arc)
{
	if ((*seen >> arc & 1) != 0)
		return ERR_FORMAT;
	*seen |= 1u << arc;
	return OK;
}

/* The members of a SEQUENCE of {OID below parent, value}, each taken once. */
static enum err members(struct reader list, struct slice parent, uint32_t *seen,
                        enum err (*take)(struct reading *g, uint8_t arc, struct reader *value), struct reading *g)
{
	struct reader one;
	struct slice whole, id;

	while (rd_left(&list) > 0) {
		uint8_t arc;

		TRY(der_enter(&list, DER_SEQUENCE, &one));
		TRY(der_element(&one, DER_OID, &whole, &id));
		arc = arc_below(id, parent);
		if (arc == 0)
			continue;
		TRY(once(seen, arc));
		TRY(take(g, arc, &one));
		TRY(rd_end(&one));
	}
	return OK;
}

static enum err any(struct reader *r)
{
	uint8_t tag;
	struct slice content;

	return der_next(r, &tag, &content);
}

static enum err take_tcb(struct reading *g, uint8_t arc, struct reader *value)
{
	uint32_t svn;

	if (arc == TCB_CPUSVN)
		return octets(value, PCK_COMPONENTS, &g->out->cpusvn);
	if (arc == TCB_PCESVN)
		return number(value, 0xffff, &g->out->pcesvn);
	if (arc > TCB_CPUSVN)
		return any(value);
	TRY(number(value, 0xff, &svn));
	g->out->components[arc - 1] = (uint8_t)svn;
	return OK;
}

static enum err take_configuration(struct reading *g, uint8_t arc, struct reader *value)
{
	bool *const flags[] = {NULL, &g->out->dynamic, &g->out->cached_keys, &g->out->smt};

	return arc < ARRAY_COUNT(flags) ? boolean(value, flags[arc]) : any(value);
}

static enum err nested(struct reading *g, uint8_t arc, struct reader *value, uint32_t *seen,
                       enum err (*take)(struct reading *g, uint8_t arc, struct reader *value))
{
	uint8_t parent[sizeof oid + 1];
	struct reader list;

	memcpy(parent, oid, sizeof oid);
	parent[sizeof oid] = arc;
	TRY(der_enter(value, DER_SEQUENCE, &list));
	return members(list, slice_of(parent, sizeof parent), seen, take, g);
}

static enum err take_top(struct reading *g, uint8_t arc, struct reader *value)
{
	struct pck_ext *e = g->out;

	switch (arc) {
	case ARC_PPID: return octets(value, PCK_PPID_SIZE, &e->ppid);
	case ARC_TCB: return nested(g, arc, value, &g->tcb_seen, take_tcb);
	case ARC_PCEID: return octets(value, PCK_PCEID_SIZE, &e->pceid);
	case ARC_FMSPC: return octets(value, PCK_FMSPC_SIZE, &e->fmspc);
	case ARC_TYPE: return enumerated(value, &e->sgx_type);
	case ARC_INSTANCE: return octets(value, PCK_INSTANCE_SIZE, &e->instance);
	case ARC_CONFIGURATION:
		e->configured = true;
		return nested(g, arc, value, &g->configuration_seen, take_configuration);
	default: return any(value);
	}
}

enum err pck_ext_parse(struct slice value, struct pck_ext *out, struct note *n)
{
	const uint32_t needed = 1u << ARC_PPID | 1u << ARC_TCB | 1u << ARC_PCEID | 1u << ARC_FMSPC | 1u << ARC_TYPE;
	const uint32_t tcb_needed = (1u << (TCB_CPUSVN + 1)) - 2;
	struct reading g = {.out = out};
	struct reader r = rd_of(value), list;
	enum err err;

	*out = (struct pck_ext){.pcesvn = 0};
	err = der_check(value);
	if (err == OK)
		err = der_enter(&r, DER_SEQUENCE, &list);
	if (err == OK)
		err = rd_end(&r);
	if (err == OK)
		err = members(list, pck_ext_oid, &g.seen, take_top, &g);
	if (err != OK)
		return refuse(n, err, "the SGX extension is not as Intel's profile says");
	if ((g.seen & needed) != needed || (g.tcb_seen & tcb_needed) != tcb_needed)
		return refuse(n, ERR_FORMAT, "the SGX extension lacks a field");
	return OK;
}
