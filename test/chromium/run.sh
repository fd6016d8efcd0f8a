#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Headless Chromium and the HTTPS server of examples/ in a Keep. Installs Debian's package when it may.
suite=chromium
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

if ! command -v chromium >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium >"$tmp/apt.log" 2>&1
fi
if ! command -v chromium >/dev/null; then
	skipped "no chromium, and it cannot be installed: apt-get install chromium"
	result
	exit
fi
kind=kvm
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then kind=process && skipped "KVM Keeps: /dev/kvm is missing or not permitted; a process Keep instead"; fi
port=$(python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/8443/$port/" "$root/examples/https.toml" >"$tmp/https.toml"
: >"$tmp/service"
"$broch" run -q --backend "$kind" --config "$tmp/https.toml" "$B/examples/https.wasm" >"$tmp/service" 2>&1 </dev/null &
keep=$!
until_true 30 grep -q ready "$tmp/service" || bad "the server does not start: $(cat "$tmp/service")"
pin=$(openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER |
	openssl dgst -sha256 -binary | base64)

# --no-sandbox: it does not run as root without
browse() { # PROFILE OPTION... URL
	profile=$tmp/$1
	shift
	LIMIT=120 try env HOME="$tmp" chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$profile" --dump-dom "$@"
}
browse pinned --ignore-certificate-errors-spki-list="$pin" "https://localhost:$port/"
grep -q "hello from a Keep" "$tmp/out" && good || bad "chromium with the Keep's key pinned"
browse pinned --ignore-certificate-errors-spki-list="$(printf %043d 0)=" "https://localhost:$port/"
! grep -q "hello from a Keep" "$tmp/out" && good || bad "chromium believes another key"
browse fresh "https://localhost:$port/"
! grep -q "hello from a Keep" "$tmp/out" && good || bad "chromium believes a certificate that nobody vouches for"
kill -KILL $keep
wait $keep 2>/dev/null
until_true 20 none_left && good || bad "a Keep is left"
result
