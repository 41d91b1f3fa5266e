#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Frames that are wrong in one way each: dropped, counted by the right reason,
# and not answered but where an answer is due.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# Beyond any window.
FAR=$((1 << 31))

# What sends the frame.
sender=(n1 "$bin/rawframe" v1 "dst=$MAC2")

# Sets reason, drops, frames: the counters that a bad frame moves.
look()
{
	local sum
	sum_counters "$NS2" "drop_$1" && reason=$sum &&
		sum_counters "$NS2" 'drop_*' && drops=$sum &&
		sum_counters "$NS2" frames_out && frames=$sum
}

# moved REASON DROPS FRAMES: as many more have been counted, in all.
moved()
{
	local reason drops frames
	look "$1"
	[ "$drops" -ge "$2" ] && [ "$frames" -ge "$3" ]
}

# bad REASON REPLIES [KEY=VALUE]...: one frame to n2.
bad()
{
	local why=$1 replies=$2 reason drops frames
	shift 2
	look "$why" || return
	local was=$reason all=$drops sent=$frames
	"${sender[@]}" sport=5000 dport=$PORT flags=2 seq=7 ack=7 "$@" || return
	wait_for 2 moved "$why" $((drops + 1)) $((frames + replies))
	look "$why"
	is "$((reason - was)) $((drops - all)) $((frames - sent))" \
		"1 1 $replies" && return
	echo "that is drop_$why, all drops, replies; counted so far:"
	grep '^drop_.* [1-9]' "$(net_file "$NS2" tether_stat)"
	return 1
}

# The same for a held socket, in the place of its peer.
from_peer()
{
	# A connection answers what is wrong no more often than this.
	nap 20000
	bad "$1" "$2" src=$PEER_MAC sport="$peer_port" dport="$port" \
		seq="$seq" ack="$ack" window=65535 "${@:3}"
}

# A datagram to the bound socket that at has found.
datagram()
{
	bad "$1" "$2" type=3 flags=0 dport="$port" "${@:3}"
}

# A header in a frame that Ethernet had to pad to its least size.
padded_is_used()
{
	local half drops
	half=$(counter "$NS2" half_open)
	drops=$(counter "$NS2" 'drop_*')
	"${sender[@]}" sport=5001 dport=$PORT flags=1 seq=7 window=1000 \
		pad=20 &&
		is "$(counter "$NS2" half_open)" $((half + 1)) &&
		is "$(counter "$NS2" 'drop_*')" "$drops"
}

# A thousand frames with an answer due: a few answers at once, and one a
# millisecond.
limited()
{
	local frames rate began
	began=$(now_ms)
	rate=$(counter "$NS2" drop_rate)
	frames=$(counter "$NS2" frames_out)
	"${sender[@]}" sport=5000 dport=1 flags=1 seq=7 times=1000
	frames=$(($(counter "$NS2" frames_out) - frames))
	rate=$(($(counter "$NS2" drop_rate) - rate))
	above $frames 0 && at_most $frames $((260 + $(now_ms) - began)) &&
		is "$frames sent, $rate not" "$frames sent, $((1000 - frames)) not"
}

# A thousand RSTs at the wrong place: one challenge in ten milliseconds.
few_challenges()
{
	local frames began
	nap 20000
	began=$(now_ms)
	frames=$(counter "$NS2" frames_out)
	"${sender[@]}" src=$PEER_MAC sport="$peer_port" dport="$port" \
		seq=$((seq + 1)) flags=8 times=1000
	frames=$(($(counter "$NS2" frames_out) - frames))
	above $frames 0 && at_most $frames $((2 + ($(now_ms) - began + 10) / 10))
}

silent()
{
	local frames
	frames=$(counter "$NS2" frames_out)
	"${sender[@]}" sport=5000 dport=$PORT times=1000 "$@"
	is "$(counter "$NS2" frames_out)" "$frames"
}

