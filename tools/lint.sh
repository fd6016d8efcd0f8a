#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Static analysis over everything we wrote. cppcheck knows the flags; clang-tidy's checks are in .clang-tidy.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
sources=$(git ls-files -c 'lib/*.c' 'keep/*.c' 'sys/*.c' 'host/*.c' 'client/*.c' | grep -v '_test\.c$')

echo "cppcheck"
# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --language=c --enable=warning,portability,performance --inline-suppr --error-exitcode=1 -j 2 \
	--suppressions-list=tools/cppcheck.txt -I . $sources || bad=1

echo "clang-tidy"
# shellcheck disable=SC2086
printf '%s\n' $sources | xargs -n 8 -P 2 clang-tidy-14 --quiet --warnings-as-errors='*' 2>/dev/null || bad=1

echo "shellcheck"
# shellcheck disable=SC2046
shellcheck -s sh -e SC2119,SC2120 $(git ls-files -c '*.sh') || bad=1

echo "manual pages"
# shellcheck disable=SC2046
for page in $(git ls-files -c 'doc/man/*'); do
	mandoc -T lint -W warning "$page" || bad=1
done

if [ "$bad" -eq 0 ]; then
	echo "lint: 4 passed, 0 failed"
else
	echo "lint: failed"
	exit 1
fi
