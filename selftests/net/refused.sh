#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A SYN that is answered with an RST: the program is told by its reason; and
# the RSTs by which we refuse what we do not speak.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# refused REASON NAME ERRNO: what connect(2) comes to, and the RST is counted.
refused()
{
	local before
	before=$(counter "$NS1" "rst_in_$2")
	is "$(n1 "$bin/peer" refuse "$1" v1 "$NS2" v2)" "$3" &&
		is "$(counter "$NS1" "rst_in_$2")" $((before + 1))
}

# refuses NAME KEY=VALUE...: a SYN of this kind gets one RST for that reason.
refuses()
{
	local name=$1 before all
	shift
	before=$(counter "$NS2" "rst_out_$name")
	all=$(counter "$NS2" "rst_out_*")
	n1 "$bin/rawframe" v1 dst=$MAC2 sport=7 dport=$PORT flags=1 "$@" ||
		return
	wait_for 5 reset_is_out "$name" "$before" &&
		is "$(counter "$NS2" "rst_out_*")" $((all + 1))
}

reset_is_out()
{
	[ "$(counter "$NS2" "rst_out_$1")" = $(($2 + 1)) ]
}

plan 12
make_pair
check "refused: nobody listens" refused 1 no_listener ECONNREFUSED
check "refused: no connection" refused 2 no_connection ECONNREFUSED
check "refused: aborted" refused 3 aborted ECONNREFUSED
check "refused: the version" refused 11 version EPROTONOSUPPORT
check "refused: by another version" refused 11/2 version EPROTONOSUPPORT
check "refused: an option" refused 12 option EPROTO
check "refused: no memory" refused 13 memory ECONNREFUSED
check "refused: a reason of the future" refused 200 none ECONNREFUSED
check "refused: no socket is left" has_sockets "$NS1" CLOSED 0

check "refuses: without a listener" refuses no_listener
check "refuses: another version" refuses version version=2
# An option of kind 128 must be understood.
check "refuses: an unknown option" refuses option options=80010000
done_testing
