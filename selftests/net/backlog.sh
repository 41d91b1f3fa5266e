#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Final ACKs that never arrive: clients stay half-open at the listener, and
# none is completed before its ACK is there. Then queues that are full: what
# does not fit is dropped, and counted.

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

# Answers do not find their way back to the sender of these.
send_syns()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		n1 "$bin/rawframe" v1 dst=$MAC2 src=02:00:00:00:00:77 \
			sport=$i dport=$PORT flags=1 window=65535 || return
	done
}

dropped()
{
	[ "$(counter "$NS2" "drop_$1")" -ge "$2" ]
}

# fills HALF DROPPED: SYNs fill the half-open queue of a new listener.
fills()
{
	local before
	before=$(counter "$NS2" drop_half_full)
	hold "$NS2" LISTEN v2 "$NS1" v1 && send_syns $(($1 + $2)) || return
	wait_for 5 dropped half_full $((before + $2)) &&
		is "$(listener half)" "$1" &&
		is "$(counter "$NS2" drop_half_full)" $((before + $2))
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

plan 19
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
check "backlog: no queue was full" \
	is "$(counter "$NS2" "@(listen_overflow|drop_@(half|accept)_full)")" 0
release
check "backlog: the listener's end resets them" \
	wait_for 5 has_sockets "$NS1" ESTABLISHED 0
check "backlog: and says why" is "$(counter "$NS2" rst_out_listener_closed)" \
	$CLIENTS
stop_jobs

# Two may be completed: the third's ACK is of no use, however often it comes.
n2 sysctl -q -w net.core.somaxconn=1 || bail "no sysctl"
hold "$NS2" LISTEN v2 "$NS1" v1 || bail "no listener"
check "backlog: somaxconn limits it" listener_has limit 1
lose_acks || bail "no ingress filter"
start_clients
check "backlog: half-open clients again" wait_for 5 listener_has half $CLIENTS
n2 tc qdisc del dev v2 ingress
check "backlog: one more than the limit is completed" \
	wait_for 30 listener_has completed 2
check "backlog: an ACK too many is dropped" wait_for 30 dropped accept_full 1
check "backlog: its client stays half-open" listener_has half 1
check "backlog: the overflow is counted" \
	above "$(counter "$NS2" listen_overflow)" 0
release
stop_jobs

check "backlog: the half-open queue has its limit" fills 16 4
release
n2 sysctl -q -w net.tether.max_half=1 || bail "no sysctl"
check "backlog: max_half lowers it" fills 1 2
release
done_testing
