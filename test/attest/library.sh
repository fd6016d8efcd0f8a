#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2015,SC2013 # good and bad do not fail; names have no blanks
# library.sh MAKE B: the verifier as a library, installed into an empty folder and found there by pkg-config.
set -u
make=$1 B=$2 CC=${CC:-gcc}
cd "$(dirname "$0")/../.." || exit 2
pass=0 fail=0
t=$(mktemp -d) || exit 2
trap 'rm -rf "$t"' EXIT
good() { pass=$((pass + 1)); }
bad() {
	fail=$((fail + 1))
	echo "FAILED: $*"
	[ ! -s "$t/err" ] || sed 's/^/    /' "$t/err"
}
# try WHAT COMMAND...
try() {
	what=$1
	shift
	if "$@" >"$t/out" 2>"$t/err"; then good; else bad "$what"; fi
}

try "make install-library" "$make" -s B="$B" install-library DESTDIR="$t/root" PREFIX=/usr
usr=$t/root/usr
export PKG_CONFIG_PATH="$usr/lib/pkgconfig" LC_ALL=C
warn="-std=c17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"

# No name of ours but those of the header, in both; and nothing to link but the two libraries behind it.
for lib in "$usr/lib/libbroch-attest.so" "$usr/lib/libbroch-attest.a"; do
	case $lib in *.so) dynamic=-D ;; *) dynamic=-g ;; esac
	nm $dynamic --defined-only "$lib" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort >"$t/names"
	sed -n 's/.*[ *]\(broch_[a-z_]*\)(.*/\1/p' include/broch/attest.h | grep -vx 'broch_attest' | sort -u >"$t/wanted"
	: >"$t/err"
	diff "$t/names" "$t/wanted" >"$t/err" && good || bad "$lib has other names than the header"
done
readelf -d "$usr/lib/libbroch-attest.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ' >"$t/needed"
[ "$(cat "$t/needed")" = "libc.so.6 libcrypto.so.3 libjansson.so.4 " ] && good || bad "the library needs $(cat "$t/needed")"
[ "$(readelf -d "$usr/lib/libbroch-attest.so" | grep -c 'SONAME.*libbroch-attest.so.0]')" = 1 ] && good || bad "no soname"

# The header alone, in C and in C++.
echo '#include <broch/attest.h>' >"$t/only.c"
# shellcheck disable=SC2046,SC2086 # words on purpose
try "the header in C" "$CC" $warn $(pkg-config --cflags broch-attest) -fsyntax-only "$t/only.c"
if command -v g++ >/dev/null; then
	cp "$t/only.c" "$t/only.cc"
	# shellcheck disable=SC2046
	try "the header in C++" g++ -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags broch-attest) -fsyntax-only "$t/only.cc"
fi

# Evidence that lies in the tree: the seeds of the verdict's fuzz target, whose first byte is not theirs.
mkdir "$t/collateral"
for f in report root issuer platform crl; do tail -c +2 "fuzz/corpus/verify/$f" >"$t/collateral/$f"; done
mv "$t/collateral/report" "$t/report"
root=$(openssl x509 -inform DER -in "$t/collateral/root" -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
cat >"$t/policy.toml" <<EOF
tee = ["snp"]
measurements = ["$(printf '4d%.0s' $(seq 48))"]
[snp]
products = ["Milan"]
smt = true
root_sha256 = "$root"
[snp.minimum_tcb]
boot_loader = 3
tee = 0
snp = 8
microcode = 115
EOF
user() { "$@" "$t/policy.toml" "$t/report" "$t/collateral" 1764547200; }
# shellcheck disable=SC2046,SC2086
try "linking the shared library" "$CC" $warn test/attest/library_user.c -o "$t/shared" -pthread $(pkg-config --cflags --libs broch-attest)
try "two threads, shared library" user env LD_LIBRARY_PATH="$usr/lib" "$t/shared"
rm "$usr"/lib/libbroch-attest.so*
# shellcheck disable=SC2046,SC2086
try "linking the static library" "$CC" $warn test/attest/library_user.c -o "$t/static" -pthread $(pkg-config --cflags --libs --static broch-attest)
try "two threads, static library" user "$t/static"
if command -v valgrind >/dev/null; then
	try "no leak, no stray read" user valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "$t/static"
fi
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning doc/man/broch_attest.3 2>/dev/null | grep -v 'referenced manual not found\|Xr' >"$t/err"
	[ ! -s "$t/err" ] && good || bad "mandoc does not like broch_attest.3"
fi
# The manual names every function.
for f in $(cat "$t/wanted"); do grep -q "$f" doc/man/broch_attest.3 && good || bad "broch_attest.3 does not know $f"; done

echo "library: $pass passed, $fail failed, 0 skipped"
[ "$fail" -eq 0 ]
