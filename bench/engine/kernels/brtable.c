/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/kernel.h"

/* A little register machine whose program computes with a loop: one switch per step. */
enum { SET, ADD, SUB, MUL, XOR, SHR, JNZ, DEC, LOAD, STORE, HALT };
static const struct insn {
	uint8_t op, a, b, c;
} program[] = {
	{SET, 0, 200, 0}, {SET, 1, 7, 0},   {SET, 2, 3, 0},   {ADD, 3, 1, 2}, {MUL, 1, 1, 2}, {XOR, 1, 1, 3}, {SHR, 4, 1, 3},
	{STORE, 4, 0, 0}, {LOAD, 5, 0, 0},  {ADD, 1, 1, 5},   {SUB, 6, 1, 4}, {XOR, 1, 1, 6}, {DEC, 0, 0, 0}, {JNZ, 0, 3, 0},
	{HALT, 0, 0, 0},
};

static uint32_t execute(uint32_t seed)
{
	static uint32_t memory[256];
	uint32_t r[8] = {0}, steps = 0;
	const struct insn *p = program;

	r[7] = seed;
	for (;; p++, steps++) {
		switch (p->op) {
		case SET: r[p->a] = p->b + r[7]; break;
		case ADD: r[p->a] = r[p->b] + r[p->c]; break;
		case SUB: r[p->a] = r[p->b] - r[p->c]; break;
		case MUL: r[p->a] = r[p->b] * r[p->c]; break;
		case XOR: r[p->a] = r[p->b] ^ r[p->c]; break;
		case SHR: r[p->a] = r[p->b] >> p->c; break;
		case JNZ:
			if (r[p->a] != 0)
				p = program + p->b - 1;
			break;
		case DEC: r[p->a]--; break;
		case LOAD: r[p->a] = memory[r[p->b] & 255]; break;
		case STORE: memory[r[p->b] & 255] = r[p->a]; break;
		default: return r[1] + steps;
		}
	}
}

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum = sum * 3 + execute(i & 15);
	return sum;
}
