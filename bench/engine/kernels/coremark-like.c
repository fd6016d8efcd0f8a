/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CoreMark mixes, written afresh: a linked list searched, sorted and reversed; small matrices of 16-bit numbers; a
 * machine of states that reads numbers; a CRC over all of it. Its figures are not those of CoreMark.
 */
#include "bench/engine/kernel.h"

/* ---- a checksum: CRC-16 with the polynomial of CCITT, bit by bit ---- */
static uint16_t crc16(uint16_t crc, uint16_t v)
{
	for (int i = 0; i < 16; i++) {
		uint16_t bit = (uint16_t)((crc ^ v) & 1);

		crc = (uint16_t)(crc >> 1 ^ (bit ? 0x8408 : 0));
		v >>= 1;
	}
	return crc;
}

/* ---- the list ---- */
enum { NODES = 200 };
static struct node {
	struct node *next;
	int16_t value, order;
} nodes[NODES];

static struct node *list_make(uint32_t seed)
{
	for (int i = 0; i < NODES; i++) {
		nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
		nodes[i].value = (int16_t)(next_random(&seed) & 0x7fff);
		nodes[i].order = (int16_t)i;
	}
	return nodes;
}

static struct node *list_reverse(struct node *list)
{
	struct node *done = NULL;

	while (list != NULL) {
		struct node *next = list->next;

		list->next = done;
		done = list;
		list = next;
	}
	return done;
}

static const struct node *list_find(const struct node *list, int16_t value)
{
	while (list != NULL && (list->value & 0xff) != value)
		list = list->next;
	return list;
}

typedef int order(const struct node *, const struct node *);

static int by_value(const struct node *a, const struct node *b)
{
	return a->value - b->value;
}

static int by_order(const struct node *a, const struct node *b)
{
	return a->order - b->order;
}

static struct node *merge(struct node *a, struct node *b, order *compare)
{
	struct node *list = NULL, **end = &list;

	while (a != NULL && b != NULL) {
		struct node **least = compare(a, b) <= 0 ? &a : &b;

		*end = *least;
		end = &(*least)->next;
		*least = *end;
	}
	*end = a != NULL ? a : b;
	return list;
}

static struct node *list_sort(struct node *list, order *compare)
{
	struct node *slow = list, *fast, *second;

	if (list == NULL || list->next == NULL)
		return list;
	for (fast = list->next; fast != NULL && fast->next != NULL; fast = fast->next->next)
		slow = slow->next;
	second = slow->next;
	slow->next = NULL;
	return merge(list_sort(list, compare), list_sort(second, compare), compare);
}

static uint16_t list_work(uint32_t seed, uint16_t crc)
{
	struct node *list = list_make(seed);

	for (int16_t v = 0; v < 64; v++) {
		const struct node *found = list_find(list, v);

		list = list_reverse(list);
		if (found != NULL)
			crc = crc16(crc, (uint16_t)found->order);
	}
	list = list_sort(list, by_value);
	for (const struct node *n = list; n != NULL; n = n->next)
		crc = crc16(crc, (uint16_t)n->value);
	list = list_sort(list, by_order);
	return crc16(crc, (uint16_t)list->value);
}

/* ---- matrices ---- */
enum { SIDE = 24 };
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];

static uint16_t matrix_work(uint32_t seed, uint16_t crc)
{
	int32_t picked = 0;

	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			left[i][j] = (int16_t)(next_random(&seed) & 0xff);
			right[i][j] = (int16_t)((next_random(&seed) & 0xff) + i);
		}
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			product[i][j] = 0;
			for (int k = 0; k < SIDE; k++)
				product[i][j] += left[i][k] * right[k][j];
		}
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			int32_t p = product[i][j];

			picked += (p >> 2 & 0xf) * (p >> 5 & 0x7f); /* fields of bits, multiplied */
			crc = picked > 100000 ? crc16(crc, (uint16_t)picked) : crc;
			picked = picked > 100000 ? 0 : picked;
		}
	return crc16(crc, (uint16_t)picked);
}

/* ---- the machine of states ---- */
enum state { START, SIGN, INTEGER, POINT, FRACTION, E, E_SIGN, EXPONENT, INVALID, STATES };

static enum state step(enum state s, char c)
{
	int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';

	switch (s) {
	case START: return digit ? INTEGER : sign ? SIGN : c == '.' ? POINT : INVALID;
	case SIGN: return digit ? INTEGER : c == '.' ? POINT : INVALID;
	case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? E : INVALID;
	case POINT: return digit ? FRACTION : INVALID;
	case FRACTION: return digit ? FRACTION : c == 'e' ? E : INVALID;
	case E: return digit ? EXPONENT : sign ? E_SIGN : INVALID;
	case E_SIGN: return digit ? EXPONENT : INVALID;
	case EXPONENT: return digit ? EXPONENT : INVALID;
	default: return INVALID;
	}
}

static uint16_t state_work(uint32_t seed, uint16_t crc)
{
	static const char *const parts[] = {"7",    "20260", "-31",   "+4096", "0.125", "-2.718", "60.e2", ".5e-3",
	                                    "+1e9", "12-4",  "3.1.4", "--8",   "e5",    "9e+",    "x1f",   "+.75e11"};
	uint16_t ends[STATES] = {0}, passes = 0;

	for (int i = 0; i < 200; i++) {
		enum state s = START;

		for (const char *p = parts[next_random(&seed) >> 7 & 15]; *p != 0; p++, passes++)
			s = step(s, (char)(*p ^ (next_random(&seed) >> 12 & 63 ? 0 : 1)));
		ends[s]++;
	}
	for (int i = 0; i < STATES; i++)
		crc = crc16(crc, ends[i]);
	return crc16(crc, passes);
}

uint32_t kernel(uint32_t n)
{
	uint16_t crc = 0xffff;

	while (n-- > 0) {
		crc = list_work(n + 1, crc);
		crc = matrix_work(n + 2, crc);
		crc = state_work(n + 3, crc);
	}
	return crc;
}
