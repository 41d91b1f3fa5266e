#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A transfer through a bridge in a namespace of its own, which also shows that
# a port of the bridge takes no part itself.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

NS3=tether-c$$
trap 'ip netns del $NS3 2>/dev/null; cleanup' EXIT

# n1 -- v1 p1 [bridge] p2 v2 -- n2
make_bridge()
{
	make_namespaces
	ip netns add "$NS3" || bail "no namespace"
	in_ns "$NS3" ip link add br0 type bridge || bail "no bridge"
	ip link add v1 netns "$NS1" address $MAC1 type veth \
		peer name p1 netns "$NS3"
	ip link add v2 netns "$NS2" address $MAC2 type veth \
		peer name p2 netns "$NS3"
	in_ns "$NS3" ip link set p1 master br0 up
	in_ns "$NS3" ip link set p2 master br0 up
	in_ns "$NS3" ip link set br0 address 02:00:00:00:00:03 up
	n1 ip link set v1 up
	n2 ip link set v2 up
	wait_for 10 link_is_up "$NS3" p1 && wait_for 10 link_is_up "$NS3" p2 &&
		wait_for 10 link_is_up "$NS3" br0 || bail "the bridge is down"
}

refuses_port()
{
	in_ns "$NS3" "$bin/xfer" connect receive "p1/$MAC1" $PORT "$work/out" \
		2>"$work/error"
	grep -q "connect: No such device" "$work/error" ||
		{ cat "$work/error"; return 1; }
}

plan 5
make_bridge
check "bridge: file from n1 to n2" intact "$NS1" "$NS2" $((4 << 20))
check "bridge: file from n2 to n1" intact "$NS2" "$NS1" $((4 << 20))
check "bridge: super-frames pass" above "$(counter "$NS1" super_out)" 0
check "bridge: a port takes no part" refuses_port
DEV1=br0 MAC2=$MAC2
NS1_OLD=$NS1
NS1=$NS3
check "bridge: the bridge itself does" intact "$NS3" "$NS2" $((1 << 20))
NS1=$NS1_OLD
done_testing
