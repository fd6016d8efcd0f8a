/* SPDX-License-Identifier: Apache-2.0 */
/* Says that it started, then computes for ever: to be killed, stopped and limited. */
#include <stdio.h>

int main(void)
{
	puts("started");
	fflush(stdout);
	for (volatile unsigned n = 0;; n++)
		;
}
