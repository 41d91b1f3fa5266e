#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A transfer in a VLAN, over devices that put the tag on, and one beside it.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The tagged frames do not reach the device without the tag.
plan 5
make_pair
n1 ip link add link v1 name v1.5 type vlan id 5 || bail "no VLAN device"
n2 ip link add link v2 name v2.5 type vlan id 5 || bail "no VLAN device"
n1 ip link set v1.5 up
n2 ip link set v2.5 up
wait_for 5 link_is_up "$NS1" v1.5 || bail "the VLAN is down"
check "vlan: file without a tag" intact "$NS1" "$NS2" $((1 << 20))
DEV1=v1.5 DEV2=v2.5
check "vlan: file from n1 to n2" intact "$NS1" "$NS2" $((4 << 20))
check "vlan: file from n2 to n1" intact "$NS2" "$NS1" $((4 << 20))
check "vlan: super-frames pass" above "$(counter "$NS1" super_out)" 0
n1 tc qdisc add dev v1 root netem delay 1ms loss 5% || bail "no netem"
check "vlan: file with frames lost" intact "$NS1" "$NS2" $((2 << 20))
done_testing
