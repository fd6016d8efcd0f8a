/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure: key-value lines, [headers], [[headers of arrays]], arrays and inline tables. The rules about what may
 * be opened twice are kept as marks on the tables:
 *   - FROZEN: an inline table or something inside one; nothing may be added.
 *   - a header names a table once; a table that dotted keys made is open to dotted keys of the same section only.
 *   - an array of tables grows by [[headers]], an array of values never.
 * All memory of a document is a chain of blocks, freed at once.
 */
#include "client/config/toml_scan.h"

#include <stdlib.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

/* A value with what only the parser needs to know. */
struct node {
	struct toml_value v; /* first, so that a value is a node */
	size_t capacity;     /* of pairs or items */
	bool header;         /* named by a [header], or an array made by [[header]]s */
	bool frozen;
	unsigned section; /* of the dotted key that made it; 0: no dotted key did */
};

struct toml {
	struct scan s; /* first, so that alloc finds the document */
	struct block *blocks;
	struct node *root;
	struct node *current; /* where key-value lines go */
	unsigned section;     /* counts headers, from 1 */
	unsigned nodes;
	unsigned depth;
};

const char *toml_type_text(enum toml_type t)
{
	static const char *const text[] = {"a string",       "an integer", "a float", "true or false",
	                                   "a date or time", "an array",   "a table"};

	return text[t];
}

/* ---- memory ---- */

static void *doc_alloc(struct scan *s, size_t size)
{
	struct toml *t = (struct toml *)s;
	size_t whole = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t);
	size_t room = whole * sizeof(max_align_t) > BLOCK_SIZE ? whole : BLOCK_SIZE / sizeof(max_align_t);
	void *out;

	if (t->blocks == NULL || t->blocks->size - t->blocks->used < whole) {
		struct block *b = calloc(1, sizeof *b + room * sizeof(max_align_t));

		if (b == NULL)
			return NULL;
		b->size = room;
		b->next = t->blocks;
		t->blocks = b;
	}
	out = &t->blocks->data[t->blocks->used];
	t->blocks->used += whole;
	return out;
}

static enum err node_new(struct toml *t, enum toml_type type, struct node **out)
{
	struct node *n;

	if (++t->nodes > TOML_NODES_MAX)
		return refuse(t->s.note, ERR_LIMIT, "%s:%u: more than %d values", t->s.name, t->s.line, TOML_NODES_MAX);
	n = doc_alloc(&t->s, sizeof *n);
	if (n == NULL)
		return ERR_NOMEM;
	n->v.type = type;
	n->v.line = t->s.line;
	n->v.column = scan_column(&t->s);
	*out = n;
	return OK;
}

static enum err grow(struct toml *t, struct node *n, void **list, size_t count, size_t each)
{
	size_t capacity = n->capacity == 0 ? 4 : n->capacity * 2;
	void *more;

	if (count < n->capacity)
		return OK;
	more = doc_alloc(&t->s, capacity * each);
	if (more == NULL)
		return ERR_NOMEM;
	if (count > 0)
		memcpy(more, *list, count * each);
	*list = more;
	n->capacity = capacity;
	return OK;
}

static enum err array_add(struct toml *t, struct node *array, struct node *item)
{
	void *list = array->v.u.array.items;

	TRY(grow(t, array, &list, array->v.u.array.count, sizeof(struct toml_value *)));
	array->v.u.array.items = list;
	array->v.u.array.items[array->v.u.array.count++] = &item->v;
	return OK;
}

/* ---- keys ---- */

struct key {
	struct slice text;
	unsigned line, column;
};

static enum err table_add(struct toml *t, struct node *table, const struct key *k, struct node *value)
{
	void *list = table->v.u.table.pairs;

	TRY(grow(t, table, &list, table->v.u.table.count, sizeof(struct toml_pair)));
	table->v.u.table.pairs = list;
	table->v.u.table.pairs[table->v.u.table.count++] = (struct toml_pair){k->text, k->line, k->column, &value->v};
	return OK;
}

