#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: an HTTPS server (examples/https.c) in a VM Keep beside the same source natively with OpenSSL (native.c), TLS 1.2,
# ECDHE-ECDSA-AES128-GCM-SHA256 or AES256, P-256, no resumption, one client process on the same machine, by turns, median of three
# and of the ratios of neighbours. CPU: what the server's process took (the Keep's: keeper and virtual CPU, with the kernel's part).
# node:wasi is not beside them: its programs cannot have sockets.
set -eu
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then echo "services bench: /dev/kvm is missing or not permitted" >&2; exit 1; fi
python3 bench/services/services.py "$1"
echo "goals: handshake <= 3 ms of CPU, bulk TLS >= 500 MB/s per core"
