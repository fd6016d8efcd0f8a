/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_steady_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void clock_text(int64_t wall_ms, char out[static CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char day[24];

	if (wall_ms < 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		snprintf(out, CLOCK_TEXT_MAX, "1970-01-01T00:00:00.000Z");
		return;
	}
	snprintf(out, CLOCK_TEXT_MAX, "%s.%03uZ", day, (unsigned)(wall_ms % 1000));
}
