#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch-debian.sh DIR PACKAGE: Debian's source of PACKAGE, verified by apt and unpacked as DIR/PACKAGE. Uses its own list of
# sources, so that the machine's is left alone.
set -eu
mkdir -p "$1"
cd "$1"
[ ! -d "$2" ] || exit 0
apt=$PWD/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
# shellcheck disable=SC1091 # the machine's own
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $release main" >"$apt/sources.list"
get() {
	apt-get -qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User= "$@"
}
get update
get source --download-only "$2"
rm -rf "$2.part"
dpkg-source -x "$(ls "$2"_*.dsc)" "$2.part" >/dev/null
mv "$2.part" "$2"
