#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each state of a connection meets each thing that can happen to its device:
# the program's errno is the documented one, and nothing takes over a second.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

STATES="CLOSED LISTEN HALF SYN_SENT SYN_RECEIVED ESTABLISHED FIN_WAIT1
	FIN_WAIT2 CLOSING TIME_WAIT CLOSE_WAIT LAST_ACK"

# A machine that shares its processors may be late.
SECOND=1
virtual_clock || SECOND=10

# A program with a socket in each state, all on v1.
start_holder()
{
	# Longer than the test, however slow the machine is.
	n1 sysctl -q -w net.tether.time_wait_ms=300000 &&
		hold "$NS1" "$(tr -s ' \t\n' ',' <<<"$STATES")" \
			v1 "$NS2" v2 || return
	cat "/proc/$holder/net/tether" >"$work/sockets"
	for state in $STATES; do
		in_state "$state" || { cat "$work/sockets"; return 1; }
	done
}

# CLOSED, LISTEN and HALF, a listener with one entry, are the first three and
# have a port of their own: what goes to TIME_WAIT leaves a CLOSED, too.
in_state()
{
	local state address half want=$1 port='*' halves=0 found=0
	case $1 in
	CLOSED) port=9000 ;;
	LISTEN) port=9001 ;;
	HALF) want=LISTEN port=9002 halves=1 ;;
	esac
	while read -r _ state address _ _ _ half _; do
		# shellcheck disable=SC2053
		[ "$state" != "$want" ] || [ "$half" != $halves ] ||
			[[ $address != *:$port ]] || found=$((found + 1))
	done <"$work/sockets"
	[ $found = 1 ]
}

# The errno that the program sees, by what happens and state.
expected()
{
	case $1:$2 in
	down:*|rename:*|namespace:*) echo none ;;
	*:TIME_WAIT) echo none ;;
	delete:*|port:*) echo ENODEV ;;
	mac:CLOSED|mac:LISTEN|mac:HALF) echo EADDRNOTAVAIL ;;
	mac:*) echo ENETRESET ;;
	esac
}

# The state afterwards: the socket's own, CLOSED, or none at all.
expected_state()
{
	case $1:$2 in
	down:*|rename:*|namespace:*|*:CLOSED|*:LISTEN) echo "$2" ;;
	*) echo gone ;;
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
	port) n1 ip link set v1 master br0 ;;
	namespace)
		n1 sysctl -q -w net.tether.orphan_timeout_ms=500 &&
			leave "$NS1" && ip netns del "$NS1" ;;
	esac
}

# What the program sees, for all states at once: within a second as many as
# expected have an errno.
ask_for_errors()
{
	local state count=0
	for state in $STATES; do
		[ "$(expected "$1" "$state")" = none ] || count=$((count + 1))
	done
	tell "errors $count ${SECOND}000"
	wait_for $((2 * SECOND)) grep -q end "$work/answers" ||
		{ echo "no answer"; return 1; }
	# Its namespace may have no name any more.
	cat "/proc/$holder/net/tether" >"$work/sockets"
}

# outcome WHAT STATE: its errno, and the state it is left in.
outcome()
{
	local name ms
	read -r _ name ms < <(grep "^$2 " "$work/answers")
	echo "$name after $ms ms"
	is "$name" "$(expected "$1" "$2")" || return
	case $(expected_state "$1" "$2") in
	gone) ! in_state "$2" ;;
	*) in_state "$2" ;;
	esac || { cat "$work/sockets"; return 1; }
}

# Another device goes: those who were told of theirs are not told again.
told_once()
{
	n1 ip link del br0
	tell "errors 0 0"
	wait_for 5 has_ended 2 || { echo "no answer"; return 1; }
	is "$(sed '1,/^end/d' "$work/answers" | grep -v -e ' none ' -e end)" ""
}

# Released and taken again: those who have no connection are told again.
told_again()
{
	n1 ip link set v1 nomaster && n1 ip link set v1 master br0 || return
	tell "errors 3 ${SECOND}000"
	wait_for $((2 * SECOND)) has_ended 2 || { echo "no answer"; return 1; }
	is "$(sed '1,/^end/d' "$work/answers" | grep -c ENODEV)" 3
}

has_ended()
{
	[ "$(grep -c end "$work/answers")" = "$1" ]
}

is_gone()
{
	! n2 ip link show dev v2 >/dev/null 2>&1
}

ends_meet()
{
	release && wait_for "$1" is_gone || { echo "v2 is left"; return 1; }
}

# States meet WHAT. At the end the program goes, and v1, if it is still there:
# with it goes v2, which shows that nothing holds on to the device.
meet()
{
	make_veth
	check "device: $1, all states" start_holder &&
		check "device: $1, happens" happen "$1" &&
		check "device: $1, the program answers" ask_for_errors "$1" ||
		bail "no sockets to look at"
	for state in $STATES; do
		check "device: $state, $1" outcome "$1" "$state"
	done
}

plan 98
make_namespaces
n1 ip link add br0 type bridge
for what in down rename mac port; do
	meet $what
	[ $what != port ] || check "device: port, told again" told_again
	release
	check "device: $what, deleted afterwards" n2 timeout 5 ip link del v2
done
meet delete
check "device: delete, told once" told_once
check "device: delete, nothing holds it" ends_meet "$SECOND"
# The name goes while the program lives; then the program, and with it all.
# As with TCP a connection without a program keeps the namespace for as long as
# orphan_timeout allows; nothing else does.
meet namespace
check "device: namespace, goes with its last socket" ends_meet "$SECOND"
ip netns add "$NS1"
done_testing
