#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links of different MTU: each SYN says what its end can take, and the file is
# intact.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=$((2 << 20))

# The MSS in the SYN that the sender with the given MAC sent.
syn_mss()
{
	awk -v from="$1." 'index($2, from) == 1 && $5 ~ /^SYN/ {
		for (i = 6; i < NF; i++)
			if ($i == "mss") { print $(i + 1); exit }
	}' "$work/capture"
}

plan 16
for mtu in 576 1500 9000; do
	make_pair mtu $mtu
	watch "$NS2" v2 "$work/capture"
	check "mtu $mtu: file from n1 to n2" intact "$NS1" "$NS2" $SIZE
	end_watch || note "the capture has holes"
	check "mtu $mtu: MSS of the SYN" is "$(syn_mss $MAC1)" $((mtu - 40))
	check "mtu $mtu: MSS of the SYN+ACK" is "$(syn_mss $MAC2)" $((mtu - 40))
	check "mtu $mtu: file from n2 to n1" intact "$NS2" "$NS1" $SIZE
	drop_pair
done

# Cut to frames at the sender, no frame is above the smaller end's MTU.
frames_fit()
{
	payloads "$work/capture" $MAC1 >"$work/payloads"
	above "$(wc -l <"$work/payloads")" 0 &&
		is "$(awk '$2 > 1460' "$work/payloads" | wc -l)" 0
}

make_pair mtu 9000
n2 ip link set v2 mtu 1500
n1 ip link set v1 gso_max_segs 1
watch "$NS2" v2 "$work/capture"
check "mtu 9000 to 1500: file" intact "$NS1" "$NS2" $SIZE
end_watch || note "the capture has holes"
check "mtu 9000 to 1500: the smaller one holds" frames_fit
check "mtu 9000 to 1500: file back" intact "$NS2" "$NS1" $SIZE
check "mtu 9000 to 1500: MSS of the SYN" is "$(syn_mss $MAC1)" 8960
done_testing
