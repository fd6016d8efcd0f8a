#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh [build|test|vmx]...: installs the Debian 12 packages that are missing; says what it would do without root.
# build: what `make` and `make demo` need. test: what `make check` needs on top,
# vmx: what `make check-vmx` does. Nothing else touches the system.
set -eu

build="gcc make pkg-config libc6-dev libssl-dev libcurl4-openssl-dev libevent-dev libjansson-dev libsqlite3-dev
libseccomp-dev libcap-ng-dev libbearssl-dev clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32"
test="libcmocka-dev libclang-rt-19-dev clang-14 clang-tidy-14 cppcheck wabt valgrind libzydis-dev qemu-system-x86
busybox-static cpio shellcheck mandoc dpkg-dev curl openssl gnutls-bin nodejs npm python3 python3-cryptography
rustc libstd-rust-dev-wasm32"
vmx="bochs bochs-term bochsbios vgabios xorriso isolinux syslinux-common"

[ $# -gt 0 ] || set -- build
want=
for set in "$@"; do
	case $set in
	build) want="$want $build" ;;
	test) want="$want $test" ;;
	vmx) want="$want $vmx" ;;
	*) echo "usage: $0 [build|test|vmx]..." >&2; exit 2 ;;
	esac
done

# A program that is already there by another way (a newer node, a rustup toolchain) is as good as its package.
have() {
	case $1 in
	nodejs) command -v node >/dev/null && return 0 ;;
	npm) command -v npm >/dev/null && return 0 ;;
	python3-cryptography) python3 -c 'import cryptography' 2>/dev/null && return 0 ;;
	esac
	dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed'
}

missing=
for p in $want; do
	have "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "install-deps: not a Debian system; please install what these packages hold:$missing" >&2
	exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	echo "install-deps: run as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "install-deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # word lists
{
	$sudo apt-get -q update || echo "install-deps: package lists could not be refreshed; trying with the old ones"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
} >&2
