/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for end of file on its standard input, which a detached workload never sees: an idle Keep. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	puts("waiting");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (;;)
		sleep(3600);
}
