/* SPDX-License-Identifier: Apache-2.0 */
/* Copies its input to its output; with an argument, writes that many MiB instead. */
#include <stdlib.h>
#include <unistd.h>

static char buffer[65536];

static int put(const char *at, size_t size)
{
	while (size > 0) {
		ssize_t done = write(1, at, size);

		if (done <= 0)
			return 1;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? atol(argv[1]) * 16 : 0;
	ssize_t got;

	for (; left > 0; left--)
		if (put(buffer, sizeof buffer) != 0)
			return 1;
	if (argc > 1)
		return 0;
	while ((got = read(0, buffer, sizeof buffer)) > 0)
		if (put(buffer, (size_t)got) != 0)
			return 1;
	return got < 0;
}
