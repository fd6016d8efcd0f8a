/* SPDX-License-Identifier: Apache-2.0 */
/* status N: exits with N; status trap: aborts; status sum: adds up what comes on standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	unsigned long sum = 0, n = 0;
	int c;

	if (argc > 1 && strcmp(argv[1], "trap") == 0)
		abort();
	if (argc > 1 && strcmp(argv[1], "sum") != 0)
		return atoi(argv[1]);
	while ((c = getchar()) != EOF) {
		sum += (unsigned char)c;
		n++;
	}
	printf("%lu bytes, sum %lu\n", n, sum);
	fprintf(stderr, "done\n");
	return 0;
}
