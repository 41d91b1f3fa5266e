#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The sysctls: each is a namespace's own and refuses what is out of its range;
# those that no other script turns do what they say.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SYSCTLS=/proc/sys/net/tether

# Name, least and greatest value.
LIMITS="echo_broadcast 0 1
rmem_default 2048 536870911
wmem_default 2048 536870911
max_half 0 1048576
max_time_wait 0 1048576
max_orphans 0 1048576
rto_init_us 1000 120000000
rto_min_us 1000 120000000
rto_max_us 1000 120000000
ack_delay_us 0 500000
time_wait_ms 1 3600000
orphan_timeout_ms 1 3600000
keep_idle_ms 1 32767000
keep_interval_ms 1 32767000
keep_probes 1 255
syn_retries 1 255
synack_retries 1 255
retries 1 255"

accepts()
{
	local now
	echo "$2" >"$SYSCTLS/$1" && read -r now <"$SYSCTLS/$1" &&
		[ "$now" = "$2" ] || echo "$1 is not $2 but $now"
}

refuses()
{
	local error
	if error=$({ echo "$2" >"$SYSCTLS/$1"; } 2>&1); then
		echo "$1 took $2"
	elif [[ $error != *"Invalid argument"* ]]; then
		echo "$error"
	fi
}

# Says what is wrong. Leaves all sysctls changed.
try_limits()
{
	local name least most value
	while read -r name least most; do
		for value in "$least" "$most"; do
			accepts "$name" "$value"
		done
		for value in $((least - 1)) $((most + 1)) much; do
			refuses "$name" "$value"
		done
	done <<<"$LIMITS"
	accepts port_range $'1\t65535'
	for value in "0 9" "9 65536" "9 8"; do
		refuses port_range "$value"
	done
	accepts group_range $'7\t9'
	refuses group_range "7 4294967296"
	accepts devices "lo,none"
}

# One shell in n1 tries them all.
limits_hold()
{
	n1 bash -c "$(declare -p SYSCTLS LIMITS)
		$(declare -f accepts refuses try_limits); try_limits" \
		>"$work/limits"
	is "$(cat "$work/limits")" ""
}

values()
{
	in_ns "$1" grep -r . "$SYSCTLS" | sort
}

# All of n1's have changed, but for that of all namespaces; none of n2's has.
are_own()
{
	values "$NS1" >"$work/changed"
	is "$(values "$NS2" | diff "$work/defaults" -)" "" &&
		is "$(comm -12 "$work/changed" "$work/defaults" |
			sed 's,.*/,,; s,:.*,,')" mem
}

# set_sysctls NAME=VALUE...: in a fresh n1.
set_sysctls()
{
	local pair
	drop_pair
	make_pair
	for pair; do
		n1 sysctl -q -w "net.tether.$pair"
	done
}

ports_are_chosen()
{
	hold "$NS1" SYN_SENT v1 "$NS2" v2 &&
		has_sockets "$NS1" SYN_SENT 1 4711 || return
	n1 timeout 10 "$bin/xfer" listen receive any 0 /dev/null \
		2>"$work/error"
	release
	grep "bind: Address already in use" "$work/error"
}

buffers_are()
{
	is "$(n1 python3 -c "
import socket
sock = socket.socket($(cat /sys/module/tether/parameters/family), 1)
print(sock.getsockopt(1, socket.SO_RCVBUF),
      sock.getsockopt(1, socket.SO_SNDBUF))")" "$1"
}

# Two are orphaned: one is left, the other's peer is told.
orphans_are_limited()
{
	hold "$NS1" FIN_WAIT1,FIN_WAIT1 v1 "$NS2" v2 && release
	is "$(counter "$NS1" orphaned)" 2 &&
		is "$(sockets "$NS1" FIN_WAIT1)" 1 &&
		is "$(counter "$NS1" rst_out_memory)" 1
}

time_waits_are_limited()
{
	hold "$NS1" TIME_WAIT,TIME_WAIT v1 "$NS2" v2 && release
	is "$(counter "$NS1" time_wait_full)" 1 &&
		is "$(sockets "$NS1" TIME_WAIT)" 1
}

# given_up STATE COUNTER TIMES: what is not answered is sent again so often.
given_up()
{
	hold "$NS1" "$1" v1 "$NS2" v2 || return
	tell "errors 1 60000"
	wait_for 70 grep -q end "$work/answers"
	release
	grep "^$1 ETIMEDOUT" "$work/answers" &&
		is "$(counter "$NS1" "$2")" "$3"
}

no_half()
{
	! grep -q synack: "$(net_file "$NS1" tether)"
}

# A SYN+ACK is the only kind of frame that a listener sends here.
half_is_given_up()
{
	hold "$NS1" HALF v1 "$NS2" v2 && wait_for 60 no_half || return
	release
	is "$(counter "$NS1" frames_out)" "$1"
}

plan 9
make_pair
values "$NS2" >"$work/defaults"
check "sysctl: limits" limits_hold
check "sysctl: a namespace's own" are_own

set_sysctls port_range="4711 4711"
check "sysctl: port_range" ports_are_chosen
set_sysctls rmem_default=12345 wmem_default=23456
check "sysctl: rmem_default, wmem_default" buffers_are "12345 23456"
set_sysctls max_orphans=1
check "sysctl: max_orphans" orphans_are_limited
set_sysctls max_time_wait=1 time_wait_ms=300000
check "sysctl: max_time_wait" time_waits_are_limited
set_sysctls rto_init_us=10000 syn_retries=2
check "sysctl: syn_retries" given_up SYN_SENT did_syn_retransmit 2
set_sysctls rto_init_us=10000 synack_retries=4
check "sysctl: synack_retries" half_is_given_up 5
set_sysctls retries=3
check "sysctl: retries" given_up FIN_WAIT1 did_rto 3
done_testing
