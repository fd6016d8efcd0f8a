#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh DIR PROGRAM KEEPS: the Keep tests on kvm_amd: QEMU emulates a CPU with SVM, no hardware is needed. Some seconds.
set -u
here=$(dirname "$0")
dir=$1

skipped() {
	echo "SKIPPED check-svm: $1"
	echo "svm: 0 passed, 0 failed, 1 skipped"
	exit 0
}

command -v qemu-system-x86_64 >/dev/null || skipped "qemu-system-x86 is not installed"
why=$("$here/pack.sh" "$@")
case $? in
0) ;;
77) skipped "$why" ;;
*) echo "$why"; echo "svm: 0 passed, 1 failed, 0 skipped"; exit 1 ;;
esac
timeout 300 qemu-system-x86_64 -machine q35 -cpu EPYC,+svm,+npt -accel tcg -m 768 -smp 1 -kernel "$dir/vmlinuz" \
	-initrd "$dir/initramfs.gz" -append "console=ttyS0 quiet mitigations=off" -nographic -no-reboot -nodefaults \
	-serial stdio >"$dir/serial.log" 2>&1 </dev/null
"$here/sum.sh" svm "$dir/serial.log"
