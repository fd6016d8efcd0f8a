#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first folder level says who trusts whom. Refuses an #include that crosses a border which design does not allow,
# system headers where there is no system, and sources without a licence line.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0

complain() {
	echo "$1" >&2
	bad=1
}

allowed() { # folder of the includer, included path
	case $1:$2 in
	abi:abi/*) ;;
	lib:lib/* | lib:abi/*) ;;
	keep:keep/* | keep:lib/* | keep:abi/*) ;;
	sys:sys/* | sys:lib/* | sys:abi/*) ;;
	host:host/* | host:sys/* | host:lib/* | host:abi/*) ;;
	client:client/* | client:sys/* | client:lib/* | client:abi/* | client:include/*) ;;
	test:* | fuzz:* | bench:*) ;;
	*) return 1 ;;
	esac
}

free="stdint.h stddef.h stdbool.h stdarg.h string.h assert.h limits.h immintrin.h emmintrin.h cpuid.h x86intrin.h float.h stdalign.h bearssl.h"

for f in $(git ls-files -co --exclude-standard 'abi/*.[ch]' 'lib/*.[chS]' 'keep/*.[chS]' 'sys/*.[ch]' 'host/*.[ch]' \
	'client/*.[ch]' 'lib/*.def' 'keep/*.def'); do
	top=${f%%/*}
	case $f in *_test.c) top="test" ;; esac
	# shellcheck disable=SC2013 # no white space in include names
	for i in $(sed -n 's/^[[:space:]]*#[[:space:]]*include "\([^"]*\)".*/\1/p' "$f"); do
		allowed "$top" "$i" || complain "$f: must not include \"$i\""
	done
	case $top in
	abi | lib | keep)
		# shellcheck disable=SC2013
		for i in $(sed -n 's/^[[:space:]]*#[[:space:]]*include <\([^>]*\)>.*/\1/p' "$f"); do
			case " $free " in
			*" $i "*) ;;
			*) complain "$f: must not include <$i>: there is no system below it" ;;
			esac
		done
		;;
	esac
done

for f in $(git ls-files -co --exclude-standard '*.[chS]' '*.def' '*.sh' '*.mk' '*.ld' Makefile); do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$f: no SPDX line"
done

if [ "$bad" -eq 0 ]; then
	echo "includes: 1 passed, 0 failed"
else
	echo "includes: 0 passed, 1 failed"
	exit 1
fi
