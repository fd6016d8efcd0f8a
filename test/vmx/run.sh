#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh DIR PROGRAM KEEPS: the Keep tests on kvm_intel: Bochs emulates a CPU with VMX and EPT. Some minutes.
set -u
here=$(dirname "$0")
dir=$1

skipped() {
	echo "SKIPPED check-vmx: $1"
	echo "vmx: 0 passed, 0 failed, 1 skipped"
	exit 0
}

command -v bochs >/dev/null || skipped "bochs is not installed"
command -v xorriso >/dev/null || skipped "xorriso is not installed"
[ -f /usr/lib/ISOLINUX/isolinux.bin ] || skipped "isolinux is not installed"
[ -f /usr/lib/syslinux/modules/bios/ldlinux.c32 ] || skipped "syslinux-common is not installed"
why=$("$here/../svm/pack.sh" "$@")
case $? in
0) ;;
77) skipped "$why" ;;
*) echo "$why"; echo "vmx: 0 passed, 1 failed, 0 skipped"; exit 1 ;;
esac
rm -rf "$dir/iso"
mkdir -p "$dir/iso"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$here/isolinux.cfg" "$dir/vmlinuz" \
	"$dir/initramfs.gz" "$dir/iso/"
xorriso -as mkisofs -quiet -o "$dir/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
	-boot-info-table "$dir/iso" >"$dir/xorriso.log" 2>&1 || { cat "$dir/xorriso.log"; exit 1; }
cp "$here/bochsrc" "$dir/bochsrc"
rm -f "$dir/bochs-serial.log"
# Debian's Bochs starts in its debugger: c goes on. It does not end when its machine is switched off.
cd "$dir" || exit 1
echo c >bochs.in
TERM=vt100 timeout -k 5 900 bochs -q -f bochsrc >bochs.out 2>&1 <bochs.in &
bochs=$!
while kill -0 "$bochs" 2>/dev/null && ! grep -q 'keep-tests: status' bochs-serial.log 2>/dev/null; do
	sleep 1
done
kill "$bochs" 2>/dev/null
wait "$bochs" 2>/dev/null
cd "$OLDPWD" || exit 1
"$here/../svm/sum.sh" vmx "$dir/bochs-serial.log"
