#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh PURPOSE...: install the Debian packages that are missing for it.
# One line says what is installed; nothing is said when nothing is missing.
#
#   fetch   unpacking kernel packages into the cache
#   build   the module, the tools and the test programs
#   check   the style gates, what the tests run in the guest, coverage
#   vm      starting QEMU, and what the guest borrows from the host's root

set -u

# shellcheck source=selftests/packages.sh
. "$(dirname "$0")/../packages.sh"

list()
{
	case $1 in
	fetch) echo apt dpkg kmod xz-utils ca-certificates ;;
	build) echo make gcc gcc-12 libc6-dev libelf1 libmnl-dev kmod bc ;;
	check) echo rsync perl sparse shellcheck netcat-openbsd iperf3 gcovr \
		patch ;;
	vm) echo qemu-system-x86 busybox-static zstd kmod iproute2 \
		python3 util-linux libc-bin procps ethtool socat strace tcpdump ;;
	*) tether_die "no purpose named $1" ;;
	esac
}

names=
for purpose in "$@"; do
	names="$names $(list "$purpose")" || exit 1
done
# The names are separate words on purpose.
# shellcheck disable=SC2086
tether_need $names
