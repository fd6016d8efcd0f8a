/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCG PC Client Platform Firmware Profile, crypto-agile log: a first event in the old form (32 bytes and its data) that
 * says "Spec ID Event03", then {register, type, count, count x {algorithm, digest}, size, data}. Firmware hands over a
 * whole area, whose rest is filled with FFh or zeros.
 */
#include "lib/measure/tdx.h"

#include "lib/base/rw.h"

#include <bearssl.h>

enum { SIGNATURE_SIZE = 16, ALG_SHA384 = 12, EV_NO_ACTION = 3, DIGESTS_MAX = 8, FIRST_REGISTER = 1 };

static const struct algorithm {
	uint16_t id, size;
} algorithms[] = {{4, 20}, {11, 32}, {ALG_SHA384, TDX_DIGEST_SIZE}, {13, 64}, {18, 32}};

struct event {
	uint32_t reg, type, digests;
	const uint8_t *sha384; /* NULL: none */
};

void tdx_rtmr_extend(uint8_t rtmr[static TDX_DIGEST_SIZE], const uint8_t digest[static TDX_DIGEST_SIZE])
{
	br_sha384_context c;

	br_sha384_init(&c);
	br_sha384_update(&c, rtmr, TDX_DIGEST_SIZE);
	br_sha384_update(&c, digest, TDX_DIGEST_SIZE);
	br_sha384_out(&c, rtmr);
}

static enum err first_event(struct reader *r)
{
	uint32_t size;
	struct slice data;

	TRY(rd_skip(r, 28)); /* register, type, SHA-1: all zero but the type */
	TRY(rd_u32le(r, &size));
	TRY(rd_bytes(r, size, &data));
	return size >= SIGNATURE_SIZE && memcmp(data.data, "Spec ID Event03", SIGNATURE_SIZE) == 0 ? OK : ERR_FORMAT;
}

static enum err one_digest(struct reader *r, struct event *e)
{
	uint16_t id;
	struct slice digest;

	TRY(rd_u16le(r, &id));
	for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++) {
		if (algorithms[i].id != id)
			continue;
		TRY(rd_bytes(r, algorithms[i].size, &digest));
		if (id == ALG_SHA384 && e->sha384 != NULL)
			return ERR_FORMAT; /* two answers to one question */
		if (id == ALG_SHA384)
			e->sha384 = digest.data;
		return OK;
	}
	return ERR_UNSUPPORTED; /* its size is unknown, so nothing behind it can be read */
}

static enum err next_event(struct reader *r, struct event *e)
{
	uint32_t size;

	e->sha384 = NULL;
	TRY(rd_u32le(r, &e->reg));
	TRY(rd_u32le(r, &e->type));
	TRY(rd_u32le(r, &e->digests));
	if (e->digests == 0 || e->digests > DIGESTS_MAX)
		return ERR_FORMAT;
	for (uint32_t i = 0; i < e->digests; i++)
		TRY(one_digest(r, e));
	TRY(rd_u32le(r, &size));
	return rd_skip(r, size);
}

/* Is the rest filling? FFh, or zeros, to the end: an attacker's gap in the middle of a log is not. */
static bool filling(struct reader r)
{
	struct slice rest;

	CHECK(rd_bytes(&r, rd_left(&r), &rest) == OK);
	for (size_t i = 0; i < rest.size; i++)
		if (rest.data[i] != rest.data[0])
			return false;
	return rest.size == 0 || rest.data[0] == 0xff || rest.data[0] == 0;
}

static enum err extend(const struct event *e, uint8_t rtmr[static TDX_RTMR_COUNT][TDX_DIGEST_SIZE], size_t *events)
{
	if (e->type == EV_NO_ACTION)
		return OK;
	if (e->reg < FIRST_REGISTER || e->reg >= FIRST_REGISTER + TDX_RTMR_COUNT)
		return ERR_RANGE;
	if (e->sha384 == NULL)
		return ERR_FORMAT;
	tdx_rtmr_extend(rtmr[e->reg - FIRST_REGISTER], e->sha384);
	++*events;
	return OK;
}

enum err tdx_replay_ccel(struct slice log, uint8_t rtmr[static TDX_RTMR_COUNT][TDX_DIGEST_SIZE], size_t *events, struct note *n)
{
	struct reader r = rd_of(log);
	struct event e;

	memset(rtmr, 0, TDX_RTMR_COUNT * sizeof *rtmr);
	*events = 0;
	if (first_event(&r) != OK)
		return refuse(n, ERR_FORMAT, "not a crypto-agile event log (no Spec ID Event03 at its start)");
	while (!filling(r)) {
		const unsigned long long at = rd_offset(&r);
		enum err err = next_event(&r, &e);

		if (err == OK)
			err = extend(&e, rtmr, events);
		if (err != OK)
			return refuse(n, err, "event log, offset %llu: %s", at, err_text(err));
	}
	return OK;
}
