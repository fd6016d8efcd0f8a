/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_TEST_KEEPS_CASES_H
#define BROCH_TEST_KEEPS_CASES_H

enum keep_case {
	CASE_NONE,
#define PASS(name)          CASE_##name,
#define FAULT(name, vector) CASE_##name,
#define OTHER(name)         CASE_##name,
#include "test/keeps/cases.def"
#undef PASS
#undef FAULT
#undef OTHER
	CASE_LIMIT
};

#endif
