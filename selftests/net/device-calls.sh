#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs that sleep in a call meet each thing that can happen to the device:
# the call ends with the documented errno, once, or sleeps on. A transfer goes
# on.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The last three are datagram sockets: bound to v1 and its MAC, bound to the MAC
# alone, connected to a peer over v1.
CALLS="LISTEN:accept NEW:connect ESTABLISHED:recv UNREAD:recv ESTABLISHED:send
	BOUND:recv BOUND_MAC:recv CONNECTED:recv"

SIZE=$((2 << 20))

start_calls()
{
	make_veth
	hold "$NS1" "$(tr -s ' \t\n' ',' <<<"$CALLS")" v1 "$NS2" v2 &&
		asleep first "$(wc -w <<<"$CALLS")"
}

# asleep WORD COUNT: so many calls sleep, the others have printed.
asleep()
{
	tell "asleep $1"
	wait_for 10 grep -q "asleep $1" "$work/answers" ||
		{ echo "no answer"; return 1; }
	is "$(grep "asleep $1" "$work/answers")" "asleep $1 $2" ||
		{ cat "$work/answers"; return 1; }
}

happen()
{
	case $1 in
	down) n1 ip link set v1 down ;;
	up) n1 ip link set v1 up ;;
	rename) n1 ip link set v1 down && n1 ip link set v1 name other &&
		n1 ip link set other up ;;
	mac) n1 ip link set v1 address 02:00:00:00:00:11 ;;
	delete) n1 ip link del v1 ;;
	move) n1 ip link set v1 netns "$NS2" ;;
	port) n1 ip link set v1 master br0 ;;
	esac
}

# What the call and the next ones give: bytes that came before are read first,
# the errno comes once. Nothing: it sleeps on.
expected()
{
	local gone=ENODEV bound=ENODEV
	[ "$1" != mac ] || { gone=ENETRESET bound=EADDRNOTAVAIL; }
	case $1:$2 in
	down:*|rename:*|mac:CONNECTED:*) ;;
	# A port of a bridge still has its MAC.
	port:BOUND_MAC:recv) ;;
	*:BOUND_MAC:recv) echo EADDRNOTAVAIL EAGAIN EAGAIN ;;
	*:LISTEN:accept) echo $bound EAGAIN ;;
	*:NEW:connect) echo $gone 0 ;;
	*:ESTABLISHED:recv) echo $gone 0 0 ;;
	*:UNREAD:recv) echo 5 $gone 0 ;;
	*:ESTABLISHED:send) echo some $gone EPIPE ;;
	*:BOUND:recv) echo $bound EAGAIN EAGAIN ;;
	*:CONNECTED:recv) echo $gone EAGAIN EAGAIN ;;
	esac
}

# It happens, and as many calls as expected sleep on.
meets()
{
	local call sleeping=0
	for call in $CALLS; do
		[ -n "$(expected "$1" "$call")" ] ||
			sleeping=$((sleeping + 1))
	done
	happen "$1" && asleep "$1" $sleeping
}

outcome()
{
	is "$(sed -n "s/^$2 //p" "$work/answers")" "$(expected "$1" "$2")"
}

# All that can happen to the calls that sleep; then the next need new ones.
end_with()
{
	check "calls: $1" meets "$1"
	for call in $CALLS; do
		check "calls: $1, $call" outcome "$1" "$call"
	done
	release
	n2 ip link del v2
}

sender_probes()
{
	grep -q probe: "$(net_file "$NS1" tether)"
}

frames_are_lost()
{
	[ "$(counter "$NS1" xmit_nodev)" -gt "$1" ]
}

# The device is away for as long as a frame needs to be lost by that.
is_away()
{
	local lost
	wait_for 10 sender_probes || { echo "no probe"; return 1; }
	lost=$(counter "$NS1" xmit_nodev)
	happen down && wait_for 10 frames_are_lost "$lost" && happen "$1"
}

# A transfer whose receiver stands still, so that it is under way for sure.
goes_on()
{
	local status
	start "$NS2" "$bin/xfer" listen receive any $PORT "$work/out" \
		>"$work/listening"
	local receiver=$!
	wait_for 10 is_listening "$work/listening" || return
	kill -STOP $receiver
	start "$NS1" "$bin/xfer" connect send v1/$MAC2 $PORT "$work/in"
	local sender=$!
	is_away "$1"
	status=$?
	kill -CONT $receiver
	[ $status = 0 ] && wait $sender && wait $receiver &&
		same_digest "$work/in" "$work/out"
}

plan 44
make_namespaces
n1 ip link add br0 type bridge
check "calls: all sleep" start_calls || bail "no calls to look at"
check "calls: down, all sleep on" meets down
happen up
check "calls: rename, all sleep on" meets rename
n1 ip link set other down
n1 ip link set other name v1
n1 ip link set v1 up
end_with mac
for what in delete move port; do
	check "calls: $what, all sleep before" start_calls
	end_with $what
done

make_file "$work/in" $SIZE
make_veth
check "transfer: goes on after down and up" goes_on up
check "transfer: goes on under another name" goes_on rename
done_testing
