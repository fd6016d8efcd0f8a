/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness for TLS. With this file, BearSSL asks the CPU and no operating system. */
#ifndef BROCH_KEEP_ENTROPY_H
#define BROCH_KEEP_ENTROPY_H

#include "lib/tls/tls.h"

/* For the settings of one connection. ERR_NO_RANDOM: open none. */
MUST_USE enum err entropy_for_tls(uint8_t out[static TLS_ENTROPY_SIZE]);

#endif
