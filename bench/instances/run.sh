#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [COUNT]: fresh instances of a compiled module of 16 pages, one after the other.
set -eu
exec "$1/bench/instances-run" "$1/bench/instances/guest.wasm" "${2:-10000}"
