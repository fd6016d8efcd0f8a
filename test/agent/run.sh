#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1090,SC1091,SC2034
# The host agent against a fake keeper: it needs neither KVM nor a network. Each part is a file beside this one.
set -u
suite=agent
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
for part in ${PARTS:-options api auth session death quota restart scale}; do
	begin_part "$part"
	. "$here/$part.sh"
	end_part
done
result
