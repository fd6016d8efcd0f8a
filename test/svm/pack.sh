#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh DIR PROGRAM KEEPS: makes DIR/vmlinuz and DIR/initramfs.gz: Debian's cloud kernel with its KVM modules, busybox,
# and the Keep tests, which /init runs. Exit status 77 when a package cannot be had.
set -eu
dir=$1 program=$2 keeps=$3
here=$(dirname "$0")

skip() {
	echo "$1"
	exit 77
}

fetch_kernel() {
	[ -f "$dir/kernel/ready" ] && return
	command -v apt-get >/dev/null || skip "no apt-get to fetch a kernel with"
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	[ -n "$package" ] || skip "linux-image-cloud-amd64 is not in the package lists (apt-get update)"
	rm -rf "$dir/kernel"
	mkdir -p "$dir/kernel"
	(cd "$dir/kernel" && apt-get -q download "$package" >apt.log 2>&1) || skip "cannot download $package"
	dpkg-deb -x "$dir/kernel/$package"_*.deb "$dir/kernel" || skip "cannot unpack $package"
	rm -f "$dir/kernel/$package"_*.deb
	touch "$dir/kernel/ready"
}

busybox=$(command -v busybox) || skip "busybox-static is not installed"
command -v cpio >/dev/null || skip "cpio is not installed"
mkdir -p "$dir"
fetch_kernel
root=$dir/root
rm -rf "$root"
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/modules" "$root/keeps"
cp "$busybox" "$root/bin/busybox"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
find "$dir/kernel/lib/modules" \( -name irqbypass.ko -o -name kvm.ko -o -name kvm-amd.ko -o -name kvm-intel.ko -o -name ccp.ko \) \
	-exec cp {} "$root/modules/" \;
cp "$program" "$root/kvm_test"
cp "$keeps"/*.elf "$root/keeps/"
cp "$keeps/../bin/broch-keep-vm.elf" "$root/bin/"
# The libraries of the program, at their own places.
ldd "$program" | sed -n -E 's/.* (\/[^ ]+) \(0x.*/\1/p; s/^[[:space:]]*(\/[^ ]+) \(0x.*/\1/p' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$dir/initramfs.gz"
cp "$dir"/kernel/boot/vmlinuz-* "$dir/vmlinuz"
