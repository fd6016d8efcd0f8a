/* SPDX-License-Identifier: Apache-2.0 */
/* The SGX extension of PCK certificates, made here: each field found, and each thing that is not as the profile says.
 */
#include "lib/attest/pck_ext.h"

#include "lib/attest/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ROOM = 2048, PCESVN = 17, CPUSVN = 18, ALL = 9 };

/* What is different; zeroed: nothing. arc: at the top; tcb_arc: below arc 2. */
struct wish {
	unsigned left_out, twice, tcb_left_out, tcb_twice, flag_twice;
	unsigned instead;     /* this arc (of the top) has `value` instead of its own */
	unsigned tcb_instead; /* and this one of the TCB */
	const char *value;
	size_t value_size;
	bool trailing, trailing_member, other_oid, no_instance, no_configuration, set;
};

static void must(enum err err)
{
	assert_int_equal(err, OK);
}

static void put(struct writer *w, uint8_t tag, struct slice content)
{
	must(wr_u8(w, tag));
	if (content.size >= 0x100)
		must(wr_u8(w, 0x82));
	else if (content.size >= 0x80)
		must(wr_u8(w, 0x81));
	must(content.size >= 0x100 ? wr_u16be(w, (uint16_t)content.size) : wr_u8(w, (uint8_t)content.size));
	must(wr_bytes(w, content));
}

static void put_member(struct writer *w, unsigned parent, unsigned arc, struct slice value, bool trailing)
{
	uint8_t id[16], room[ROOM];
	struct writer out = wr_of(room, sizeof room);
	size_t size = pck_ext_oid.size;

	memcpy(id, pck_ext_oid.data, size);
	if (parent != 0)
		id[size++] = (uint8_t)parent;
	id[size++] = (uint8_t)arc;
	put(&out, DER_OID, slice_of(id, size));
	must(wr_bytes(&out, value));
	if (trailing)
		must(wr_bytes(&out, slice_of("\x05\x00", 2)));
	put(w, DER_SEQUENCE, wr_slice(&out));
}

static struct slice tcb_value(const struct wish *w, unsigned arc, uint8_t room[static 32])
{
	struct writer out = wr_of(room, 32);
	uint8_t svn[16];

	for (unsigned i = 0; i < sizeof svn; i++)
		svn[i] = (uint8_t)(0x60 + i);
	if (arc == w->tcb_instead)
		return slice_of(w->value, w->value_size);
	if (arc == CPUSVN)
		put(&out, DER_OCTETS, slice_of(svn, sizeof svn));
	else if (arc == PCESVN)
		put(&out, DER_INTEGER, slice_of("\x12\x34", 2));
	else
		put(&out, DER_INTEGER, slice_of(&svn[arc - 1], 1));
	return wr_slice(&out);
}

static void put_tcb(struct writer *w, const struct wish *wish)
{
	uint8_t room[ROOM], value[32];
	struct writer out = wr_of(room, sizeof room);

	for (unsigned arc = 1; arc <= CPUSVN; arc++)
		for (unsigned n = arc == wish->tcb_left_out; n < 1u + (arc == wish->tcb_twice); n++)
			put_member(&out, 2, arc, tcb_value(wish, arc, value), false);
	put(w, DER_SEQUENCE, wr_slice(&out));
}

static void put_flags(struct writer *w, const struct wish *wish)
{
	uint8_t room[200];
	struct writer out = wr_of(room, sizeof room);

	for (unsigned flag = 1; flag <= 3; flag++)
		for (unsigned n = 0; n < 1u + (flag == wish->flag_twice); n++)
			put_member(&out, 7, flag, slice_of(flag == 2 ? "\x01\x01\x00" : "\x01\x01\xff", 3), false);
	put(w, DER_SEQUENCE, wr_slice(&out));
}

static struct slice top_value(const struct wish *w, unsigned arc, uint8_t *room)
{
	static const size_t sizes[] = {
	        [1] = PCK_PPID_SIZE, [3] = PCK_PCEID_SIZE, [4] = PCK_FMSPC_SIZE, [6] = PCK_INSTANCE_SIZE};
	struct writer out = wr_of(room, ROOM);
	uint8_t bytes[16];

	memset(bytes, (int)(0xa0 + arc), sizeof bytes);
	if (arc == w->instead)
		return slice_of(w->value, w->value_size);
	switch (arc) {
	case 2: put_tcb(&out, w); break;
	case 5: must(wr_bytes(&out, slice_of("\x0a\x01\x01", 3))); break;
	case 7: put_flags(&out, w); break;
	case 8: must(wr_bytes(&out, slice_of("\x05\x00", 2))); break; /* nobody knows it */
	default: put(&out, DER_OCTETS, slice_of(bytes, sizes[arc])); break;
	}
	return wr_slice(&out);
}

static struct slice make(const struct wish *w, uint8_t room[static ROOM])
{
	uint8_t inner[ROOM], value[ROOM];
	struct writer in = wr_of(inner, sizeof inner), out = wr_of(room, ROOM);

	for (unsigned arc = 1; arc < ALL; arc++) {
		bool no = arc == w->left_out || (arc == 6 && w->no_instance) || (arc == 7 && w->no_configuration);

		for (unsigned n = no; n < 1u + (arc == w->twice); n++)
			put_member(&in, 0, arc, top_value(w, arc, value), w->trailing_member && arc == 4);
	}
	if (w->other_oid) /* 1.2.3, which is none of ours */
		must(wr_bytes(&in, slice_of("\x30\x06\x06\x02\x2a\x03\x05\x00", 8)));
	put(&out, w->set ? DER_SET : DER_SEQUENCE, wr_slice(&in));
	if (w->trailing)
		must(wr_u8(&out, 0));
	return wr_slice(&out);
}

