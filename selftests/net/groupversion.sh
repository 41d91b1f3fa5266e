#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An ECHO of an unknown version, to everyone, must not make every host answer.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# replies NUMBER [KEY=VALUE]...: to one frame from n1 to n2.
replies()
{
	local want=$1 frames version
	shift
	version=$(counter "$NS2" drop_version)
	frames=$(counter "$NS2" frames_out)
	n1 "$bin/rawframe" v1 sport=5000 dport=7 type=4 flags=1 version=2 \
		"$@" || return 1
	wait_for 1 counted "$version" || return 1
	is "$(($(counter "$NS2" frames_out) - frames)) replies" "$want replies"
}

counted()
{
	[ "$(counter "$NS2" drop_version)" -gt "$1" ]
}

plan 3
make_pair

check "to us: one RST" replies 1 dst=$MAC2
check "to everyone: none" replies 0 dst=ff:ff:ff:ff:ff:ff
check "to a group: none" replies 0 dst=33:33:00:00:00:01
done_testing
