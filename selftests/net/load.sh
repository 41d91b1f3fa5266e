#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Load and unload of the module itself: it takes the family number it is
# given, says clearly why it refuses one, and leaves nothing behind.

KO=${TETHER_KO:-}
number=0
failures=0

# check NAME COMMAND...: one line of TAP.
check()
{
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $name"
	else
		echo "not ok $number $name"
		failures=$((failures + 1))
	fi
}

loaded()
{
	[ -d /sys/module/tether ]
}

# The kernel's messages since the last look.
fresh_log()
{
	dmesg | awk -v mark="$mark" 'seen { print } index($0, mark) { seen = 1 }'
}

mark_log()
{
	mark="load.sh: mark $1"
	echo "<6>$mark" >/dev/kmsg
}

# socket(2) with this family: the name of its errno, or "ok".
try_socket()
{
	python3 - "$1" "$2" <<-'PYTHON'
	import errno, socket, sys
	try:
	    socket.socket(int(sys.argv[1]), int(sys.argv[2]), 0).close()
	    print("ok")
	except OSError as e:
	    print(errno.errorcode[e.errno])
	PYTHON
}

# refuses PATTERN PARAMETER: insmod fails, and the log says why.
refuses()
{
	mark_log "$2"
	if insmod "$KO" "$2" 2>/dev/null; then
		echo "# insmod $2 succeeded"
		rmmod tether
		return 1
	fi
	fresh_log | grep -q "tether: $1" && return
	echo "# the log does not say: $1"
	return 1
}

registers_default()
{
	insmod "$KO" && loaded &&
		[ "$(cat /sys/module/tether/parameters/family)" = 18 ] &&
		[ "$(try_socket 18 1)" != EAFNOSUPPORT ]
}

unloads()
{
	rmmod tether && ! loaded && [ "$(try_socket 18 1)" = EAFNOSUPPORT ]
}

registers_other()
{
	insmod "$KO" family=19 && [ "$(try_socket 19 1)" != EAFNOSUPPORT ] &&
		[ "$(try_socket 18 1)" = EAFNOSUPPORT ] && rmmod tether
}

loads_often()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		insmod "$KO" && rmmod tether || return 1
	done
}

if [ ! -r "$KO" ] || [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP needs root and TETHER_KO, the path of tether.ko"
	exit 4
fi
was_loaded=
if loaded; then
	was_loaded=1
	rmmod tether || exit 1
fi

echo "TAP version 13"
echo "1..9"
check load_default registers_default
check unload unloads
check load_other_family registers_other
check refuse_taken refuses "family=2 is taken" family=2
check refuse_above_range refuses "family=99 is out of range" family=99
check refuse_zero refuses "family=0 is out of range" family=0
check refuse_ethertype_length refuses "ethertype=0x5dc is out" ethertype=0x5dc
check refuse_ethertype_wide refuses "ethertype=0x10000 is out" ethertype=0x10000
check load_ten_times loads_often
[ -z "$was_loaded" ] || insmod "$KO"
[ $failures = 0 ]
