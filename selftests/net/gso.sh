#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices that cannot take a super-frame: it is cut at the device's edge, and
# the number of segments on the wire is what it has to be.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=$((1 << 20))
MSS=1460
SEGMENTS=$(((SIZE + MSS - 1) / MSS))

look()
{
	payloads "$work/capture" $MAC1 >"$work/payloads"
}

whole()
{
	segments_are_whole "$work/payloads" $MSS $SEGMENTS
}

# edge NAME [BURST]: one transfer over the link as it now is.
#
# A device that is known to cut is given whole numbers of segments. A queue
# that cuts frames above its burst comes as a surprise: it may cut a last piece
# off every super-frame.
edge()
{
	local most=${2:-$((MSS + 54))}

	give_room "$NS1" $SIZE
	watch "$NS2" v2 "$work/capture" -k
	check "gso: $1, file" intact "$NS1" "$NS2" $SIZE
	end_watch || note "the capture has holes"
	look
	check "gso: $1, no frame above $most" \
		is "$(awk -v most="$most" '$2 + 54 > most' "$work/payloads" |
			wc -l)" 0
	if [ -n "${2:-}" ]; then
		check "gso: $1, above 200 frames" \
			above "$(wc -l <"$work/payloads")" 200
	else
		check "gso: $1, $SEGMENTS segments" whole
	fi
	check "gso: $1, checksums" is "$(grep -c 'sum WRONG' "$work/capture")" 0
	check "gso: $1, file back" intact "$NS2" "$NS1" $SIZE
	drop_pair
}

plan 21
make_pair
n1 ip link set v1 gso_max_segs 1
n2 ip link set v2 gso_max_segs 1
edge "gso_max_segs 1"

make_pair
n1 tc qdisc add dev v1 root tbf rate 200mbit burst 5000 latency 200ms
n2 tc qdisc add dev v2 root tbf rate 200mbit burst 5000 latency 200ms
edge "tbf with a small burst" 5000

make_pair
n1 ethtool -K v1 tx-sctp-segmentation off >/dev/null
n2 ethtool -K v2 tx-sctp-segmentation off >/dev/null
edge "a device without the offload"

# Nor may the device be left to compute the sum.
make_pair
n1 ethtool -K v1 tx-sctp-segmentation off tx-checksumming off sg off >/dev/null
give_room "$NS1" $SIZE
watch "$NS2" v2 "$work/capture" -k
check "gso: a device without any offload, file" intact "$NS1" "$NS2" $SIZE
end_watch || note "the capture has holes"
look
check "gso: a device without any offload, $SEGMENTS segments" whole
check "gso: a device without any offload, sums of $MAC1" \
	is "$(grep "^[0-9.]* $MAC1" "$work/capture" | grep -c -v 'sum right')" 0
check "gso: a device without any offload, no sum was refused" \
	is "$(counter "$NS2" drop_checksum)" 0
drop_pair

make_pair
n1 ip link set v1 gso_max_size 20000
watch "$NS2" v2 "$work/capture"
check "gso: gso_max_size 20000, file" intact "$NS1" "$NS2" $SIZE
end_watch || note "the capture has holes"
look
check "gso: gso_max_size 20000 is kept" \
	is "$(awk '$2 + 54 > 20000' "$work/payloads" | wc -l)" 0
done_testing
