#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: TLS 1.2 at both ends, lib/tls and OpenSSL, three times; see tls.c.
set -eu
for i in 1 2 3; do
	echo "run $i"
	"$1/bench/tls-run"
done
echo "goals: handshake <= 3 ms of CPU, bulk >= 500 MB/s"
