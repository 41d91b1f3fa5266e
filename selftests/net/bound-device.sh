#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A socket that is bound to a device has no part in what other devices bring.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

OTHER_MAC2=02:00:00:00:01:02

# Two links between the namespaces, and a listener on the first alone.
second_link()
{
	ip link add w1 netns "$NS1" address 02:00:00:00:01:01 type veth \
		peer name w2 netns "$NS2" address $OTHER_MAC2
	n1 ip link set w1 up
	n2 ip link set w2 up
	wait_for 5 link_is_up "$NS2" w2 || bail "no second veth"
}

# ADDRESS...: the connection must be refused.
refused()
{
	n1 timeout 10 "$bin/xfer" connect receive "$1" $PORT "$work/out" \
		2>"$work/error"
	grep -q "connect: Connection refused" "$work/error" ||
		{ cat "$work/error"; return 1; }
}

# The right MAC on the wrong link is another station.
silence()
{
	local before
	before=$(counter "$NS2" drop_otherhost)
	n1 timeout 0.5 "$bin/xfer" connect receive "$1" $PORT "$work/out"
	is $? 124 && above "$(counter "$NS2" drop_otherhost)" "$before"
}

# What has arrived for the socket in that state and has not been read; /proc
# does not tell BOUND_DEVICE from BOUND.
unread()
{
	awk -v state="${1%_*}" '$2 == state { print $5 }' "$(net_file "$NS2" tether)"
}

# stray STATE DEVICE MAC [KEY=VALUE]...: right in all but the link.
stray()
{
	local state=$1 device=$2 mac=$3
	shift 3
	at "$state"
	n1 "$bin/rawframe" "$device" dst="$mac" src=$PEER_MAC payload=100 \
		sport="$peer_port" dport="$port" seq="$seq" ack="$ack" "$@"
}

# It is nobody's, and counted as such.
is_nobodys()
{
	local before
	before=$(counter "$NS2" drop_no_socket)
	stray "$1" w1 $OTHER_MAC2 "${@:2}" &&
		wait_for 10 counter_is "$NS2" drop_no_socket $((before + 1)) &&
		is "$(unread "$1")" 0
}

# The same over the right link arrives.
arrives()
{
	stray "$1" v1 $MAC2 "${@:2}" && wait_for 10 has_unread "$1"
}

has_unread()
{
	[ "$(unread "$1")" -gt 0 ]
}

plan 9
make_pair
second_link
make_file "$work/in" 100000
start "$NS2" "$bin/xfer" -k listen send v2 $PORT "$work/in" \
	>"$work/listening"
wait_for 10 is_listening "$work/listening" || bail "no listener"

check "device: the bound one is served" n1 "$bin/xfer" connect receive \
	v1/$MAC2 $PORT "$work/out"
check "device: the other one is refused" refused w1/$OTHER_MAC2
check "device: MAC of the first on the second" silence w1/$MAC2
check "device: the bound one is served still" n1 "$bin/xfer" connect receive \
	v1/$MAC2 $PORT "$work/out"
check "device: intact" same_digest "$work/in" "$work/out"

hold "$NS2" ESTABLISHED,BOUND_DEVICE v2 "$NS1" v1 || bail "no sockets on v2"
check "device: bytes of a connection, on the other one" \
	is_nobodys ESTABLISHED flags=2
check "device: the same bytes on its own" arrives ESTABLISHED flags=2
check "device: a datagram on the other one" is_nobodys BOUND_DEVICE type=3
check "device: the same datagram on its own" arrives BOUND_DEVICE type=3
done_testing
