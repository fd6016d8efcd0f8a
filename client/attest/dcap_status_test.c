/* SPDX-License-Identifier: Apache-2.0 */
/* Levels, merging and relaunching, by rows: Intel's order is what the rows say. */
#include "client/attest/dcap_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define UP         TCB_UP_TO_DATE
#define SW         TCB_SW_HARDENING
#define CONF       TCB_CONFIGURATION
#define BOTH       TCB_CONFIGURATION_AND_SW_HARDENING
#define OLD        TCB_OUT_OF_DATE
#define OLD_CONF   TCB_OUT_OF_DATE_CONFIGURATION
#define GONE       TCB_REVOKED
#define AGAIN      TCB_RELAUNCH
#define AGAIN_CONF TCB_RELAUNCH_CONFIGURATION

/* ---- levels ---- */

static struct tcb_info t;

static void level(uint8_t first, uint8_t last, uint32_t pcesvn, uint8_t tdx0, uint8_t tdx2, enum tcb_status status)
{
	struct tcb_level *l = &t.level[t.level_count++];

	*l = (struct tcb_level){.pcesvn = pcesvn, .status = status};
	l->sgx[0] = first;
	l->sgx[PCK_COMPONENTS - 1] = last;
	l->tdx[0] = tdx0;
	l->tdx[2] = tdx2;
}

static void module(uint8_t id, uint32_t newest)
{
	struct tdx_module *m = &t.modules[t.module_count++];

	*m = (struct tdx_module){.id = id, .levels = {.count = 3}};
	m->levels.level[0] = (struct isv_level){.svn = 1, .status = TCB_REVOKED};
	m->levels.level[1] = (struct isv_level){.svn = newest, .status = TCB_UP_TO_DATE};
	m->levels.level[2] = (struct isv_level){.svn = 3, .status = TCB_OUT_OF_DATE};
}

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	return 0;
}

static const struct tcb_level *reached(uint8_t first, uint8_t last, uint32_t pcesvn, const uint8_t *tdx)
{
	struct pck_ext e = {.pcesvn = pcesvn};

	e.components[0] = first;
	e.components[PCK_COMPONENTS - 1] = last;
	return tcb_level_of(&t, &e, tdx);
}

static void the_highest_level_reached_counts(void **state)
{
	static const uint8_t one[16] = {4, 0, 2}, two[16] = {0, 1, 2}, low[16] = {0, 1, 1};

	(void)state;
	level(5, 0, 10, 0, 0, OLD); /* listed oldest first */
	level(5, 1, 10, 0, 0, SW);
	level(5, 1, 11, 0, 2, CONF);
	level(6, 0, 9, 4, 2, UP);
	assert_null(reached(4, 9, 99, NULL));
	assert_null(reached(9, 9, 8, NULL));
	assert_int_equal(reached(5, 0, 10, NULL)->status, OLD);
	assert_int_equal(reached(5, 1, 10, NULL)->status, SW);
	assert_int_equal(reached(5, 1, 11, NULL)->status, CONF);
	assert_int_equal(reached(6, 0, 10, NULL)->status, UP);
	/* A TD's own components; the first two are the module's when there is a major version. */
	assert_int_equal(reached(6, 1, 11, one)->status, UP);
	assert_int_equal(reached(6, 1, 11, two)->status, UP);
	assert_int_equal(reached(6, 1, 11, low)->status, SW);
}

static void modules_are_found_by_their_major_version(void **state)
{
	(void)state;
	module(1, 7);
	module(3, 4);
	assert_null(tdx_module_of(&t, 0));
	assert_null(tdx_module_of(&t, 2));
	assert_int_equal(tdx_module_of(&t, 3)->id, 3);
	t.has_module = true;
	assert_ptr_equal(tdx_module_of(&t, 0), &t.module);
	assert_null(isv_level_of(&t.modules[0].levels, 0));
	assert_int_equal(isv_level_of(&t.modules[0].levels, 2)->svn, 1);
	assert_int_equal(isv_level_of(&t.modules[0].levels, 6)->svn, 3);
	assert_int_equal(isv_level_of(&t.modules[0].levels, 8)->svn, 7);
}

