#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Real drivers: an emulated e1000 and a virtio-net card on one hub, each in a
# namespace of its own. The guest is started with these cards on purpose.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=$((1 << 20))
MSS=1460
SEGMENTS=$(((SIZE + MSS - 1) / MSS))

# The first device with this driver.
card()
{
	local link
	for link in /sys/class/net/*/device/driver; do
		[ "$(basename "$(readlink "$link")")" = "$1" ] || continue
		basename "${link%/device/driver}"
		return
	done
}

put_card()
{
	local device
	device=$(card "$1")
	ip link set "$device" down
	ip link set "$device" netns "$2" name "$3"
	in_ns "$2" ip link set "$3" address "$4" up
	wait_for 10 link_is_up "$2" "$3" || bail "no link on $device"
}

# A card goes back with its namespace; its name must be free there.
give_back()
{
	in_ns "$1" ip link set "$2" down
	in_ns "$1" ip link set "$2" netns 1 name "$3"
}

# direction NAME FROM TO DEVICE MAC: DEVICE is the receiver's.
direction()
{
	give_room "$2" $SIZE
	watch "$3" "$4" "$work/capture" -k
	check "nic: $1, file" intact "$2" "$3" $SIZE
	end_watch || note "the capture has holes"
	payloads "$work/capture" "$5" >"$work/payloads"
	check "nic: $1, no frame above the MSS" \
		is "$(awk -v mss=$MSS '$2 > mss' "$work/payloads" | wc -l)" 0
	check "nic: $1, $SEGMENTS segments" \
		segments_are_whole "$work/payloads" $MSS $SEGMENTS
	check "nic: $1, sums right on arrival" is "$(grep "^[0-9.]* $5" \
		"$work/capture" | grep -c -v 'sum right')" 0
	check "nic: $1, no sum was refused" \
		is "$(counter "$3" drop_checksum)" 0
}

[ -n "$(card e1000)" ] && [ -n "$(card virtio_net)" ] ||
	skip_all "the guest has no e1000 and virtio-net card"
plan 11
make_namespaces
put_card e1000 "$NS1" v1 $MAC1
put_card virtio_net "$NS2" v2 $MAC2
direction "e1000 to virtio-net" "$NS1" "$NS2" v2 $MAC1
direction "virtio-net to e1000" "$NS2" "$NS1" v1 $MAC2
check "nic: file of 8 MiB" intact "$NS1" "$NS2" $((8 << 20))
give_back "$NS1" v1 nic1
give_back "$NS2" v2 nic2
done_testing
