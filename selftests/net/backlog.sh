#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Final ACKs that never arrive: clients stay half-open at the listener, and
# none is completed before its ACK is there.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

CLIENTS=3

# half_open, completed: the listener's counts.
listener()
{
	n2 awk -v column="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) c = i }
		NR > 1 && $2 == "LISTEN" { print $c }' /proc/net/tether
}

listener_has()
{
	[ "$(listener "$1")" = "$2" ]
}

# Segments with ACK and without SYN are lost on their way into n2.
lose_acks()
{
	n2 tc qdisc add dev v2 ingress &&
		n2 tc filter add dev v2 ingress protocol 0x88b5 prio 1 \
			u32 match u8 0x02 0x03 at 2 action drop
}

start_clients()
{
	local i
	for ((i = 0; i < CLIENTS; i++)); do
		start "$NS1" "$bin/xfer" connect receive "v1/$MAC2" $PORT \
			"$work/client$i"
	done
}

all_established()
{
	has_sockets "$NS1" ESTABLISHED $CLIENTS
}

plan 9
make_pair
hold "$NS2" LISTEN v2 "$NS1" v1 || bail "no listener"
lose_acks || bail "no ingress filter"

check "backlog: nothing at first" listener_has half 0
start_clients
check "backlog: the clients are connected" wait_for 5 all_established
check "backlog: half-open clients show" wait_for 1 listener_has half $CLIENTS
check "backlog: none is completed" listener_has completed 0
check "backlog: half-open ones are counted" \
	is "$(counter "$NS2" half_open)" $CLIENTS
check "backlog: none was passively opened" \
	is "$(counter "$NS2" passive_open)" 0

n2 tc qdisc del dev v2 ingress
check "backlog: they complete when ACKs arrive" \
	wait_for 30 listener_has completed $CLIENTS
check "backlog: none is half-open then" listener_has half 0
release
check "backlog: the listener's end resets them" \
	wait_for 5 has_sockets "$NS1" ESTABLISHED 0
done_testing
