#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A peer that ignores the window, with frames of one byte each: the receive
# buffer never holds more than its limit and one super-frame.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

FRAMES=20000
SUPER_FRAME=$((65536 + 1024))

flood()
{
	n1 "$bin/peer" flood "$1" v1 "$NS2" v2 $FRAMES >"$work/flood" || return
	read -r _ limit _ most <"$work/flood"
	read -r _ bytes verdict < <(tail -n 1 "$work/flood")
	echo "limit $limit, most $most, $bytes bytes $verdict"
	above "$most" 0 && at_most "$most" $((limit + SUPER_FRAME))
}

plan 6
make_pair
check "window: bytes in order, memory" flood order
note "limit $limit, most $most, $bytes of $FRAMES bytes kept"
check "window: bytes in order, what is read" is "$verdict" intact
check "window: bytes in order, some were kept" above "$bytes" 0
drop_pair
make_pair
check "window: bytes with holes, memory" flood holes
note "limit $limit, most $most"
check "window: bytes with holes, none is read" is "$bytes" 0
drop_pair
make_pair
check "window: the namespaces still work" intact "$NS1" "$NS2" 1000000
done_testing
