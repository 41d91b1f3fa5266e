#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# leftovers.sh before|after: what a run has left in a guest, for init.sh.
#
# "before" prints how many network namespaces there are. "after", with that
# number, ends all programs, deletes all devices and namespaces, and prints, in
# the words that gate.sh looks for, what is still held then, and what memory
# nothing points to. A device that is held the kernel itself complains of.

set -u

NAMESPACES=/sys/kernel/slab/net_namespace
LEAKS=/sys/kernel/debug/kmemleak
# Sockets of TCP's that have lost their program may keep a namespace so long.
PATIENCE=150

# The kernel may put off the end of one namespace to that of the next, and takes
# its time for both.
count_namespaces()
{
	ip netns add leftovers && ip netns delete leftovers
	sleep 1
	echo 1 >$NAMESPACES/shrink
	cat $NAMESPACES/objects
}

# A CPU's figures follow: "N N0=N".
namespaces()
{
	count_namespaces 2>/dev/null | sed 's/ .*//'
}

# To wait for ever is what "ip" does as long as a device is held.
delete_devices()
{
	ip -all netns delete
	for device in /sys/class/net/*; do
		if [ -d "$device" ] && [ ! -e "$device/device" ]; then
			ip link delete "${device##*/}" 2>/dev/null &
		fi
	done
}

wait_for_devices()
{
	left=20
	while [ -n "$(pgrep -x ip)" ] && [ $left -gt 0 ]; do
		sleep 1
		left=$((left - 1))
	done
}

wait_for_namespaces()
{
	left=$PATIENCE
	while now=$(namespaces) && [ "${now:-0}" -gt "$1" ]; do
		if [ $left = 0 ]; then
			echo "leaked reference: $((now - $1)) namespaces are held"
			return
		fi
		left=$((left - 1))
	done
}

# A leak shows on the second look: the first may see a pointer in flight.
look_for_leaks()
{
	[ -w $LEAKS ] || return 0
	echo scan >$LEAKS || return 0
	sleep 5
	echo scan >$LEAKS
	cat $LEAKS
}

case ${1:-} in
before)
	namespaces
	;;
after)
	kill -KILL -1
	delete_devices
	wait_for_devices
	wait_for_namespaces "${2:-0}"
	look_for_leaks
	;;
esac
