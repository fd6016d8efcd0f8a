/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest workload: broch run build/examples/hello.wasm [name] */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("Hello, %s, from inside a Keep!\n", argc > 1 ? argv[1] : "world");
	return 0;
}
