#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fast lane: a User-Mode Linux kernel full of checkers (see kernel.sh),
# which boots in about a second and for which an hour of sleep takes no time.
#
# usage: uml.sh run [OPTION]... [--] COMMAND...
#        uml.sh shell [OPTION]... [-- COMMAND...]
#                                        on the terminal, in real time; without
#                                        a command a shell
#
#   --copy DIR       copy DIR's contents to where the command starts
#   --env NAME=VALUE set a variable for the command
#   --timeout SECS   how long it may take on the host's clock (default 300)
#   --realtime       let the guest's clock follow the host's
#   --mem SIZE       memory (default 512M)
#   --log FILE       keep the kernel log there (default build/uml-kernel.log)
#   --keep FILE      put a tar of what the run kept there; see init.sh
#
# run's status is the command's, unless the kernel has something to say: see
# gate.sh. The guest's clock jumps over idle time, so a program that waits by
# spinning on the clock never ends: that is what the timeout is for.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=selftests/packages.sh
. "$top/selftests/packages.sh"

say_usage()
{
	sed -n '/^# usage/,/^# run/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
}

parse_run()
{
	limit=300
	mem=512M
	clock=time-travel=inf-cpu
	log=$top/build/uml-kernel.log
	keep=
	: >"$job/copy"
	{
		printf 'TETHER_TOP=%s\nTETHER_KERNEL=uml\nTETHER_KO=%s\n' \
			"'$top'" "'$top/build/uml/tether.ko'"
		printf 'HOME=/root\nLANG=C\n'
		quote TERM "${TERM:-dumb}"
	} >"$job/env"
	while [ $# -gt 0 ]; do
		case $1 in
		--copy) realpath -e -- "$2" >>"$job/copy" || exit 2; shift ;;
		--env) quote "${2%%=*}" "${2#*=}" >>"$job/env"; shift ;;
		--timeout) limit=$2; shift ;;
		--mem) mem=$2; shift ;;
		--log) log=$2; shift ;;
		--keep) keep=$2; shift ;;
		--realtime) clock= ;;
		--) shift; break ;;
		-*) say_usage ;;
		*) break ;;
		esac
		shift
	done
	if [ $# = 1 ]; then
		printf '%s\n' "$1" >"$job/command"
	else
		for word in "$@"; do
			printf '%s ' "$(quote '' "$word")"
		done >"$job/command"
	fi
}

# NAME='value', or just 'value', as the shell reads it back.
quote()
{
	printf "%s'%s'\n" "${1:+$1=}" \
		"$(printf '%s' "$2" | sed "s/'/'\\\\''/g")"
}

# Each serial line of the guest is a file of ours: 0 the kernel's log, 1 the
# verdict, 2 the log's end with the leaks, 3 what is kept; what they read from is
# a pipe that stays silent, with a descriptor each as the guest wants. Standard
# output passes through a pipe too because the guest makes its end non-blocking,
# which is a property that all who share it see.
# With addresses left to chance the kernel would fill the gap that the host
# leaves above its data with memory, up to a gigabyte.
boot()
{
	# The command line is split on purpose.
	# shellcheck disable=SC2086
	exec timeout --foreground -s KILL "$limit" \
		setarch -R "$linux" mem="$mem" \
		uml_dir="$job/" umid=guest \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$here/init.sh" tether.job="$job" \
		tether.channel=/dev/ttyS1 tether.log=/dev/ttyS2 \
		tether.keep=/dev/ttyS3 tether.out=/dev/tty0 console=ttyS0 \
		con=none ssl=none ssl0=fd:7,fd:4 ssl1=fd:8,fd:5 ssl2=fd:9,fd:6 \
		ssl3=fd:11,fd:10 \
		rcupdate.rcu_cpu_stall_timeout=300 \
		sysctl.kernel.hung_task_timeout_secs=420 \
		oops=panic panic=-1 sysctl.kernel.hung_task_panic=1 quiet \
		$clock "$@" \
		3<>"$job/silence" 7<>"$job/silence" 8<>"$job/silence" \
		9<>"$job/silence" 11<>"$job/silence" 4>"$job/console" 5>"$job/verdict" \
		6>"$job/end" 10>"$job/keep" 2>"$job/stderr"
}

# What stands for the truth: the verdict's three lines with our token, then a
# kernel log with nothing in it that a developer would have to look at.
judge()
{
	# One such line comes for each terminal that is meant to be missing.
	grep -ahv 'setup_one_line failed' "$job/console" "$job/end" >"$log"
	status=$(sed -n 's/^status \([0-9]*\)$/\1/p' "$job/verdict")
	if [ "$(tail -n 1 "$job/verdict")" != "end $token" ] ||
		[ -z "$status" ]; then
		tail -n 30 "$log" >&2
		"$here/gate.sh" "$log"
		if [ "$1" = 137 ]; then
			tether_say "FAILED: no end within $limit s; log: $log"
			return 124
		fi
		tether_say "FAILED: the guest died; log: $log"
		return 125
	fi
	if ! "$here/gate.sh" "$log"; then
		tether_say "FAILED: the kernel complains; log: $log"
		[ "$status" != 0 ] || status=126
	fi
	return "$status"
}

run()
{
	job=$(mktemp -d "${TMPDIR:-/tmp}/uml.XXXXXX") || exit 1
	trap 'rm -rf "$job"' EXIT
	chmod 755 "$job"
	mkfifo "$job/silence"
	parse_run "$@"
	mkdir -p "$(dirname "$log")"
	token=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	echo "$token" >"$job/token"
	ulimit -c 0
	mkfifo "$job/out"
	cat "$job/out" &
	reader=$!
	boot con0=fd:3,fd:1 >"$job/out" &
	guest=$!
	trap 'kill "$guest"; exit 130' INT TERM HUP
	wait "$guest"
	code=$?
	# A process that it was just starting when it was killed stays, stopped
	# and with our pipe in its hands.
	[ ! -s "$job/guest/pid" ] ||
		kill -KILL -- "-$(cat "$job/guest/pid")" 2>/dev/null
	trap 'exit 130' INT TERM HUP
	wait "$reader"
	[ -z "$keep" ] || cp "$job/keep" "$keep"
	judge "$code"
}

# A shell, or a command, on the caller's terminal; its clock follows the host's.
shell()
{
	job=$(mktemp -d "${TMPDIR:-/tmp}/uml.XXXXXX") || exit 1
	chmod 755 "$job"
	mkfifo "$job/silence"
	parse_run --timeout 86400 --realtime "$@"
	[ -s "$job/command" ] || echo "exec ${SHELL:-/bin/sh} -i" >"$job/command"
	: >"$job/shell"
	echo "$$" >"$job/token"
	saved=$(stty -g)
	trap 'stty "$saved"; rm -rf "$job"' EXIT
	(boot con0=fd:0,fd:1)
}

[ $# -gt 0 ] || say_usage
verb=$1
shift
case $verb in
run|shell) ;;
*) say_usage ;;
esac
linux=$("$here/kernel.sh" image uml) || exit 1
"$verb" "$@"