static enum err parsed(const struct wish *w, struct pck_ext *e, uint8_t room[static ROOM])
{
	struct note n = {""};
	enum err err = pck_ext_parse(make(w, room), e, &n);

	assert_true(err == OK || n.text[0] != 0);
	return err;
}

static void refused(const struct wish *w)
{
	uint8_t room[ROOM];
	struct pck_ext e;

	assert_int_not_equal(parsed(w, &e, room), OK);
}

static void is_filled(struct slice s, size_t size, unsigned with)
{
	assert_int_equal(s.size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(s.data[i], with);
}

static void each_field_is_found(void **state)
{
	uint8_t room[ROOM];
	struct pck_ext e;

	(void)state;
	must(parsed(&(struct wish){0}, &e, room));
	is_filled(e.ppid, PCK_PPID_SIZE, 0xa1);
	is_filled(e.pceid, PCK_PCEID_SIZE, 0xa3);
	is_filled(e.fmspc, PCK_FMSPC_SIZE, 0xa4);
	is_filled(e.instance, PCK_INSTANCE_SIZE, 0xa6);
	for (unsigned i = 0; i < PCK_COMPONENTS; i++)
		assert_int_equal(e.components[i], 0x60 + i);
	assert_int_equal(e.pcesvn, 0x1234);
	assert_int_equal(e.cpusvn.size, PCK_COMPONENTS);
	assert_int_equal(e.cpusvn.data[15], 0x6f);
	assert_int_equal(e.sgx_type, 1);
	assert_true(e.configured && e.dynamic && !e.cached_keys && e.smt);
	must(parsed(&(struct wish){.no_instance = true, .no_configuration = true, .other_oid = true}, &e, room));
	assert_false(e.configured);
	assert_int_equal(e.instance.size, 0);
}

static void each_field_is_needed_once(void **state)
{
	(void)state;
	for (unsigned arc = 1; arc < ALL; arc++) {
		refused(&(struct wish){.twice = arc});
		if (arc <= 5)
			refused(&(struct wish){.left_out = arc});
	}
	for (unsigned arc = 1; arc <= CPUSVN; arc++) {
		refused(&(struct wish){.tcb_twice = arc});
		refused(&(struct wish){.tcb_left_out = arc});
	}
	for (unsigned flag = 1; flag <= 3; flag++)
		refused(&(struct wish){.flag_twice = flag});
}

static void numbers_are_strict(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool component, pcesvn; /* is it one? */
	} rows[] = {
	        {"\x02\x01\x00", 3, true, true},
	        {"\x02\x01\x7f", 3, true, true},
	        {"\x02\x02\x00\x80", 4, true, true},
	        {"\x02\x02\x00\xff", 4, true, true},
	        {"\x02\x02\x01\x00", 4, false, true},      /* 256 */
	        {"\x02\x03\x00\xff\xff", 5, false, true},  /* 65535 */
	        {"\x02\x03\x01\x00\x00", 5, false, false}, /* 65536 */
	        {"\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", 11, false, false},
	        {"\x02\x01\x80", 3, false, false},     /* -128 */
	        {"\x02\x01\xff", 3, false, false},     /* -1 */
	        {"\x02\x02\x00\x7f", 4, false, false}, /* not minimal */
	        {"\x02\x00", 2, false, false},
	        {"\x02\x81\x01\x05", 4, false, false},     /* a length that is not minimal */
	        {"\x0a\x01\x05", 3, false, false},         /* another type */
	        {"\x02\x01\x05\x05\x00", 5, false, false}, /* and something behind */
	};
	uint8_t room[ROOM];
	struct pck_ext e;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct wish w = {.tcb_instead = 16, .value = rows[i].bytes, .value_size = rows[i].size};

		assert_int_equal(parsed(&w, &e, room) == OK, rows[i].component);
		w.tcb_instead = PCESVN;
		assert_int_equal(parsed(&w, &e, room) == OK, rows[i].pcesvn);
	}
}

static void other_forms_are_refused(void **state)
{
	static const struct wish wrong[] = {
	        {.trailing = true},
	        {.trailing_member = true},
	        {.set = true},
	        {.instead = 1, .value = "\x04\x00", .value_size = 2},
	        {.instead = 4, .value = "\x04\x05\x01\x02\x03\x04\x05", .value_size = 7},
	        {.instead = 4, .value = "\x04\x07\x01\x02\x03\x04\x05\x06\x07", .value_size = 9},
	        {.instead = 4, .value = "\x24\x08\x04\x06\x01\x02\x03\x04\x05\x06", .value_size = 10},
	        {.instead = 5, .value = "\x02\x01\x01", .value_size = 3},
	        {.instead = 5, .value = "\x0a\x01\x80", .value_size = 3},
	        {.instead = 5, .value = "\x0a\x02\x00\x01", .value_size = 4},
	        {.instead = 2, .value = "\x05\x00", .value_size = 2},
	        {.instead = 7, .value = "\x05\x00", .value_size = 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
		refused(&wrong[i]);
}

static void no_beginning_is_one(void **state)
{
	uint8_t room[ROOM];
	struct slice whole = make(&(struct wish){0}, room);
	struct pck_ext e;

	(void)state;
	for (size_t n = 0; n < whole.size; n++)
		assert_int_not_equal(pck_ext_parse(slice_of(room, n), &e, NULL), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_field_is_found), cmocka_unit_test(each_field_is_needed_once),
	        cmocka_unit_test(numbers_are_strict),  cmocka_unit_test(other_forms_are_refused),
	        cmocka_unit_test(no_beginning_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
