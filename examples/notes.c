/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in the Keep: keeps notes in a directory of the in-memory tree, replaces one safely (write beside, rename over),
 * lists and prints them. The tree is encrypted memory of the Keep; it ends with it.
 *   broch run build/examples/notes.wasm "first note" "second note"
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "notes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void save(const char *name, const char *text)
{
	char path[64], beside[72];
	FILE *f;

	snprintf(path, sizeof path, "/notes/%s", name);
	snprintf(beside, sizeof beside, "%s.new", path);
	f = fopen(beside, "w");
	if (f == NULL || fprintf(f, "%s\n", text) < 0 || fclose(f) != 0)
		die(beside);
	if (rename(beside, path) != 0)
		die(path);
}

static void print_note(const char *name)
{
	char path[320], line[256];
	FILE *f;

	snprintf(path, sizeof path, "/notes/%s", name);
	if ((f = fopen(path, "r")) == NULL)
		die(path);
	while (fgets(line, sizeof line, f) != NULL)
		printf("%s: %s", name, line);
	fclose(f);
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void print_all(void)
{
	struct dirent **names;
	int count = scandir("/notes", &names, not_hidden, alphasort);

	if (count < 0)
		die("/notes");
	for (int i = 0; i < count; i++) {
		print_note(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	struct stat st;
	char name[16];

	if (mkdir("/notes", 0700) != 0 && errno != EEXIST)
		die("/notes");
	save("1", "a draft, to be replaced");
	for (int i = 1; i < argc; i++) {
		snprintf(name, sizeof name, "%d", i);
		save(name, argv[i]);
	}
	print_all();
	if (stat("/notes/1", &st) != 0 || unlink("/notes/1") != 0)
		die("/notes/1");
	printf("note 1 had %lld bytes and is gone\n", (long long)st.st_size);
	return stat("/notes/1", &st) == 0;
}