static struct node *child(const struct node *table, struct slice key)
{
	for (size_t i = 0; i < table->v.u.table.count; i++)
		if (slice_equal(table->v.u.table.pairs[i].key, key))
			return (struct node *)table->v.u.table.pairs[i].value;
	return NULL;
}

static bool bare(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static enum err key_part(struct toml *t, struct key *k)
{
	struct scan *s = &t->s;
	size_t size = 0;
	uint8_t *copy;

	k->line = s->line;
	k->column = scan_column(s);
	if (scan_peek(s, 0) == '"' || scan_peek(s, 0) == '\'')
		return scan_string(s, false, &k->text);
	while (bare(scan_peek(s, size)))
		size++;
	if (size == 0)
		return scan_fail(s, "a key is expected here");
	copy = doc_alloc(s, size + 1);
	if (copy == NULL)
		return ERR_NOMEM;
	memcpy(copy, s->text.data + s->at, size);
	k->text = slice_of(copy, size);
	scan_pass(s, size);
	return OK;
}

static enum err twice(struct toml *t, const struct key *k, const struct node *first)
{
	return scan_fail_at(&t->s, k->line, k->column, "%.40s stands there already (line %u); a name may be used once",
	                    (const char *)k->text.data, first->v.line);
}

/* ---- values ---- */

static enum err value(struct toml *t, struct node **out);
static enum err key_value(struct toml *t, struct node *table, unsigned section);

/* Blanks, comments and line ends, as they may stand inside an array. */
static enum err comment(struct scan *s)
{
	if (scan_peek(s, 0) != '#')
		return OK;
	for (;;) {
		int c = scan_peek(s, 0);

		if (c < 0 || c == '\n' || (c == '\r' && scan_peek(s, 1) == '\n'))
			return OK;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return scan_fail(s, "a control character in a comment");
		scan_pass(s, 1);
	}
}

static enum err space(struct scan *s)
{
	do {
		scan_blanks(s);
		TRY(comment(s));
	} while (scan_newline(s));
	return OK;
}

static enum err array(struct toml *t, struct node *out)
{
	struct scan *s = &t->s;
	struct node *item;

	scan_pass(s, 1);
	TRY(space(s));
	while (!scan_take(s, "]")) {
		TRY(value(t, &item));
		TRY(array_add(t, out, item));
		TRY(space(s));
		if (scan_take(s, ",")) {
			TRY(space(s));
			continue;
		}
		if (scan_peek(s, 0) != ']')
			return scan_fail(s, "a comma or ] is expected in this array");
	}
	return OK;
}

static void freeze(struct node *n)
{
	n->frozen = true;
	for (size_t i = 0; n->v.type == TOML_TABLE && i < n->v.u.table.count; i++)
		freeze((struct node *)n->v.u.table.pairs[i].value);
}

static enum err inline_table(struct toml *t, struct node *out)
{
	struct scan *s = &t->s;

	scan_pass(s, 1);
	scan_blanks(s);
	if (!scan_take(s, "}")) {
		for (;;) {
			/* Dotted keys inside may add to each other: they are of one section, which no other place has.
			 */
			TRY(key_value(t, out, t->section));
			scan_blanks(s);
			if (scan_take(s, "}"))
				break;
			if (!scan_take(s, ","))
				return scan_fail(s, "a comma or } is expected; an inline table stands on one line");
			scan_blanks(s);
		}
	}
	freeze(out);
	return OK;
}

static enum err value(struct toml *t, struct node **out)
{
	struct scan *s = &t->s;
	int c = scan_peek(s, 0);
	enum err err;

	TRY(node_new(t, TOML_STRING, out));
	if (c == '"' || c == '\'')
		return scan_string(s, true, &(*out)->v.u.string);
	if (c != '[' && c != '{')
		return scan_plain(s, &(*out)->v);
	if (++t->depth > TOML_DEPTH_MAX)
		return scan_fail(s, "nested more than %d deep", TOML_DEPTH_MAX);
	(*out)->v.type = c == '[' ? TOML_ARRAY : TOML_TABLE;
	err = c == '[' ? array(t, *out) : inline_table(t, *out);
	t->depth--;
	return err;
}

/* ---- key = value ---- */

/* May a dotted key of this section add to the table? */
static bool open_to(const struct node *n, unsigned section)
{
	return n->v.type == TOML_TABLE && !n->frozen && !n->header && (n->section == 0 || n->section == section);
}

/* What a key or header makes stands where its name does. */
static enum err node_of_key(struct toml *t, enum toml_type type, const struct key *k, struct node **out)
{
	TRY(node_new(t, type, out));
	(*out)->v.line = k->line;
	(*out)->v.column = k->column;
	return OK;
}

static enum err step_dotted(struct toml *t, struct node **table, const struct key *k, unsigned section)
{
	struct node *next = child(*table, k->text);

	if (next == NULL) {
		TRY(node_of_key(t, TOML_TABLE, k, &next));
		TRY(table_add(t, *table, k, next));
	} else if (!open_to(next, section)) {
		return twice(t, k, next);
	}
	next->section = section;
	*table = next;
	return OK;
}

static enum err key_value(struct toml *t, struct node *table, unsigned section)
{
	struct scan *s = &t->s;
	struct node *v, *old;
	struct key k = {{NULL, 0}, 0, 0};
	unsigned depth = 0;

	TRY(key_part(t, &k));
	for (scan_blanks(s); scan_take(s, "."); scan_blanks(s)) {
		if (++depth > TOML_DEPTH_MAX)
			return scan_fail(s, "nested more than %d deep", TOML_DEPTH_MAX);
		TRY(step_dotted(t, &table, &k, section));
		scan_blanks(s);
		TRY(key_part(t, &k));
	}
	if (!scan_take(s, "="))
		return scan_fail(s, "= is expected after the key");
	old = child(table, k.text);
	if (old != NULL)
		return twice(t, &k, old);
	scan_blanks(s);
	TRY(value(t, &v));
	return table_add(t, table, &k, v);
}

/* ---- [header] and [[header]] ---- */

/* A part before the last: makes what is missing, enters the newest table of an array. */
static enum err step_header(struct toml *t, struct node **table, const struct key *k)
{
	struct node *next = child(*table, k->text);

	if (next == NULL) {
		TRY(node_of_key(t, TOML_TABLE, k, &next));
		TRY(table_add(t, *table, k, next));
	}
	if (next->v.type == TOML_ARRAY && next->header)
		next = (struct node *)next->v.u.array.items[next->v.u.array.count - 1];
	if (next->v.type != TOML_TABLE || next->frozen)
		return twice(t, k, next);
	*table = next;
	return OK;
}

static enum err open_table(struct toml *t, struct node *table, const struct key *k)
{
	struct node *n = child(table, k->text);

	if (n == NULL) {
		TRY(node_of_key(t, TOML_TABLE, k, &n));
		TRY(table_add(t, table, k, n));
	} else if (n->v.type != TOML_TABLE || n->header || n->frozen || n->section != 0) {
		return twice(t, k, n);
	}
	n->header = true;
	n->v.line = k->line;
	n->v.column = k->column;
	t->current = n;
	return OK;
}

static enum err open_array(struct toml *t, struct node *table, const struct key *k)
{
	struct node *n = child(table, k->text), *item;

	if (n == NULL) {
		TRY(node_of_key(t, TOML_ARRAY, k, &n));
		n->header = true;
		TRY(table_add(t, table, k, n));
	} else if (n->v.type != TOML_ARRAY || !n->header) {
		return twice(t, k, n);
	}
	TRY(node_of_key(t, TOML_TABLE, k, &item));
	item->header = true;
	TRY(array_add(t, n, item));
	t->current = item;
	return OK;
}

static enum err header(struct toml *t)
{
	struct scan *s = &t->s;
	struct node *table = t->root;
	struct key k = {{NULL, 0}, 0, 0};
	bool many = scan_take(s, "[[");
	unsigned depth = 0;

	if (!many)
		scan_pass(s, 1);
	t->section++;
	scan_blanks(s);
	TRY(key_part(t, &k));
	for (scan_blanks(s); scan_take(s, "."); scan_blanks(s)) {
		if (++depth > TOML_DEPTH_MAX)
			return scan_fail(s, "nested more than %d deep", TOML_DEPTH_MAX);
		TRY(step_header(t, &table, &k));
		scan_blanks(s);
		TRY(key_part(t, &k));
	}
	if (!scan_take(s, many ? "]]" : "]"))
		return scan_fail(s, "%s is expected", many ? "]]" : "]");
	return many ? open_array(t, table, &k) : open_table(t, table, &k);
}

/* ---- the document ---- */

static enum err line(struct toml *t)
{
	struct scan *s = &t->s;
	int c;

	scan_blanks(s);
	c = scan_peek(s, 0);
	if (c == '[')
		TRY(header(t));
	else if (c >= 0 && c != '#' && c != '\n' && c != '\r')
		TRY(key_value(t, t->current, t->section));
	scan_blanks(s);
	TRY(comment(s));
	if (scan_newline(s) || scan_peek(s, 0) < 0)
		return OK;
	return scan_fail(s, "nothing may follow on this line");
}

static enum err not_utf8(const struct scan *s, size_t bad)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < bad; i++) {
		column = s->text.data[i] == '\n' ? 1 : column + 1;
		line += s->text.data[i] == '\n';
	}
	return refuse(s->note, ERR_FORMAT, "%s:%llu:%llu: this byte is not UTF-8; save the file as UTF-8", s->name,
	              (unsigned long long)line, (unsigned long long)column);
}

