#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A socket that is bound to a device has no part in what other devices bring.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# Two links between the namespaces, and a listener on the first alone.
second_link()
{
	ip link add w1 netns "$NS1" address 02:00:00:00:01:01 type veth \
		peer name w2 netns "$NS2" address 02:00:00:00:01:02
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

plan 5
make_pair
second_link
make_file "$work/in" 100000
start "$NS2" "$bin/xfer" -k listen send v2 $PORT "$work/in" \
	>"$work/listening"
wait_for 10 is_listening "$work/listening" || bail "no listener"

check "device: the bound one is served" n1 "$bin/xfer" connect receive \
	v1/$MAC2 $PORT "$work/out"
check "device: the other one is refused" refused w1/02:00:00:00:01:02
check "device: MAC of the first on the second" silence w1/$MAC2
check "device: the bound one is served still" n1 "$bin/xfer" connect receive \
	v1/$MAC2 $PORT "$work/out"
check "device: intact" same_digest "$work/in" "$work/out"
done_testing
