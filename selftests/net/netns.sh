#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sockets, ports and counters are a namespace's own, as are sysctls: sysctl.sh.
# The three policy sysctls do what they say.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SYSCTLS=/proc/sys/net/tether

start_listener()
{
	start "$1" "$bin/xfer" -k listen receive any $PORT "$work/out$1" \
		>"$work/listening$1"
	wait_for 10 is_listening "$work/listening$1"
}

listeners_are()
{
	is "$(sockets "$NS1" LISTEN) $(sockets "$NS2" LISTEN)" "$1"
}

# What happens in n1 and n2 does not count elsewhere.
counts_alone()
{
	local before ns1
	before=$(awk '{ sum += $2 } END { print sum }' /proc/net/tether_stat)
	ns1=$(counter "$NS1" frames_out)
	n1 "$bin/xfer" connect send v1/$MAC2 $PORT "$work/in" || return
	above "$(counter "$NS1" frames_out)" "$ns1" &&
		is "$(awk '{ sum += $2 } END { print sum }' \
			/proc/net/tether_stat)" "$before"
}

# socket_as NAMESPACE GROUP [MORE]: may this group open a socket there, with
# another one besides?
socket_as()
{
	local more=--clear-groups
	[ -z "${3:-}" ] || more=--groups=$3
	in_ns "$1" setpriv --reuid 65534 --regid "$2" "$more" \
		timeout 10 "$bin/xfer" connect receive local 5 /dev/null \
		2>"$work/error"
	grep -q "connect: Connection refused" "$work/error"
}

not_permitted()
{
	socket_as "$@" && { echo "it was permitted"; return 1; }
	grep -E "socket: (Permission denied|Operation not permitted)" \
		"$work/error" || { cat "$work/error"; return 1; }
}

no_device()
{
	n1 timeout 10 "$bin/xfer" connect receive "$1" $PORT /dev/null \
		2>"$work/error"
	grep -q "connect: No such device" "$work/error" ||
		{ cat "$work/error"; return 1; }
}

# A frame that arrives on a device that takes no part.
is_ignored()
{
	local before
	before=$(counter "$NS1" drop_device)
	n2 "$bin/rawframe" v2 dst=$MAC1 sport=5 dport=$PORT flags=1
	is "$(counter "$NS1" drop_device)" $((before + 1))
}

# echo_to MAC REPLIES: n2 asks, n1 answers.
echo_to()
{
	local before
	before=$(counter "$NS1" echo_out)
	n2 "$bin/rawframe" v2 dst="$1" type=4 flags=1 sport=5 payload=100
	if [ "$2" = 0 ]; then
		# Replies to groups take their time, 10 ms at most.
		sleep 0.2
	else
		wait_for 2 answered "$before"
	fi
	is "$(counter "$NS1" echo_out)" $((before + $2))
}

answered()
{
	[ "$(counter "$NS1" echo_out)" -gt "$1" ]
}

# So many at once that not all of them can wait for their turn: those are
# counted.
echoes_are_bounded()
{
	local asked=200
	local out dropped
	out=$(counter "$NS1" echo_out)
	dropped=$(counter "$NS1" drop_rate)
	n2 "$bin/rawframe" v2 dst=ff:ff:ff:ff:ff:ff type=4 flags=1 sport=5 \
		times=$asked
	wait_for 10 all_done $((out + dropped + asked)) &&
		above "$(counter "$NS1" echo_out)" "$out"
}

all_done()
{
	is $(($(counter "$NS1" echo_out) + $(counter "$NS1" drop_rate))) "$1"
}

set_policy()
{
	n1 sh -c "echo '$2' >$SYSCTLS/$1" || bail "$1 cannot be set"
}

plan 23
make_pair
make_file "$work/in" 100000
check "netns: listener in n2" start_listener "$NS2"
check "netns: n1 does not see it" listeners_are "0 1"
check "netns: the same port in n1" start_listener "$NS1"
check "netns: both of them" listeners_are "1 1"
check "netns: counters are a namespace's own" counts_alone

check "netns: any group by default" socket_as "$NS1" 65534
set_policy group_range "100 200"
check "netns: group_range, group inside" socket_as "$NS1" 150
check "netns: group_range, group outside" not_permitted "$NS1" 65534
check "netns: group_range, another of the groups" socket_as "$NS1" 65534 150
check "netns: group_range, no other either" not_permitted "$NS1" 65534 99
check "netns: group_range, another namespace" socket_as "$NS2" 65534
set_policy group_range "1 0"
check "netns: group_range is empty" not_permitted "$NS1" 100
set_policy group_range "0 4294967294"

set_policy devices "lo other"
check "netns: devices, connect over another one" no_device v1/$MAC2
check "netns: devices, frames from another one" is_ignored
check "netns: devices, lo" socket_as "$NS1" 0
check "netns: devices, another namespace" is \
	"$(n2 cat $SYSCTLS/devices)" "*"
set_policy devices "lo v1"
check "netns: devices, one of the list" n1 "$bin/xfer" connect send \
	v1/$MAC2 $PORT "$work/in"
set_policy devices "*"
check "netns: devices, all again" n1 "$bin/xfer" connect send \
	v1/$MAC2 $PORT "$work/in"

check "netns: echo to one" echo_to $MAC1 1
check "netns: echo to everyone is not answered" echo_to ff:ff:ff:ff:ff:ff 0
check "netns: nor one to a group" echo_to 03:00:00:00:00:07 0
set_policy echo_broadcast 1
check "netns: unless echo_broadcast is set" echo_to ff:ff:ff:ff:ff:ff 1
check "netns: and not if too many are" echoes_are_bounded
done_testing
