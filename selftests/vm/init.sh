#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# PID 1 of a test guest, under QEMU and as User-Mode Linux alike.
#
# It starts with the host's root file system mounted read-only as "/", puts a
# tmpfs overlay on it, runs one command, reports the outcome on a channel of
# its own and powers off.
#
# Kernel command line:
#   tether.job=DIR       the run, as a directory of the host (below); required
#   tether.channel=PATH  where the verdict goes, a device or a file of the
#                        guest; default: the virtio port tether.verdict
#   tether.out=PATH      where the command's output goes; default: the virtio
#                        port tether.out; an interactive run uses it as its tty
#   tether.log=PATH      where the whole kernel log goes at the end, and what the
#                        run left behind; default: the virtio port tether.log;
#                        left out if there is none
#   tether.keep=PATH     where a tar of /run/tether/keep goes at the end, with
#                        the coverage of modules, if the kernel counts it, in
#                        gcov; default: the virtio port tether.keep
#
# Files in DIR (only "command" and "token" are required):
#   command   a shell script, run by sh; its status is the guest's status
#   token     a word; proof that the verdict is this run's and is complete
#   env       lines NAME='value', exported to the command
#   modules   a directory to appear as /lib/modules/$(uname -r)
#   load      modules to load by name before the command, one a line
#   copy      host directories, one a line; their contents are copied to
#             /run/tether/job, where the command starts
#   warm      host files, one a line, to be copied to memory beforehand: on
#             the virtual clock host I/O would pass as idle time
#   shell     present: the command is interactive and tether.out is its tty
#
# The verdict is, each on its own line, the first when the command starts:
#   begin TOKEN   status N   taint N   end TOKEN

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOST=/run/tether/host
export PATH

# The value of a kernel command line word, or the default.
word()
{
	value=$2
	for w in $(cat /proc/cmdline); do
		case $w in
		"$1="*) value=${w#*=} ;;
		esac
	done
	printf '%s\n' "$value"
}

# The device of the virtio port with this name, or nothing.
port()
{
	for p in /sys/class/virtio-ports/*; do
		if [ -r "$p/name" ] && [ "$(cat "$p/name")" = "$1" ]; then
			printf '/dev/%s\n' "${p##*/}"
		fi
	done
}

power_off()
{
	sync
	echo 1 >/proc/sys/kernel/sysrq
	echo o >/proc/sysrq-trigger
	# The power goes off from a work item: wait for it.
	while :; do sleep 60; done
}

# Put a writable tmpfs over the host's root and start again inside it. A
# kernel without overlayfs gets a read-only root with tmpfs where it matters.
enter_overlay()
{
	mount -t tmpfs -o mode=755 tmpfs /mnt
	mkdir /mnt/upper /mnt/work /mnt/root
	if mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work \
		overlay /mnt/root; then
		cd /mnt/root || exit 1
		pivot_root . mnt
		cd / || exit 1
	else
		umount /mnt
	fi
	TETHER_STAGE=2
	export TETHER_STAGE
	exec /bin/sh "$0"
}

mount_all()
{
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	# The kernel may have mounted it already.
	grep -q ' /dev devtmpfs ' /proc/mounts ||
		mount -t devtmpfs devtmpfs /dev
	mkdir -p /dev/pts /dev/shm
	mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
	mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /run/tether/job /run/tether/keep /run/netns /run/lock "$HOST"
	if grep -q ' / overlay ' /proc/mounts; then
		mount --move /mnt "$HOST"
	else
		mount --bind / "$HOST"
	fi
	mount -t tmpfs -o mode=1777 tmpfs /tmp
}

# What the run needs stays visible under its host path even if /tmp or /run,
# now fresh, used to hold it.
show_again()
{
	case $1 in
	/tmp/*|/run/*)
		mkdir -p "$1"
		mount --bind "$HOST$1" "$1" ;;
	esac
}

prepare()
{
	if [ -s "$job/modules" ]; then
		dir=$(cat "$job/modules")
		here=/lib/modules/$(uname -r)
		mkdir -p "$here"
		# The indexes are read by every insmod and rmmod.
		cp "$HOST$dir"/modules.* "$here/"
		[ -e "$here/kernel" ] || ln -s "$HOST$dir/kernel" "$here/"
	fi
	if [ -r "$job/env" ]; then
		set -a
		. "$job/env"
		set +a
	fi
	show_again "${TETHER_TOP:-/}"
	ip link set lo up
	if [ -r "$job/copy" ]; then
		while read -r dir; do
			cp -a "$HOST$dir/." /run/tether/job/ || return 1
		done <"$job/copy"
	fi
	# A change of times makes the overlay copy a file up into tmpfs.
	if [ -r "$job/warm" ]; then
		xargs -r -d '\n' touch -h -c -a <"$job/warm" || return 1
	fi
	if [ -r "$job/load" ]; then
		while read -r name; do
			modprobe "$name" || return 1
		done <"$job/load"
	fi
}

run_command()
{
	if [ -e "$job/shell" ]; then
		setsid --ctty --wait sh "$job/command" <"$out" >"$out" 2>&1
	else
		setsid --wait sh "$job/command" </dev/null >"$out" 2>&1
	fi
}

kernel_log()
{
	dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null
	cat /run/tether/leftovers
}

# A file of debugfs does not say how long it is, which tar must know.
keep_coverage()
{
	gcov=/sys/kernel/debug/gcov
	[ -d $gcov ] || return 0
	(cd $gcov && find . -name '*.gcda') | while read -r file; do
		copy=/run/tether/keep/gcov/$file
		mkdir -p "${copy%/*}" && cat "$gcov/$file" >"$copy"
	done
}

if [ "${TETHER_STAGE:-1}" = 1 ]; then
	enter_overlay
fi

mount_all
own=$(dirname "$0")
hostname tether
job=$HOST$(word tether.job /nonexistent)
channel=$(word tether.channel "$(port tether.verdict)")
out=$(word tether.out "$(port tether.out)")
log=$(word tether.log "$(port tether.log)")
keep=$(word tether.keep "$(port tether.keep)")
: "${out:=/dev/console}"
for tty in "$channel" "$log" "$keep"; do
	[ -c "$tty" ] && stty -F "$tty" raw -echo 2>/dev/null
done
[ -e "$job/shell" ] || stty -F "$out" -opost 2>/dev/null

if [ ! -r "$job/command" ]; then
	echo "tether-init: no command in $job" >/dev/console
	power_off
fi
token=$(cat "$job/token")
cd /run/tether/job || power_off
if prepare >"$out" 2>&1; then
	namespaces=$("$own/leftovers.sh" before)
	printf 'begin %s\n' "$token" >"$channel"
	run_command
	status=$?
else
	echo "tether-init: the guest could not be prepared" >/dev/console
	status=120
fi
cd /
"$own/leftovers.sh" after "${namespaces:-}" >/run/tether/leftovers 2>/dev/null
keep_coverage
[ -n "$keep" ] && tar -C /run/tether/keep -cf - . | cat >"$keep"
[ -n "$log" ] && kernel_log >"$log"
taint=$(cat /proc/sys/kernel/tainted)
printf 'status %d\ntaint %d\nend %s\n' "$status" "$taint" "$token" >"$channel"
power_off
