/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a tag for each argument. The key is in another module (vault.c), where this program cannot reach it. */
#include <stdint.h>
#include <stdio.h>

#define FROM_VAULT(name) __attribute__((import_module("vault"), import_name(name)))

FROM_VAULT("begin") void vault_begin(void);
FROM_VAULT("add") void vault_add(unsigned byte);
FROM_VAULT("tag") uint64_t vault_tag(void);

static uint64_t tag_of(const char *text)
{
	vault_begin();
	for (; *text != 0; text++)
		vault_add((unsigned char)*text);
	return vault_tag();
}

int main(int argc, char **argv)
{
	FILE *key = fopen("/run/secrets/key", "rb");

	puts(key == NULL ? "the key: out of reach" : "the key: open to everybody");
	for (int i = 1; i < argc; i++)
		printf("%016llx  %s\n", (unsigned long long)tag_of(argv[i]), argv[i]);
	return key == NULL ? 0 : 1;
}
