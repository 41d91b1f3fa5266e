#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The fast lane: a User-Mode Linux kernel full of checkers (uml.config), which
# boots in about a second and for which an hour of sleep takes no time.
#
# usage: uml.sh build                    make the kernel, once for each config
#        uml.sh kdir                     print the KDIR for modules of it
#        uml.sh module [MAKE ARGUMENT]   build build/uml/tether.ko
#        uml.sh run [OPTION]... [--] COMMAND...
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
#
# run's status is the command's, unless the kernel has something to say: see
# gate.sh. The guest's clock jumps over idle time, so a program that waits by
# spinning on the clock never ends: that is what the timeout is for.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=selftests/packages.sh
. "$top/selftests/packages.sh"

# Counts the changes of how the kernel is made, other than to uml.config.
RECIPE=1
# Lines of make's output, to tell how far a build has come.
STEPS=1506

# A config lives or dies by the compiler: gcov and KASAN are in its hands.
kernel_path()
{
	key=$({
		echo "$RECIPE"
		tether_linux_version
		gcc -dumpfullversion
		grep -v '^# [^C]' "$here/uml.config"
	} | sha256sum | cut -c 1-12)
	printf '%s\n' "$TETHER_CACHE/uml-$key"
}

# Every line of uml.config must still hold in the finished config.
check_config()
{
	lost=$(grep -E '^CONFIG_|^# CONFIG_' "$here/uml.config" |
		while read -r line; do
			case $line in
			'#'*)
				name=${line#\# }
				grep -q "^${name%% *}=" "$1" && echo "$line"
				;;
			*)
				grep -qxF -- "$line" "$1" || echo "$line"
				;;
			esac
		done)
	[ -z "$lost" ] || tether_die "the kernel's config dropped: $lost"
}

# Leave of the source and of the build what modules are built against.
prune()
{
	(cd "$1/source" && find . -mindepth 1 -maxdepth 1 \
		! -name Makefile ! -name Kbuild ! -name Kconfig ! -name arch \
		! -name include ! -name scripts ! -name build \
		-exec rm -rf {} + &&
		find arch -mindepth 1 -maxdepth 1 -type d \
			! -name um ! -name x86 -exec rm -rf {} +)
	(cd "$1/source/build" && find . -path ./scripts -prune -o -type f \
		\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \
		-o -name 'vmlinux*' -o -name linux -o -name '*.mod' \) \
		-exec rm -f {} +)
}

# The CPU's saved state outgrows the fixed size on machines with AMX, and the
# guest's first program would not start.
mend_source()
{
	file=$1/arch/x86/um/user-offsets.c
	sed -i 's/HOST_FP_SIZE, 2696/HOST_FP_SIZE, 11264/' "$file"
	grep -q 'HOST_FP_SIZE, 11264' "$file"
}

configure()
{
	make -s ARCH=um O=build tinyconfig &&
		scripts/kconfig/merge_config.sh -m -O build build/.config \
			"$here/uml.config" &&
		make -s ARCH=um O=build olddefconfig
}

compile()
{
	nice make ARCH=um O=build -j"$(nproc)" linux modules 2>&1 |
		tee "$1" | awk -v all="$STEPS" '
			/^  [A-Z]/ && ++n % int(all / 20) == 0 {
				p = int(n * 100 / all)
				printf "uml.sh: kernel %d %% built\n",
					(p > 99 ? 99 : p)
				fflush()
			}' >&2
	[ -x build/linux ] && [ -s build/Module.symvers ]
}

