/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/times.h"

#include <stddef.h>
#include <time.h>

bool time_of(const char *text, int64_t *at)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "@%s"};

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != 0)
			continue;
		*at = i == 2 ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm);
		return true;
	}
	return false;
}
