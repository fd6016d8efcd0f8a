/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/device.h"

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void the_cure_names_the_group_that_there_is(void **state)
{
	char path[] = "/tmp/broch-device-XXXXXX", cure[400], want[200];
	int fd = mkstemp(path);
	struct stat st;
	struct group *g;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0); /* as a /dev/kvm that nobody set up */
	device_permission_cure(path, cure, sizeof cure);
	assert_non_null(strstr(cure, "as root: groupadd -f "));
	assert_non_null(strstr(cure, "chmod 660 /tmp/broch-device-"));
	assert_int_equal(fchmod(fd, 0660), 0);
	assert_int_equal(fstat(fd, &st), 0);
	device_permission_cure(path, cure, sizeof cure);
	g = getgrgid(st.st_gid);
	if (st.st_gid == 0 || g == NULL) {
		assert_non_null(strstr(cure, "as root: groupadd -f "));
	} else {
		snprintf(want, sizeof want, "usermod -aG %s USER", g->gr_name);
		assert_non_null(strstr(cure, want));
	}
	close(fd);
	unlink(path);
	device_permission_cure(path, cure, sizeof cure);
	assert_non_null(strstr(cure, "ask the administrator"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_cure_names_the_group_that_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
