#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unload: refused while a program has a socket of whichever kind, with a port
# or without, or an orphan lives; TIME_WAIT does not hold it up. Programs find
# the family when it has another number.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

[ -r "${TETHER_KO:-}" ] || skip_all "TETHER_KO does not name tether.ko"

ORPHAN_SECONDS=5

loaded()
{
	[ -d /sys/module/tether ]
}

load()
{
	loaded || insmod "$TETHER_KO"
}

refused()
{
	if rmmod tether 2>"$work/error"; then
		load
		echo "it was unloaded"
		return 1
	fi
	grep -q "in use" "$work/error" || { cat "$work/error"; return 1; }
}

unload()
{
	rmmod tether
}

can_unload()
{
	rmmod tether 2>/dev/null
}

has_time_wait()
{
	local ns
	for ns in "$NS1" "$NS2"; do
		in_ns "$ns" sysctl -q -w net.tether.time_wait_ms=60000
	done
	intact "$NS1" "$NS2" 10000 || return
	for ns in "$NS1" "$NS2"; do
		[ "$(sockets "$ns" TIME_WAIT)" = 0 ] || return 0
	done
	return 1
}

# The peer of FIN_WAIT1 never answers: what is left has no program.
make_orphan()
{
	hold "$NS1" FIN_WAIT1 v1 "$NS2" v2 && release &&
		has_sockets "$NS1" FIN_WAIT1 1
}

# insmod with another family number: the programs read it from sysfs.
other_numbers()
{
	local status
	insmod "$TETHER_KO" family=19 ethertype=0x88b6 || return
	make_pair
	intact "$NS1" "$NS2" 100000
	status=$?
	drop_pair
	rmmod tether && return $status
}

plan 15
make_pair
for state in NEW CLOSED LISTEN COMPLETED ESTABLISHED BOUND; do
	hold "$NS1" $state v1 "$NS2" v2 || bail "no socket in $state"
	check "unload: refused with a socket in $state" refused
	release
done
drop_pair

check "unload: after the sockets have ended" wait_for 10 can_unload
check "load: again" load
make_pair
check "unload: a connection in TIME_WAIT" has_time_wait
check "unload: TIME_WAIT is purged" unload
load

n1 sysctl -q -w net.tether.orphan_timeout_ms=${ORPHAN_SECONDS}000
check "unload: an orphan" make_orphan
check "unload: refused while it lives" refused
check "unload: it ends in the stated time" \
	wait_for $((ORPHAN_SECONDS + 1)) has_sockets "$NS1" FIN_WAIT1 0
check "unload: after the orphan" wait_for 1 can_unload
drop_pair

check "load: other numbers work" other_numbers
load
done_testing
