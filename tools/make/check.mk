# SPDX-License-Identifier: Apache-2.0
## check        everything CI runs: all tests that need neither a network nor special hardware
## check-san    the hosted parts under ASan + UBSan
## lint         include rules, cppcheck, clang-tidy, shellcheck, manual pages

# Suites are added by the fragments of their areas: CHECKS += check-something (each prints `N passed, N failed`).
.PHONY: check check-san lint deps check-includes check-clang
CHECKS_FIRST := programs check-includes check-unit
CHECKS += check-san
check: deps
	@tools/check.sh "$(MAKE) -j$(shell nproc)" $(CHECKS_FIRST) $(CHECKS)
deps:
	@tools/install-deps.sh build test
check-includes:
	@tools/check-includes.sh
# clang 14 warns of other things than gcc 12 does, and nobody else compiles the benches in a check. Guests are compiled by clang
# anyhow.
check-clang:
	@find lib sys keep host client fuzz test bench -name '*.c' -not -path 'test/guests/*' -not -path 'test/programs/*' \
		-not -path 'bench/*/kernels/*' -not -path 'bench/stream/*' -not -name guest.c | \
		xargs -n 16 -P $(shell nproc) clang-14 -std=c17 -O2 -fsyntax-only $(WARN) -I. -Iinclude -D_GNU_SOURCE -DBROCH_VERSION='"$(VERSION)"' \
		&& echo "clang: 1 passed, 0 failed" || { echo "clang: 0 passed, 1 failed"; exit 1; }
CHECKS += check-clang
check-san: check-unit-san
lint: check-includes
	@tools/lint.sh
