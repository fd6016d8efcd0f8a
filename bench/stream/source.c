/* SPDX-License-Identifier: Apache-2.0 */
/* source N: writes N MiB of zeros to standard output. */
#include <stdlib.h>
#include <unistd.h>

static int write_all(const unsigned char *p, size_t size)
{
	while (size > 0) {
		ssize_t put = write(1, p, size);

		if (put <= 0)
			return 1;
		p += put;
		size -= (size_t)put;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned char buffer[1 << 16];

	for (long i = argc > 1 ? atol(argv[1]) * 16 : 0; i > 0; i--)
		if (write_all(buffer, sizeof buffer))
			return 1;
	return 0;
}
