/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, words and bytes of standard input: broch run build/examples/wordcount.wasm < FILE */
#include <stdbool.h>
#include <stdio.h>

static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int main(void)
{
	unsigned long long lines = 0, words = 0, bytes = 0;
	bool in_word = false;

	for (int c; (c = getchar()) != EOF; bytes++) {
		lines += c == '\n';
		words += !in_word && !is_space(c);
		in_word = !is_space(c);
	}
	if (ferror(stdin)) {
		perror("wordcount: standard input");
		return 1;
	}
	printf("%llu lines, %llu words, %llu bytes\n", lines, words, bytes);
	return 0;
}
