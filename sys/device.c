/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/device.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { GROUP_READS_AND_WRITES = S_IRGRP | S_IWGRP };

void device_permission_cure(const char *path, char *out, size_t size)
{
	const char *file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	struct stat st;
	struct group *g;

	if (stat(path, &st) != 0) {
		snprintf(out, size, "ask the administrator for access to %s", path);
		return;
	}
	g = getgrgid(st.st_gid);
	if ((st.st_mode & GROUP_READS_AND_WRITES) == GROUP_READS_AND_WRITES && st.st_gid != 0 && g != NULL)
		snprintf(out, size,
		         "add the user to the group that may use it (usermod -aG %s USER), then log in again",
		         g->gr_name);
	else
		snprintf(out, size,
		         "as root: groupadd -f %s; chgrp %s %s; chmod 660 %s; usermod -aG %s USER; log in anew", file,
		         file, path, path, file);
}
