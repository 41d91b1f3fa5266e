#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A peer that ignores the window, with frames of one byte each: the receive
# buffer never holds more than its limit and one such frame.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

FRAMES=8000
LIMIT=8192
# What one of them takes at most, and what is spare.
FRAME=4096

# flood order|holes: sets what the program held and what it read.
flood()
{
	n1 sysctl -q -w net.tether.rmem_default=$LIMIT || return
	n1 "$bin/peer" flood "$1" v1 "$NS2" v2 $FRAMES >"$work/flood" || return
	read -r _ limit _ most <"$work/flood"
	read -r _ bytes verdict < <(tail -n 1 "$work/flood")
	echo "limit $limit, most $most, $bytes bytes $verdict"
	is "$limit" $LIMIT && above "$most" 0 &&
		at_most "$most" $((limit + FRAME))
}

# Frames that were not kept, each counted.
refused()
{
	counter "$NS1" 'drop_@(window|memory|old)'
}

plan 8
make_pair
check "window: bytes in order, memory" flood order
note "limit $limit, most $most, $bytes of $FRAMES bytes kept"
check "window: bytes in order, what is read" is "$verdict" intact
check "window: bytes in order, some were kept" above "$bytes" 0
check "window: bytes in order, the rest was refused" \
	is $((bytes + $(refused))) $FRAMES
drop_pair
make_pair
check "window: bytes with holes, memory" flood holes
note "limit $limit, most $most"
check "window: bytes with holes, none is read" is "$bytes" 0
check "window: bytes with holes, most were refused" \
	above "$(refused)" $((FRAMES / 2))
drop_pair
make_pair
check "window: the namespaces still work" intact "$NS1" "$NS2" 1000000
done_testing
