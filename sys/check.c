/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *what, const char *file, unsigned line)
{
	fprintf(stderr, "broch: bug: %s does not hold (%s:%u)\n", what, file, line);
	abort();
}
