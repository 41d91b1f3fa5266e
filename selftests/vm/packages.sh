#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh PURPOSE...: install the Debian packages that are missing for it.
# One line says what is installed; nothing is said when nothing is missing.
#
#   fetch   unpacking kernel packages into the cache
#   build   the module, the tools and the test programs
#   vm      starting QEMU, and what the guest borrows from the host's root
#   uml     building the User-Mode Linux kernel
#   style   the style gates
#   demo    what the demonstration runs in the guest

set -u

list()
{
	case $1 in
	fetch) echo apt dpkg kmod xz-utils ca-certificates ;;
	build) echo make gcc gcc-12 libc6-dev libelf1 kmod bc pkg-config ;;
	vm) echo qemu-system-x86 busybox-static kmod iproute2 python3 \
		util-linux libc-bin procps ethtool socat strace tcpdump \
		netcat-openbsd ;;
	uml) echo make gcc gcc-12 libc6-dev bc bison flex libelf-dev \
		libssl-dev kmod xz-utils python3 ;;
	style) echo perl sparse shellcheck python3 make gcc gcc-12 ;;
	demo) echo socat tcpdump iproute2 ;;
	*)
		echo "packages.sh: no purpose named $1" >&2
		return 1 ;;
	esac
}

# Run a command as root, or say which command root would have to run.
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		echo "packages.sh: not root and no sudo; as root run: $*" >&2
		return 1
	fi
}

wanted=
for purpose in "$@"; do
	names=$(list "$purpose") || exit 2
	wanted="$wanted $names"
done

missing=
for name in $wanted; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)
	case " $missing " in
	*" $name "*) continue ;;
	esac
	[ "$state" = installed ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing" >&2
apt="env DEBIAN_FRONTEND=noninteractive apt-get -q -y"
apt="$apt -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
# A machine that never ran "apt-get update" knows no package at all.
# shellcheck disable=SC2086
as_root $apt install --no-install-recommends $missing >"$log" 2>&1 ||
	{ as_root $apt update >"$log" 2>&1 &&
	  as_root $apt install --no-install-recommends $missing >>"$log" 2>&1; }
status=$?
if [ $status -ne 0 ]; then
	tail -n 5 "$log" >&2
	echo "packages.sh: could not install$missing; run" \
		"'apt-get update' as root and try again" >&2
	exit 1
fi
