# SPDX-License-Identifier: Apache-2.0
# The command line: its tests, manual pages and completions.

## man              rewrites doc/man/broch*.1 from the table of verbs
.PHONY: man check-cli
man: $(B)/bin/broch
	@tools/make-man.sh $(B)/bin/broch doc/man

## check-cli        tests of the command line (plain sh); ends with: N passed, N failed, N skipped
check-cli: programs
	@test/cli/run.sh $(B)/bin
