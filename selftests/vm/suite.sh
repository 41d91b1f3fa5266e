#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# suite.sh DIR PROGRAM...: run the test programs of a suite, in the guest.
#
# Each program gets a freshly loaded module and leaves none behind: unload
# must succeed after every one of them. What a program prints is passed on
# between lines that start with "===", which selftests/check reads:
#
#   === begin PROGRAM
#   === load N                  status of insmod
#   === status N                of the program
#   === kernel KIND: LINE       the kernel complained meanwhile
#   === unload N                of rmmod, once the last orphan has ended
#   === time N                  seconds of the guest's clock
#   === end PROGRAM

set -u

dir=$1
shift
work=$(pwd)
here=$(cd "$(dirname "$0")" && pwd)
TETHER_KO=$work/tether.ko
PATH=$work/tools:$PATH
export TETHER_KO PATH

frame()
{
	printf '\n=== %s\n' "$*"
}

# What the kernel has said since the mark was written into its log.
log_since()
{
	dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null |
		awk -v mark="$1" 'seen { print } index($0, mark) { seen = 1 }'
}

# A socket without an owner keeps the module for a while, as TCP's orphans
# keep their memory: look again until the stated time is over.
unload()
{
	left=${UNLOAD_TRIES:-450}
	while [ -d /sys/module/tether ]; do
		if message=$(rmmod tether 2>&1); then
			break
		fi
		left=$((left - 1))
		if [ $left = 0 ]; then
			echo "# $message"
			return 1
		fi
		sleep 0.2
	done
}

# On the virtual clock the only watchdog is the host's. Elsewhere a program
# that hangs shall not take those after it along.
run_program()
{
	case ${TETHER_CLOCK:-} in
	smp) timeout -k 10 "${PROGRAM_SECONDS:-900}" "./$1" ;;
	*) "./$1" ;;
	esac
}

run_one()
{
	frame "begin $1"
	began=$(date +%s)
	mark="tether-suite: $1 $began"
	echo 1 2>/dev/null >/sys/kernel/debug/clear_warn_once
	echo "<6>$mark" >/dev/kmsg
	insmod "$TETHER_KO"
	frame "load $?"
	run_program "$1" </dev/null 2>&1
	frame "status $?"
	unload
	status=$?
	log_since "$mark" >"$work/kernel.log"
	"$here/gate.sh" "$work/kernel.log" 2>&1 | while read -r line; do
		frame "kernel $line"
	done
	frame "unload $status"
	frame "time $(($(date +%s) - began))"
	frame "end $1"
}

cd "$work/$dir" || exit 1
for program in "$@"; do
	run_one "$program"
done
frame "done"
