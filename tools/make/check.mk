# SPDX-License-Identifier: Apache-2.0
## check        everything CI runs: all tests that need neither a network nor special hardware
## check-san    the hosted parts under ASan + UBSan
## lint         include rules, cppcheck, clang-tidy, shellcheck, manual pages

# Suites are added by the fragments of their areas: CHECKS += check-something (each prints `N passed, N failed`).
.PHONY: check check-san lint deps check-includes
CHECKS_FIRST := programs check-includes check-unit
CHECKS += check-san
check: deps
	@tools/check.sh "$(MAKE) -j$(shell nproc)" $(CHECKS_FIRST) $(CHECKS)
deps:
	@tools/install-deps.sh build test
check-includes:
	@tools/check-includes.sh
check-san: check-unit-san
lint: check-includes
	@tools/lint.sh
