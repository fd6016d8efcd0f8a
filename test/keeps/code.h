/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_TEST_KEEPS_CODE_H
#define BROCH_TEST_KEEPS_CODE_H

enum code_case {
	CODE_NONE,
#define PASS(name)          CODE_##name,
#define FAULT(name, vector) CODE_##name,
#define FATAL(name)         CODE_##name,
#include "test/keeps/code.def"
#undef PASS
#undef FAULT
#undef FATAL
	CODE_LIMIT
};

#endif
