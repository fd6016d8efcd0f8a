/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hostile/variants.h"

#include "test/hostile/lies.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 10000 };

void variants_run(struct variants *v, int argc, char **argv, const char *(*run)(uint64_t number))
{
	const uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	*v = (struct variants){.count = argc > 1 ? strtoull(argv[1], NULL, 10) : COUNT};
	for (uint64_t i = first; i < first + v->count; i++) {
		const char *why = run(i);

		v->ends[fake_end()]++;
		v->lies += lies_told();
		v->calls += fake_calls();
		if (why == NULL)
			continue;
		v->failed++;
		printf("FAILED variant %llu: %s\n", (unsigned long long)i, why);
	}
}

int variants_result(const struct variants *v, const char *name)
{
	printf("%llu calls, %u lies; Keeps that ended: %u by themselves, %u at a broken answer, %u for want of memory\n",
	       (unsigned long long)v->calls, v->lies, v->ends[FAKE_EXITED], v->ends[FAKE_BROKEN], v->ends[FAKE_CHECK]);
	printf("%s: %llu passed, %u failed, 0 skipped\n", name, (unsigned long long)v->count - v->failed, v->failed);
	return v->failed == 0 ? 0 : 1;
}
