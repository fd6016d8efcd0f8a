/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hostile/lies.h"

#include "lib/base/attr.h"

static uint64_t dice, often;
static unsigned told;

static uint64_t next(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice;
}

void dice_seed(uint64_t seed)
{
	dice = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t roll(uint64_t n)
{
	return next() % n;
}

void lies_begin(uint64_t one_in)
{
	often = one_in;
	told = 0;
}

unsigned lies_told(void)
{
	return told;
}

static uint64_t strange_number(uint64_t honest)
{
	static const uint64_t strange[] = {0, 1, 2, 15, 255, 1023, 1024, 4096, 65535, 65536, KEEPCALL_WINDOW_SIZE,
	                                   KEEPCALL_WINDOW_SIZE + 1, KEEPCALL_EVIDENCE_MAX, KEEPCALL_EVIDENCE_MAX + 1,
	                                   INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};

	switch (roll(5)) {
	case 0: return honest + 1;
	case 1: return honest - 1;
	case 2: return honest ^ UINT64_C(1) << roll(64);
	case 3: return next();
	default: return strange[roll(ARRAY_COUNT(strange))];
	}
}

static void change_bytes(uint8_t *in, size_t size)
{
	for (uint64_t n = 1 + roll(4); n > 0; n--)
		in[roll(size)] = (uint8_t)roll(256);
}

void lies_tell(void *ctx, volatile struct keepcall_page *p, uint8_t *in)
{
	(void)ctx;
	if (often == 0)
		return;
	if (roll(4) == 0)
		p->attention = (uint32_t)roll(4);
	if (roll(often) != 0)
		return;
	/* Pages that are said to be there and are not end a real Keep with a fault; here they would end the test. */
	if (p->op == KEEPCALL_GROW && p->status != KEEPCALL_OK)
		return;
	told++;
	switch (roll(8)) {
	case 0: p->status = (uint32_t)roll(KEEPCALL_STATUS_LIMIT); break;
	case 1: p->status = (uint32_t)strange_number(p->status); break;
	case 2: p->answered = (uint32_t)strange_number(p->answered); break; /* late, or to nobody */
	case 3:
	case 4: p->ret[0] = strange_number(p->ret[0]); break;
	case 5: change_bytes(in, p->op == KEEPCALL_WAIT ? 24 : 128); break;
	case 6: change_bytes(in, KEEPCALL_WINDOW_SIZE); break;
	default: p->tsc_hz = strange_number(p->tsc_hz), p->ret[1] = strange_number(p->ret[1]); break;
	}
}
