#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A veth pair takes super-frames whole: a file goes both ways, unharmed.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=$((2 << 20))

# A super-frame is normally 32 KiB: most bytes travel in such frames, unless a
# machine that stands still looks like a loss.
has_super_frames()
{
	above "$(awk '$2 >= 32000 { n += $2 } END { print n + 0 }' \
		"$work/payloads")" $(((1 << 20) / 2))
}

# What the lengths of a frame with its headers leave for payload.
is_within_limit()
{
	is "$(awk '$2 > 65481' "$work/payloads" | wc -l)" 0
}

# Each byte that n1 sent was in some frame.
is_complete()
{
	awk -v size=$((1 << 20)) '
		BEGIN { next_byte = 1 }
		$1 > next_byte { print "hole before", $1; exit 1 }
		$1 + $2 > next_byte { next_byte = $1 + $2 }
		END { exit next_byte != size + 1 }' "$work/payloads"
}

# One end keeps the connection in TIME_WAIT, and nothing else is left.
ends_in_time_wait()
{
	local left
	wait_for 1 no_live_sockets || { n1 cat /proc/net/tether; return 1; }
	left=$(($(sockets "$NS1" TIME_WAIT) + $(sockets "$NS2" TIME_WAIT)))
	is $left 1
}

no_live_sockets()
{
	local ns
	for ns in "$NS1" "$NS2"; do
		[ "$(grep -v -c TIME_WAIT "$(net_file "$ns" tether)")" = 1 ] ||
			return 1
	done
}

# How long TIME_WAIT is for the connections that end from now on.
time_wait_lasts()
{
	n1 sysctl -q -w net.tether.time_wait_ms="$1" &&
		n2 sysctl -q -w net.tether.time_wait_ms="$1"
}

time_wait_ends()
{
	wait_for 30 has_sockets "$NS1" TIME_WAIT 0 &&
		wait_for 30 has_sockets "$NS2" TIME_WAIT 0
}

plan 12
make_pair
# Long enough to be seen, however slow the machine is.
time_wait_lasts 15000 || bail "no sysctl"
check "veth: file from n1 to n2" intact "$NS1" "$NS2" $SIZE
check "veth: one TIME_WAIT is left" ends_in_time_wait
time_wait_lasts 2000 || bail "no sysctl"
check "veth: file from n2 to n1" intact "$NS2" "$NS1" $SIZE
check "veth: super-frames counted" above "$(counter "$NS1" super_out)" 0
check "veth: bytes counted" above "$(counter "$NS1" bytes_out)" $((SIZE - 1))
# Without a queue that drops there is nothing to send again.
if virtual_clock; then
	check "veth: nothing sent again" is "$(counter "$NS1" retrans_out)" 0
else
	skip "veth: nothing sent again" "needs the virtual clock"
fi

watch "$NS2" v2 "$work/capture" -k
check "veth: file while it is watched" intact "$NS1" "$NS2" $((1 << 20))
end_watch || note "the capture has holes"
payloads "$work/capture" $MAC1 >"$work/payloads"
if virtual_clock; then
	check "veth: most bytes in super-frames" has_super_frames
else
	skip "veth: most bytes in super-frames" "needs the virtual clock"
fi
check "veth: no frame above the limit" is_within_limit
check "veth: every byte on the wire" is_complete
check "veth: no wrong checksum" is "$(grep -c 'sum WRONG' "$work/capture")" 0
check "veth: TIME_WAIT ends" time_wait_ends
done_testing
