/* SPDX-License-Identifier: Apache-2.0 */
/* One life of a program that is restarted: takes a line of its input, and ends as that says, "trap" or an exit status. What
 * a former life left, in memory or in files, it must not find. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 32, ROUNDS = 20000000, MORE = 1 << 20 };

static int lived;

static int read_line(char *line)
{
	size_t n = 0;

	while (n < LINE - 1 && read(0, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = 0;
	return n > 0;
}

/* Long enough to be compiled. */
static unsigned work(void)
{
	volatile unsigned sum = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		sum += i;
	return sum;
}

int main(void)
{
	char line[LINE], *more = malloc(MORE); /* its memory grows */

	if (lived != 0 || access("/tmp/life", F_OK) == 0 || access("/life", F_OK) == 0) {
		puts("a former life is here");
		return 0;
	}
	lived = 1;
	if (more == NULL)
		return 7;
	memset(more, 1, MORE);
	if (open("/tmp/life", O_CREAT | O_WRONLY, 0600) < 0 || open("/life", O_CREAT | O_WRONLY, 0600) < 0)
		return 9;
	if (!read_line(line))
		return 8;
	printf("%s %u\n", line, work());
	fflush(stdout);
	if (strcmp(line, "trap") == 0)
		__builtin_trap();
	return atoi(line);
}
