/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What WASI needs from below. In the Keep, keep/run implements it on the session and the CPU; hosted tests implement it
 * on POSIX (test/wasi). The linker chooses.
 */
#ifndef BROCH_KEEP_WASI_PORT_H
#define BROCH_KEEP_WASI_PORT_H

#include "lib/base/err.h"

enum port_stream { PORT_STDIN = 0, PORT_STDOUT = 1, PORT_STDERR = 2 };

/* Blocks until all is on its way (or kept in the ring of a detached workload). ERR_STOPPED and limits unwind the program. */
MUST_USE enum err port_write(enum port_stream s, const void *data, size_t size);
/* Blocks until at least one byte or end of file (*got == 0). */
MUST_USE enum err port_read(void *buffer, size_t capacity, size_t *got);
/* Is a port_read sure not to block? */
bool port_readable(void);
/* Blocks until port_readable() (if want_stdin) or until the monotonic time is reached. UINT64_MAX: no time limit. */
MUST_USE enum err port_wait(bool want_stdin, uint64_t until_monotonic_ns);
/* Never moves back. From the CPU, not from the host. */
uint64_t port_monotonic_ns(void);
/* The tenant's clock plus monotonic time since. */
uint64_t port_wall_ns(void);
uint64_t port_cpu_ns(void);
MUST_USE enum err port_random(void *out, size_t size);

#endif
