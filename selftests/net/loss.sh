#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A link that loses, delays, reorders, repeats and spoils frames, both ways.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

set_netem()
{
	# The words of the fault are words of tc.
	# shellcheck disable=SC2086
	n1 tc qdisc replace dev v1 root netem limit 10000 $1 &&
		n2 tc qdisc replace dev v2 root netem limit 10000 $1
}

# both_ends PATTERN: what has been counted in either namespace.
both_ends()
{
	echo $(($(counter "$NS1" "$1") + $(counter "$NS2" "$1")))
}

# fault NAME NETEM BYTES COUNTERS
#
# The file is intact both ways, and the counters have moved: the fault was
# there. How often something happens is asserted on the virtual clock only;
# elsewhere, where time-outs take their time, a shorter file does.
fault()
{
	local before bytes=$3
	virtual_clock || bytes=$(($3 / 4))
	set_netem "$2" || bail "no netem: $2"
	before=$(both_ends "$4")
	check "loss: $1, file from n1 to n2" intact "$NS1" "$NS2" $bytes
	check "loss: $1, file from n2 to n1" intact "$NS2" "$NS1" $bytes
	if virtual_clock; then
		check "loss: $1, counted" above "$(both_ends "$4")" "$before"
	else
		skip "loss: $1, counted" "needs the virtual clock"
	fi
}

# spare_strangers NAMESPACE DEVICE MAC: nothing leaves for any other MAC.
#
# netem flips bits of MACs, too, which only the sum of a real Ethernet covers.
# A segment whose source is flipped is a stranger's and deserves an RST; flip
# that one's destination back, and it comes with the right numbers to somebody
# who did nothing wrong. It happens in one of a hundred transfers or so.
spare_strangers()
{
	in_ns "$1" tc qdisc add dev "$2" clsact &&
		in_ns "$1" tc filter add dev "$2" egress protocol all prio 1 \
			u32 match u16 "0x${3:0:2}${3:3:2}" 0xffff at -14 \
			match u32 "0x${3:6:2}${3:9:2}${3:12:2}${3:15:2}" \
			0xffffffff at -12 action pass &&
		in_ns "$1" tc filter add dev "$2" egress protocol all prio 2 \
			matchall action drop
}

# With every fifth frame lost each way, time-outs in a row, each twice as long as
# the one before, make most of the time: it is long now and then. What happens
# at 30 % is the simulator's to show.
PATIENCE=1200

plan 21
make_pair
spare_strangers "$NS1" v1 $MAC2 && spare_strangers "$NS2" v2 $MAC1 ||
	bail "no egress filter"
fault "1 % lost" "delay 1ms loss 1%" $((8 << 20)) retrans_out
fault "10 % lost" "delay 1ms loss 10%" $((2 << 20)) retrans_out
fault "20 % lost" "delay 1ms loss 20%" $((128 << 10)) retrans_out
fault "reordered" "delay 5ms reorder 25% 50%" $((4 << 20)) did_out_of_order
fault "repeated" "delay 1ms duplicate 10%" $((4 << 20)) "@(did_old_data|drop_old)"
fault "bits flipped" "delay 1ms corrupt 10%" $((4 << 20)) drop_checksum
fault "all at once" \
	"delay 5ms 1ms loss 2% duplicate 2% corrupt 1% reorder 10% 50%" \
	$((4 << 20)) retrans_out
done_testing
