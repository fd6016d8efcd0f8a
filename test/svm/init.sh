#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The only process of the test machine: loads KVM, runs the Keep tests, says how they ended, switches off.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in irqbypass kvm ccp kvm-amd kvm-intel; do
	[ -f "/modules/$module.ko" ] && insmod "/modules/$module.ko" 2>/dev/null
done
echo "keep-tests: cpu $(grep -m 1 flags /proc/cpuinfo | grep -o -w -E 'svm|npt|vmx|ept|xsave|avx|aes|fsgsbase|smep|rdrand|rdseed' | sort -u | tr '\n' ' ')"
dmesg | grep -E 'x86/fpu|XSAVE'
grep -q -w vmx /proc/cpuinfo && export KEEPS_NO_TIMER=1 # Bochs
/kvm_test /keeps 2>&1
echo "keep-tests: status $?"
sleep 2 # the serial line is slow, and what it has not sent is lost
poweroff -f
