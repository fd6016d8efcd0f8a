/* SPDX-License-Identifier: Apache-2.0 */
/* What the files share that write machine code from the graph. */
#ifndef BROCH_WASM_OPT_WRITE_H
#define BROCH_WASM_OPT_WRITE_H

#include "lib/wasm/opt/ir.h"

/* They hold nothing from one instruction to the next. */
enum { SCRATCH = RDI, SCRATCH_XMM = XMM15 };

/* ---- moves.c ---- */
void copy_place(struct compiler *c, uint32_t from, uint32_t to, uint8_t load, uint8_t store);
void const_to_place(struct compiler *c, uint64_t k, uint32_t to, uint8_t type);
void write_moves(struct flow *f, uint32_t list);

/* ---- operands.c; `n` is the number of the instruction at hand ---- */
/* Where the result goes. */
uint8_t dest_of(const struct flow *f, uint32_t id);
/* The value in some register, the scratch one of its class if it has none. */
uint8_t in_reg(struct flow *f, uint32_t id, uint32_t n);
bool has_reg(const struct flow *f, uint32_t id, uint32_t n, uint8_t *reg);
void load_to(struct flow *f, uint32_t id, uint32_t n, uint8_t reg);
/* An instruction whose last operand is the value, wherever it is. */
void op_with(struct flow *f, uint32_t op, uint8_t reg, uint32_t id, uint32_t n, bool wide);
/* The address of a load or store. */
struct rm address_of(struct flow *f, const struct node *access, uint32_t n);
void site_of(struct flow *f, const struct node *access);
/* Can the constant be an immediate operand of 32 bits? */
bool is_imm(const struct flow *f, uint32_t id, bool wide);

/* ---- conditions.c ---- */
/* Sets the flags; the condition under which the value is not zero. */
enum condition flags_of(struct flow *f, uint32_t id, uint32_t n);
enum condition negated(enum condition cc);
void write_compare(struct flow *f, uint32_t id, uint32_t n);
void write_select(struct flow *f, uint32_t id, uint32_t n);

/* ---- numbers.c ---- */
bool write_number(struct flow *f, uint32_t id, uint32_t n);

/* ---- calls.c ---- */
void write_arg(struct flow *f, const struct node *k, uint32_t n);
void write_call(struct flow *f, uint32_t id, uint32_t n);

#endif