# The peer's FIN and RST in their places are no bad frames.
fin_is_taken()
{
	local drops fins
	drops=$(counter "$NS2" 'drop_*')
	fins=$(counter "$NS2" did_peer_fin)
	"${sender[@]}" src=$PEER_MAC sport="$peer_port" dport="$port" \
		seq="$seq" ack="$ack" window=65535 flags=6
	wait_for 2 has_sockets "$NS2" CLOSE_WAIT 1 "$port" &&
		is "$(counter "$NS2" did_peer_fin)" $((fins + 1)) &&
		is "$(counter "$NS2" 'drop_*')" "$drops"
}

rst_is_taken()
{
	local drops
	drops=$(counter "$NS2" 'drop_*')
	"${sender[@]}" src=$PEER_MAC sport="$peer_port" dport="$port" \
		seq="$seq" ack="$ack" flags=8 reason=3
	tell "errors 1 5000"
	wait_for 10 grep -q end "$work/answers" &&
		grep "^ESTABLISHED ECONNRESET" "$work/answers" &&
		is "$(counter "$NS2" rst_in_aborted)" 1 &&
		is "$(counter "$NS2" did_reset)" 1 &&
		is "$(counter "$NS2" 'drop_*')" "$drops"
}

# More than the receive buffer of a program that does not read holds.
datagrams_are_bounded()
{
	local in dropped
	in=$(counter "$NS2" dgrams_in)
	dropped=$(counter "$NS2" drop_memory)
	"${sender[@]}" type=3 dport="$port" payload=1000 times=1000
	in=$(($(counter "$NS2" dgrams_in) - in))
	dropped=$(($(counter "$NS2" drop_memory) - dropped))
	above $in 0 && above $dropped 0 &&
		is "$in taken, $dropped not" "$in taken, $((1000 - in)) not"
}

plan 89
make_pair
# Nothing is sent but answers.
n2 sysctl -q -w net.tether.rto_init_us=120000000 \
	net.tether.rto_max_us=120000000 net.tether.time_wait_ms=300000
hold "$NS2" "LISTEN,HALF,SYN_SENT,SYN_RECEIVED,ESTABLISHED,UNREAD,CLOSE_WAIT,\
TIME_WAIT,BOUND" v2 "$NS1" v1 || bail "no sockets"

check "short: nothing but addresses" bad short 0 cut=0
check "short: 8 bytes" bad short 0 cut=8
check "short: half a header" bad short 0 cut=20
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

at BOUND
check "datagram: header cut off" bad short 0 type=3 flags=0 cut=11
check "datagram: header length 8" datagram header 0 words=2
check "datagram: header length beyond the frame" datagram short 0 words=255
check "datagram: payload length beyond the frame" \
	datagram length 0 payload=10 len=11
check "datagram: payload cut off" datagram length 0 payload=10 cut=21
check "datagram: option cut off" datagram option 0 options=01040000
check "datagram: unknown option that is mandatory" \
	datagram mandatory 0 options=ff010000
check "datagram: checksum" datagram checksum 0 check=bad
check "datagram: checksum, payload" datagram checksum 0 payload=999 check=bad
check "datagram: from a group" datagram group 0 src=03:00:00:00:00:01
check "datagram: to a port that nobody has" datagram no_socket 0 dport=1
check "datagram: none of these arrived" is "$(counter "$NS2" dgrams_in)" 0
check "datagram: what a full buffer does not hold" datagrams_are_bounded

sender=(n2 "$bin/rawframe" tap0 super=1000 "src=$PEER_MAC")
check "super-frame: to a port that nobody has: one RST" \
	bad no_socket 1 payload=3000 dport=1
check "super-frame: carries more than its length says" \
	bad length 0 payload=3000 len=2999
check "super-frame: padded" bad length 0 payload=3000 pad=1
check "super-frame: carries less than its length says" \
	bad length 0 payload=3000 len=3001
check "super-frame: checksum" bad checksum 0 payload=3000 check=bad
sender=(n1 "$bin/rawframe" v1 "dst=$MAC2")

# Each state's rules: protocol.rst sections 7 to 9.
check "LISTEN: ACK: one RST" bad state 1
check "LISTEN: RST" bad state 0 flags=8

