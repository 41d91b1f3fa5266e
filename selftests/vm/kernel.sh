#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernels full of checkers, made from the kernel source package once for
# each config and kept in the cache: User-Mode Linux (debug.config and
# uml.config) and the one with two processors for QEMU (debug.config and
# x86.config).
#
# usage: kernel.sh image uml|debug    print the path of the kernel
#        kernel.sh kdir uml|debug     print the KDIR for modules of it
#        kernel.sh module uml|debug [MAKE ARGUMENT]...
#                                     build build/uml or build/debug/tether.ko
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=selftests/packages.sh
. "$top/selftests/packages.sh"

# Counts the changes of how a kernel is made, other than to its config.
RECIPE=2

# What differs between the two; $steps are the lines of make's output, to tell
# how far a build has come.
choose()
{
	case $1 in
	uml)
		arch=um fragment=uml.config image=linux steps=1506 ;;
	debug)
		arch=x86 fragment=x86.config image=vmlinux steps=2275 ;;
	*)
		say_usage ;;
	esac
	name=$1
}

config_lines()
{
	grep -hE '^CONFIG_|^# CONFIG_' "$here/debug.config" "$here/$fragment"
}

# A config lives or dies by the compiler: gcov and KASAN are in its hands.
kernel_path()
{
	key=$({
		echo "$RECIPE"
		tether_linux_version
		gcc -dumpfullversion
		config_lines
	} | sha256sum | cut -c 1-12)
	printf '%s\n' "$TETHER_CACHE/$name-$key"
}

# Every line of the fragments must still hold in the finished config.
check_config()
{
	lost=$(config_lines | while read -r line; do
		case $line in
		'#'*)
			option=${line#\# }
			grep -q "^${option%% *}=" "$1" && echo "$line"
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
# first program of User-Mode Linux would not start.
mend_source()
{
	file=$1/arch/x86/um/user-offsets.c
	sed -i 's/HOST_FP_SIZE, 2696/HOST_FP_SIZE, 11264/' "$file"
	grep -q 'HOST_FP_SIZE, 11264' "$file"
}

configure()
{
	make -s ARCH="$arch" O=build tinyconfig &&
		scripts/kconfig/merge_config.sh -m -O build build/.config \
			"$here/debug.config" "$here/$fragment" &&
		make -s ARCH="$arch" O=build olddefconfig
}

compile()
{
	nice make ARCH="$arch" O=build -j"$(nproc)" "$image" modules 2>&1 |
		tee "$1" | awk -v all="$steps" -v name="$name" '
			/^  [A-Z]/ && ++n % int(all / 20) == 0 {
				p = int(n * 100 / all)
				printf "kernel.sh: %s kernel %d %% built\n",
					name, (p > 99 ? 99 : p)
				fflush()
			}' >&2
	[ -x "build/$image" ] && [ -s build/Module.symvers ]
}

# Make the kernel in a folder beside its place, then move it there: what is
# in the cache is complete. The build folder lies in the source, which makes
# every path in it relative.
make_kernel()
{
	tether_need gcc make flex bison bc libc6-dev libelf-dev libssl-dev \
		perl xz-utils
	tarball=$(tether_linux_tarball) || exit 1
	rm -rf "$TETHER_CACHE/$name-new".*
	new=$(mktemp -d "$TETHER_CACHE/$name-new.XXXXXX") || exit 1
	chmod 755 "$new"
	trap 'rm -rf "$new"' EXIT
	# Functions below have their messages in a file: keep ours visible.
	exec 7>&2
	trap 'tether_die "interrupted: run it again, it starts afresh" 2>&7' \
		INT TERM HUP
	tether_say "building the kernel \"$name\" into $kernel, once (20 minutes on 2 cores)"
	log=$TETHER_CACHE/$name.log
	mkdir "$new/source"
	tar -C "$new/source" --strip-components=1 -xf "$tarball" ||
		tether_die "the source could not be unpacked: is there room in $TETHER_CACHE?"
	mend_source "$new/source" && cd "$new/source" || exit 1
	mkdir build
	configure >"$log" 2>&1 ||
		tether_die "the kernel's configuration failed: see $log"
	check_config build/.config
	compile "$log" ||
		tether_die "the kernel's build failed: see $log, mend it and run again"
	strip -o "$new/$image" "build/$image" &&
		cp build/.config "$new/config" ||
		tether_die "the kernel could not be stored: is there room in $TETHER_CACHE?"
	cd "$top" || exit 1
	prune "$new"
	# A KDIR that says itself what it is for.
	# shellcheck disable=SC2016
	printf '%s\n' "export ARCH := $arch" \
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
	[ -x "$kernel/$image" ] && return
	mkdir -p "$TETHER_CACHE"
	exec 8>"$TETHER_CACHE/$name.lock"
	flock -n 8 || {
		tether_say "waiting for another build of the kernel \"$name\""
		flock 8
	}
	[ -x "$kernel/$image" ] || make_kernel
	exec 8>&-
}

kdir()
{
	printf '%s\n' "$kernel/source/build"
}

# The module stands in build/<release> like any other kernel's; build/uml or
# build/debug leads there.
make_module()
{
	dir=$("$here/build-module.sh" --where "$(kdir)" "$top") || exit 1
	mkdir -p "$top/build"
	ln -sfn "${dir##*/}" "$top/build/$name"
	"$here/build-module.sh" "$(kdir)" "$top" -s -j"$(nproc)" "$@"
}

say_usage()
{
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[ $# -ge 2 ] || say_usage
verb=$1
choose "$2"
shift 2
case $verb in
image|kdir|module) ensure_kernel ;;
*) say_usage ;;
esac
case $verb in
image) printf '%s\n' "$kernel/$image" ;;
kdir) kdir ;;
module) make_module "$@" ;;
esac