static enum err document(struct toml *t)
{
	struct scan *s = &t->s;
	size_t bad;

	if (s->text.size > TOML_SIZE_MAX)
		return refuse(s->note, ERR_LIMIT, "%s: larger than %d bytes", s->name, TOML_SIZE_MAX);
	if (!utf8_ok(s->text, &bad))
		return not_utf8(s, bad);
	scan_take(s, "\xef\xbb\xbf");
	s->line_start = s->at;
	TRY(node_new(t, TOML_TABLE, &t->root));
	t->root->header = true;
	t->current = t->root;
	while (s->at < s->text.size)
		TRY(line(t));
	return OK;
}

enum err toml_parse(struct slice text, const char *name, struct toml **out, struct note *n)
{
	static const uint8_t nothing;
	struct toml *t = calloc(1, sizeof *t);
	enum err err;

	if (t == NULL)
		return ERR_NOMEM;
	if (text.size == 0)
		text = slice_of(&nothing, 0);
	t->s = (struct scan){.name = name, .text = text, .line = 1, .note = n, .alloc = doc_alloc};
	t->section = 1;
	err = document(t);
	if (err != OK) {
		toml_free(t);
		return err;
	}
	t->s.text = slice_of(NULL, 0); /* not ours: nothing in the tree points into it */
	*out = t;
	return OK;
}

void toml_free(struct toml *t)
{
	if (t == NULL)
		return;
	for (struct block *b = t->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(t);
}

const struct toml_value *toml_root(const struct toml *t)
{
	return &t->root->v;
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
	if (table == NULL || table->type != TOML_TABLE)
		return NULL;
	for (size_t i = 0; i < table->u.table.count; i++)
		if (slice_is(table->u.table.pairs[i].key, key))
			return table->u.table.pairs[i].value;
	return NULL;
}
