#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Frames that are wrong in one way each: dropped, counted by the right reason,
# and not answered but where an answer is due.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

out_counts()
{
	counter "$NS2" 'drop_*'
	counter "$NS2" frames_out
}

dropped_since()
{
	[ "$(counter "$NS2" "drop_$1")" -gt "$2" ]
}

# bad REASON REPLIES [KEY=VALUE]...: one frame from n1 to n2.
bad()
{
	local reason=$1 replies=$2 before drops frames
	shift 2
	before=$(counter "$NS2" "drop_$reason") || return 1
	mapfile -t counts < <(out_counts)
	n1 "$bin/rawframe" v1 dst=$MAC2 sport=5000 dport=$PORT flags=2 \
		seq=7 ack=7 "$@" || return 1
	wait_for 1 dropped_since "$reason" "$before" || {
		echo "not counted as drop_$reason; counted:"
		n2 grep '^drop_.* [1-9]' /proc/net/tether_stat
		return 1
	}
	drops=${counts[0]}
	frames=${counts[1]}
	mapfile -t counts < <(out_counts)
	is "$((${counts[0]} - drops)) dropped" "1 dropped" &&
		is "$((${counts[1]} - frames)) replies" "$replies replies"
}

# A header in a frame that Ethernet had to pad to its least size.
padded_is_used()
{
	local before
	before=$(counter "$NS2" half_open)
	mapfile -t counts < <(out_counts)
	n1 "$bin/rawframe" v1 dst=$MAC2 sport=5001 dport=$PORT flags=1 seq=7 \
		window=1000 pad=20 &&
		is "$(counter "$NS2" half_open)" $((before + 1)) &&
		is "$(counter "$NS2" 'drop_*')" "${counts[0]}"
}

# A thousand frames with an answer due: a few answers.
limited()
{
	local frames rate
	rate=$(counter "$NS2" drop_rate)
	frames=$(counter "$NS2" frames_out)
	n1 "$bin/rawframe" v1 dst=$MAC2 sport=5000 dport=1 flags=1 seq=7 \
		times=1000
	frames=$(($(counter "$NS2" frames_out) - frames))
	rate=$(($(counter "$NS2" drop_rate) - rate))
	above $frames 0 && at_most $frames 500 &&
		is "$frames sent, $rate not" "$frames sent, $((1000 - frames)) not"
}

silent()
{
	local frames
	frames=$(counter "$NS2" frames_out)
	n1 "$bin/rawframe" v1 dst=$MAC2 sport=5000 dport=$PORT times=1000 "$@"
	is "$(counter "$NS2" frames_out)" "$frames"
}

plan 33
make_pair
hold "$NS2" LISTEN v2 "$NS1" v1 || bail "no listener"

check "short: nothing but addresses" bad short 0 cut=0
check "short: 8 bytes" bad short 0 cut=8
check "short: half a header" bad short 0 cut=20
check "short: a datagram's header cut off" bad short 0 type=3 flags=0 cut=11
check "version 2" bad version 0 version=2
check "version 0" bad version 0 version=0
check "version 15, SYN: one RST" bad version 1 version=15 flags=1
check "type 0" bad type 0 type=0
check "type 9" bad type 0 type=9
check "header length 0" bad header 0 words=0
check "header length below that of a stream" bad header 0 words=9
check "header length beyond the frame" bad short 0 words=255
check "payload length beyond the frame" bad length 0 payload=10 len=11
check "payload length 65535" bad length 0 len=65535
check "option cut off" bad option 0 flags=1 options=01040000
check "option of length 0" bad option 0 flags=1 options=01000000
check "option of length 0 behind a good one" \
	bad option 0 flags=1 options=010105b405000000
check "unknown option that is mandatory" bad mandatory 0 options=ff010000
check "the same in a SYN: one RST" bad mandatory 1 flags=1 options=ff010000
check "flags: SYN and FIN" bad flags 0 flags=5
check "flags: SYN and RST" bad flags 0 flags=9
check "flags: none" bad flags 0 flags=0
check "checksum" bad checksum 0 check=bad
check "checksum, payload" bad checksum 0 payload=999 check=bad
check "for another MAC" bad otherhost 0 dst=02:00:00:00:00:77
check "from a group" bad group 0 src=03:00:00:00:00:01
check "to everyone" bad group 0 dst=ff:ff:ff:ff:ff:ff
check "from our own MAC" bad self 0 src=$MAC2
check "to a port that nobody has: one RST" bad no_socket 1 dport=1
check "RST to a port that nobody has" bad no_socket 0 dport=1 flags=8
check "padded" padded_is_used

check "a storm that deserves RSTs gets few" limited
check "a storm of wrong sums gets none" silent check=bad
done_testing