# Make the kernel in a folder beside its place, then move it there: what is
# in the cache is complete. The build folder lies in the source, which makes
# every path in it relative.
make_kernel()
{
	tether_need gcc make flex bison bc libc6-dev libelf-dev libssl-dev \
		perl xz-utils
	tarball=$(tether_linux_tarball) || exit 1
	rm -rf "$TETHER_CACHE"/uml-new.*
	new=$(mktemp -d "$TETHER_CACHE/uml-new.XXXXXX") || exit 1
	chmod 755 "$new"
	trap 'rm -rf "$new"' EXIT
	# Functions below have their messages in a file: keep ours visible.
	exec 7>&2
	trap 'tether_die "interrupted: run it again, it starts afresh" 2>&7' \
		INT TERM HUP
	tether_say "building the debug kernel into $kernel, once (20 minutes on 2 cores)"
	log=$top/build/uml-build.log
	mkdir -p "$top/build" "$new/source"
	tar -C "$new/source" --strip-components=1 -xf "$tarball" &&
		mend_source "$new/source" && cd "$new/source" || exit 1
	mkdir build
	configure >"$log" 2>&1 ||
		tether_die "the kernel's configuration failed: see $log"
	check_config build/.config
	compile "$log" ||
		tether_die "the kernel's build failed: see $log, mend it and run again"
	strip -o "$new/linux" build/linux
	cp build/.config "$new/config"
	cd "$top" || exit 1
	prune "$new"
	# A KDIR that says itself what it is for.
	# shellcheck disable=SC2016
	printf '%s\n' 'export ARCH := um' \
		'include $(dir $(lastword $(MAKEFILE_LIST)))../Makefile' \
		>"$new/source/build/Makefile"
	mv -T "$new" "$kernel" || exit 1
	trap - EXIT INT TERM HUP
	tether_say "built $kernel"
}

ensure_kernel()
{
	command -v gcc >/dev/null || tether_need gcc
	kernel=$(kernel_path)
	[ -x "$kernel/linux" ] && return
	mkdir -p "$TETHER_CACHE"
	exec 8>"$TETHER_CACHE/uml.lock"
	flock -n 8 || {
		tether_say "waiting for another build of the debug kernel"
		flock 8
	}
	[ -x "$kernel/linux" ] || make_kernel
	exec 8>&-
}

kdir()
{
	printf '%s\n' "$kernel/source/build"
}

# The module stands in build/<release> like any other kernel's; build/uml
# leads there.
make_module()
{
	dir=$("$here/build-module.sh" --where "$(kdir)" "$top") || exit 1
	mkdir -p "$top/build"
	ln -sfn "${dir##*/}" "$top/build/uml"
	"$here/build-module.sh" "$(kdir)" "$top" -s -j"$(nproc)" "$@"
}

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
# verdict, 2 the log's end with the leaks; what they read from is a pipe that
# stays silent, with a descriptor each as the guest wants. Standard output
# passes through a pipe too because the guest makes its end non-blocking, which
# is a property that all who share it see.
# With addresses left to chance the kernel would fill the gap that the host
# leaves above its data with memory, up to a gigabyte.
boot()
{
	# The command line is split on purpose.
	# shellcheck disable=SC2086
	exec timeout --foreground -s KILL "$limit" \
		setarch -R "$kernel/linux" mem="$mem" \
		uml_dir="$job/" umid=guest \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$here/init.sh" tether.job="$job" \
		tether.channel=/dev/ttyS1 tether.log=/dev/ttyS2 \
		tether.out=/dev/tty0 console=ttyS0 \
		con=none ssl=none ssl0=fd:7,fd:4 ssl1=fd:8,fd:5 ssl2=fd:9,fd:6 \
		oops=panic panic=-1 sysctl.kernel.hung_task_panic=1 quiet \
		$clock "$@" \
		3<>"$job/silence" 7<>"$job/silence" 8<>"$job/silence" \
		9<>"$job/silence" 4>"$job/console" 5>"$job/verdict" \
		6>"$job/end" 2>"$job/stderr"
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
	# shellcheck disable=SC3045
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
build|kdir|module|run|shell) ensure_kernel ;;
*) say_usage ;;
esac
case $verb in
build) ;;
kdir) kdir ;;
module) make_module "$@" ;;
run) run "$@" ;;
shell) shell "$@" ;;
esac
