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
# Sockets of TCP's that have lost their program may keep a namespace for minutes:
# so many tries, of which each takes a second more than the one before.
TRIES=20

# count_namespaces ENOUGH SECONDS: the least of a look a second, or the first that
# finds no more than is enough. The kernel may put off the end of one namespace
# to that of the next, and takes its time for both.
count_namespaces()
{
	ip netns add leftovers && ip netns delete leftovers
	least=
	for _ in $(seq "$2"); do
		sleep 1
		echo 1 >$NAMESPACES/shrink
		# A CPU's figures follow: "N N0=N".
		read -r now _ <$NAMESPACES/objects || return
		if [ -z "$least" ] || [ "$now" -lt "$least" ]; then
			least=$now
		fi
		[ "$least" -gt "$1" ] || break
	done
	echo "$least"
}

namespaces()
{
	count_namespaces "$@" 2>/dev/null
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
	for try in $(seq $TRIES); do
		held=$(namespaces "$1" "$try") || return
		[ "$held" -gt "$1" ] || return
	done
	echo "leaked reference: $((held - $1)) namespaces are held"
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
	namespaces 0 3
	;;
after)
	kill -KILL -1
	delete_devices
	wait_for_devices
	wait_for_namespaces "${2:-0}"
	look_for_leaks
	;;
esac
