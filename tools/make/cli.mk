# SPDX-License-Identifier: Apache-2.0
# The command line: its tests, manual pages and completions.

## man          rewrites doc/man/broch*.1 from the table of verbs
.PHONY: man check-cli
man: $(B)/bin/broch
	@tools/make-man.sh $(B)/bin/broch doc/man

## check-cli    the command line from outside: right and wrong input to every verb, hosts that lie
check-cli: programs examples $(GUESTS)
	@B=$(abspath $(B)) test/cli/run.sh
CHECKS += check-cli
FUZZ_USES_http := client
