/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For one fuzz target alone: signatures are let pass, so that what stands behind them is reached with any bytes. A
 * build that is no fuzz build stops here, and what is built leaves a mark that test/attest/products.sh looks for.
 */
#ifndef BROCH_CLIENT_LET_PASS_H
#define BROCH_CLIENT_LET_PASS_H

#include <stdbool.h>

#ifdef BROCH_FUZZ_ANY_SIGNATURE
#ifdef __has_feature
#if __has_feature(coverage_sanitizer) && __has_feature(address_sanitizer)
#define LET_PASS_IN_A_FUZZER
#endif
#endif
#ifndef LET_PASS_IN_A_FUZZER
#error "BROCH_FUZZ_ANY_SIGNATURE is for fuzz targets only: every signature would be good"
#endif
extern const char let_pass_mark[]; /* in ecdsa.c */
#endif

static inline bool let_pass(void)
{
#ifdef BROCH_FUZZ_ANY_SIGNATURE
	return let_pass_mark[0] != 0;
#else
	return false;
#endif
}

#endif