at HALF
check "HALF: SYN again: SYN+ACK again" from_peer syn 1 seq=$((seq - 1)) flags=1
check "HALF: ACK of unsent bytes: one RST" from_peer ack 1 ack=$((ack + 1))
check "HALF: bytes behind the window: SYN+ACK again" \
	from_peer window 1 seq=$((seq + FAR)) payload=9
check "HALF: RST at the wrong place" from_peer rst 0 seq=$((seq + 1)) flags=8

at SYN_SENT
check "SYN_SENT: ACK of another SYN: one RST" from_peer ack 1 ack=$((ack + 1))
check "SYN_SENT: RST for another SYN" from_peer ack 0 ack=$((ack + 1)) flags=10
check "SYN_SENT: RST without ACK" from_peer rst 0 flags=8
check "SYN_SENT: neither SYN nor RST" from_peer state 0

at SYN_RECEIVED
check "SYN_RECEIVED: ACK of unsent bytes: one RST" \
	from_peer ack 1 ack=$((ack + 1))
check "SYN_RECEIVED: RST at the wrong place" \
	from_peer rst 1 seq=$((seq + 1)) flags=8

at ESTABLISHED
check "ESTABLISHED: old bytes: one ACK" \
	from_peer old 1 seq=$((seq - 9)) payload=9
check "ESTABLISHED: bytes beyond the window: one ACK" \
	from_peer window 1 seq=$((seq + FAR)) payload=9
check "ESTABLISHED: old ACK" from_peer old 0 seq=$((seq - 9))
check "ESTABLISHED: ACK beyond the window" from_peer window 0 seq=$((seq + FAR))
check "ESTABLISHED: ACK of unsent bytes: one ACK" \
	from_peer ack 1 ack=$((ack + 1))
check "ESTABLISHED: ACK of ancient bytes: challenge" \
	from_peer ack 1 ack=$((ack - FAR))
check "ESTABLISHED: RST in the window: challenge" \
	from_peer rst 1 seq=$((seq + 1)) flags=8
check "ESTABLISHED: RST beyond the window" \
	from_peer window 0 seq=$((seq + FAR)) flags=8
check "ESTABLISHED: old RST" from_peer old 0 seq=$((seq - 1)) flags=8
check "ESTABLISHED: RST of another version" \
	from_peer version 0 flags=8 version=2 reason=11
check "ESTABLISHED: SYN: challenge" from_peer syn 1 flags=1
check "ESTABLISHED: SYN+ACK: challenge" from_peer syn 1 flags=3
check "ESTABLISHED: old SYN: challenge" from_peer old 1 seq=$((seq - 1)) flags=1
check "ESTABLISHED: old FIN: one ACK" from_peer old 1 seq=$((seq - 1)) flags=6
check "ESTABLISHED: FIN beyond the window: one ACK" \
	from_peer window 1 seq=$((seq + FAR)) flags=6
check "ESTABLISHED: it has survived" has_sockets "$NS2" ESTABLISHED 1 "$port"
# With that in SYN_RECEIVED, one for each that the name says, and one for the
# ACK of what was never sent.
check "ESTABLISHED: challenges counted" is "$(counter "$NS2" did_challenge)" 7
check "ESTABLISHED: old bytes counted" is "$(counter "$NS2" did_old_data)" 1
check "ESTABLISHED: a storm of RSTs: few challenges" few_challenges
check "ESTABLISHED: RST at its place is taken" rst_is_taken
at UNREAD
check "ESTABLISHED: FIN at its place is taken" fin_is_taken

at CLOSE_WAIT
check "CLOSE_WAIT: bytes behind the FIN: one ACK" from_peer state 1 payload=9
check "CLOSE_WAIT: FIN again: one ACK" from_peer old 1 seq=$((seq - 1)) flags=6

at TIME_WAIT
check "TIME_WAIT: RST" from_peer rst 0 flags=8
check "TIME_WAIT: old SYN: one ACK" from_peer syn 1 seq=$((seq - 9)) flags=1
check "TIME_WAIT: bytes: one ACK" from_peer old 1 payload=9
check "TIME_WAIT: FIN again: one ACK" from_peer old 1 seq=$((seq - 1)) flags=6

check "a storm that deserves RSTs gets few" limited
check "a storm of wrong sums gets none" silent check=bad
done_testing
