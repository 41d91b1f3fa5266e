#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two links in a bond at either end, of which one fails during a transfer.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

make_bond()
{
	in_ns "$1" ip link add bond0 address "$2" type bond mode active-backup \
		miimon 50 || bail "no bond"
	in_ns "$1" ip link set "$3" down
	in_ns "$1" ip link set "$3" master bond0
	in_ns "$1" ip link set "$4" down
	in_ns "$1" ip link set "$4" master bond0
	in_ns "$1" ip link set bond0 up
	in_ns "$1" ip link set "$3" up
	in_ns "$1" ip link set "$4" up
}

refuses_port()
{
	n1 "$bin/xfer" connect receive "v1/$MAC2" $PORT "$work/out" \
		2>"$work/error"
	grep -q "connect: No such device" "$work/error" ||
		{ cat "$work/error"; return 1; }
}

# The first link goes down at both ends while a slow file is under way.
fail_over()
{
	n1 tc qdisc add dev bond0 root netem delay 2ms rate 50mbit
	make_file "$work/in" $((2 << 20))
	rm -f "$work/out"
	xfer_between "$NS1" "$NS2" "$work/in" "$work/out" &
	wait_for 10 test -s "$work/out" || return 1
	n1 ip link set v1 down
	n2 ip link set v2 down
	wait $! && same_digest "$work/in" "$work/out"
}

plan 5
make_pair
ip link add w1 netns "$NS1" type veth peer name w2 netns "$NS2" ||
	bail "no second veth"
make_bond "$NS1" $MAC1 v1 w1
make_bond "$NS2" $MAC2 v2 w2
wait_for 10 link_is_up "$NS1" bond0 && wait_for 10 link_is_up "$NS2" bond0 ||
	bail "the bond is down"
DEV1=bond0 DEV2=bond0
check "bond: file from n1 to n2" intact "$NS1" "$NS2" $((4 << 20))
check "bond: file from n2 to n1" intact "$NS2" "$NS1" $((4 << 20))
check "bond: a port takes no part" refuses_port
check "bond: file while a link fails" fail_over
check "bond: file over the other link" intact "$NS2" "$NS1" $((1 << 20))
done_testing
