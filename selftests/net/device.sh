#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each state of a connection meets each thing that can happen to its device:
# the program's errno is the documented one, and nothing takes over a second.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

STATES="CLOSED LISTEN HALF SYN_SENT SYN_RECEIVED ESTABLISHED FIN_WAIT1
	FIN_WAIT2 CLOSING TIME_WAIT CLOSE_WAIT LAST_ACK"

start_holder()
{
	hold "$NS1" "$1" v1 "$NS2" v2 && wait_for 1 is_in "$1" && return
	n1 cat /proc/net/tether
	return 1
}

# HALF is a listener with one entry; everything else has a line of its own.
is_in()
{
	case $1 in
	HALF) [ "$(half_open)" = 1 ] ;;
	*) [ "$(sockets "$NS1" "$1")" = 1 ] ;;
	esac
}

half_open()
{
	n1 awk '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == "half") c = i }
		NR > 1 && $2 == "LISTEN" { print $c }' /proc/net/tether
}

# The errno that the program sees, by state and by what happens.
expected()
{
	case $2:$1 in
	down:*|rename:*) echo none ;;
	*:TIME_WAIT) echo none ;;
	delete:*) echo ENODEV ;;
	mac:CLOSED|mac:LISTEN|mac:HALF) echo EADDRNOTAVAIL ;;
	mac:*) echo ENETRESET ;;
	esac
}

happen()
{
	case $1 in
	down) n1 ip link set v1 down ;;
	rename) n1 ip link set v1 down && n1 ip link set v1 name other &&
		n1 ip link set other up ;;
	mac) n1 ip link set v1 address 02:00:00:00:00:11 ;;
	delete) timeout 5 nsenter --net="/run/netns/$NS1" ip link del v1 ;;
	esac
}

has_answer()
{
	[ "$(wc -l <"$work/answers")" = 2 ]
}

error_is()
{
	local name ms
	tell error
	wait_for 5 has_answer || { echo "no answer"; return 1; }
	read -r name ms < <(tail -n 1 "$work/answers")
	echo "$name after $ms ms"
	is "$name" "$1"
}

# What is left afterwards: the state, if nothing was to happen to it.
state_is_right()
{
	if [ "$2" = down ] || [ "$2" = rename ]; then
		is_in "$1" || [ "$1" = TIME_WAIT ]
	elif [ "$2" = delete ] || [ "$1" != TIME_WAIT ]; then
		! is_in "$1" || [ "$1" = CLOSED ] || [ "$1" = LISTEN ]
	fi || { n1 cat /proc/net/tether; return 1; }
}

outcome()
{
	local status=0
	start_holder "$1" && happen "$2" &&
		error_is "$(expected "$1" "$2")" &&
		state_is_right "$1" "$2" || status=1
	release || status=1
	return $status
}

gone()
{
	! n2 ip link show dev v2 >/dev/null 2>&1
}

# The name goes while the program lives; then the program, and with it all.
# As with TCP a connection without a program keeps the namespace for as long as
# orphan_timeout allows; nothing else does. The other end of the veth
# disappears when the namespace really has gone.
namespace_goes()
{
	local status=0
	start_holder "$1" &&
		n1 sysctl -q -w net.tether.orphan_timeout_ms=500 &&
		ip netns del "$NS1" && error_is none || status=1
	release || status=1
	wait_for 1 gone || { echo "the namespace lives on"; status=1; }
	ip netns add "$NS1"
	return $status
}

plan 60
make_namespaces
for state in $STATES; do
	for what in down rename mac delete; do
		make_veth
		check "device: $state, $what" outcome "$state" $what
		n2 ip link del v2 2>/dev/null
	done
	make_veth
	check "device: $state, namespace deleted" namespace_goes "$state"
	n2 ip link del v2 2>/dev/null
done
done_testing
