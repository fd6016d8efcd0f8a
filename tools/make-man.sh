#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-man.sh BROCH DIR: writes one manual page a verb, and broch.1, into DIR.
set -eu
broch=$1 dir=$2
mkdir -p "$dir"
"$broch" help --man >"$dir/broch.1"
for verb in $("$broch" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	"$broch" help --man "$verb" >"$dir/broch-$verb.1"
done
