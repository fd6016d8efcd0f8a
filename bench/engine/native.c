/* SPDX-License-Identifier: Apache-2.0 */
/* native N: runs the linked kernel; prints its checksum and the microseconds it took. */
#include "bench/engine/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec t0, t1;
	uint32_t sum;

	if (argc != 2)
		return 2;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	sum = kernel((uint32_t)strtoul(argv[1], NULL, 10));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	printf("%u %lld\n", sum, (long long)(t1.tv_sec - t0.tv_sec) * 1000000 + (t1.tv_nsec - t0.tv_nsec) / 1000);
	return 0;
}