/* ---- statuses ---- */

static void the_worse_status_is_folded_in(void **state)
{
	/* What the platform's becomes beside an enclave or module that is out of date; beside others it stays. */
	static const enum tcb_status beside_old[TCB_STATUS_COUNT] = {
	        [UP] = OLD,   [SW] = OLD,           [CONF] = OLD_CONF, [BOTH] = OLD_CONF,      [OLD] = OLD,
	        [OLD_CONF] = OLD_CONF, [GONE] = GONE, [AGAIN] = OLD,     [AGAIN_CONF] = OLD_CONF,
	};

	(void)state;
	for (unsigned i = 0; i < TCB_STATUS_COUNT; i++) {
		const enum tcb_status platform = (enum tcb_status)i;

		assert_int_equal(tcb_merge(platform, TCB_UP_TO_DATE), platform);
		assert_int_equal(tcb_merge(platform, TCB_SW_HARDENING), platform);
		assert_int_equal(tcb_merge(platform, TCB_OUT_OF_DATE), beside_old[i]);
		assert_int_equal(tcb_merge(platform, TCB_REVOKED), TCB_REVOKED);
	}
}

static void only_an_old_module_is_launched_again(void **state)
{
	static const struct {
		enum tcb_status merged, sgx, module, qe;
		uint8_t svn2[3];
		enum tcb_status want;
	} rows[] = {
	        {OLD, UP, OLD, UP, {7, 1, 2}, AGAIN},
	        {OLD, SW, OLD, UP, {7, 1, 2}, AGAIN},
	        {OLD, SW, OLD, UP, {9, 1, 3}, AGAIN},
	        {OLD_CONF, CONF, OLD, UP, {7, 1, 2}, AGAIN_CONF},
	        {OLD, BOTH, OLD, UP, {7, 1, 2}, AGAIN_CONF},
	        {OLD_CONF, UP, OLD, UP, {7, 1, 2}, AGAIN_CONF},
	        {OLD, UP, OLD, UP, {5, 0, 2}, AGAIN},     /* no major version: the platform's first component */
	        {OLD, UP, OLD, UP, {4, 0, 2}, OLD},
	        {OLD, UP, OLD, UP, {6, 1, 2}, OLD},       /* the module loaded now is not the newest */
	        {OLD, UP, OLD, UP, {7, 1, 1}, OLD},       /* another component of the platform is old */
	        {OLD, UP, OLD, UP, {7, 2, 2}, OLD},       /* a module that is not known */
	        {OLD, UP, OLD, SW, {7, 1, 2}, OLD},
	        {OLD, UP, OLD, OLD, {7, 1, 2}, OLD},
	        {OLD, UP, UP, UP, {7, 1, 2}, OLD},        /* not the module's fault */
	        {OLD, OLD, OLD, UP, {7, 1, 2}, OLD},
	        {OLD, OLD_CONF, OLD, UP, {7, 1, 2}, OLD},
	        {UP, UP, OLD, UP, {7, 1, 2}, UP},
	        {GONE, UP, OLD, UP, {7, 1, 2}, GONE},
	        {GONE, GONE, OLD, UP, {7, 1, 2}, GONE},
	};

	(void)state;
	level(5, 0, 10, 3, 1, OLD); /* the newest is not the first */
	level(6, 0, 10, 5, 2, UP);
	module(1, 7);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct relaunch r = {rows[i].merged, rows[i].sgx, rows[i].module, rows[i].qe, rows[i].svn2};

		if (tcb_relaunch(&t, &r) != rows[i].want)
			fail_msg("row %zu is %s", i, tcb_status_names[tcb_relaunch(&t, &r)]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(the_highest_level_reached_counts, set_up),
	        cmocka_unit_test_setup(modules_are_found_by_their_major_version, set_up),
	        cmocka_unit_test(the_worse_status_is_folded_in),
	        cmocka_unit_test_setup(only_an_old_module_is_launched_again, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
