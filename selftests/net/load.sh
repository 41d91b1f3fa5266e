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

# refuses ERRNO PATTERN PARAMETER: insmod fails, and the log says why. The
# errno is in insmod's words.
refuses()
{
	mark_log "$3"
	if message=$(insmod "$KO" "$3" 2>&1); then
		echo "# insmod $3 succeeded"
		rmmod tether
		return 1
	fi
	case $1:$message in
	EEXIST:*"File exists"|EINVAL:*"Invalid parameters") ;;
	*)
		echo "# not $1: $message"
		return 1
		;;
	esac
	fresh_log | grep -q "tether: $2" && return
	echo "# the log does not say: $2"
	return 1
}

# accepts PARAMETER: it loads, and /sys tells the number.
accepts()
{
	insmod "$KO" "$1" &&
		read -r value <"/sys/module/tether/parameters/${1%=*}" &&
		[ "$value" = $((${1#*=})) ] && rmmod tether
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
echo "1..14"
check load_default registers_default
check unload unloads
check load_other_family registers_other
check refuse_taken refuses EEXIST "family=2 is taken" family=2
# AF_MAX is 46 in both kernels.
check accept_greatest accepts family=45
check refuse_above_range refuses EINVAL "family=46 is out of range" family=46
check refuse_zero refuses EINVAL "family=0 is out of range" family=0
check accept_ethertype_least accepts ethertype=0x600
check accept_ethertype_greatest accepts ethertype=0xffff
check refuse_ethertype_length \
	refuses EINVAL "ethertype=0x5ff is out" ethertype=0x5ff
check refuse_ethertype_wide \
	refuses EINVAL "ethertype=0x10000 is out" ethertype=0x10000
# One that is out of range leaves the family free.
check load_after_refusal registers_default
check unload_after_refusal unloads
check load_ten_times loads_often
[ -z "$was_loaded" ] || insmod "$KO"
[ $failures = 0 ]
