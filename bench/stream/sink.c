/* SPDX-License-Identifier: Apache-2.0 */
/* Reads standard input to its end; prints how many bytes came and the sum of one byte in each 4096. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	static unsigned char buffer[1 << 16];
	unsigned long long size = 0, sum = 0;
	ssize_t got;

	while ((got = read(0, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < got; i += 4096)
			sum += buffer[i];
		size += (unsigned long long)got;
	}
	printf("%llu %llu\n", size, sum);
	return got < 0;
}
