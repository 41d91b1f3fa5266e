#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build-module.sh KDIR TOP [make arguments]: build tether.ko for the kernel of
# KDIR in TOP/build/<release>, from a copy of the sources, and print nothing
# but make's output. KOUT=DIR names the kernel's own build directory (O=).
#
# build-module.sh --where KDIR TOP: print that directory.

set -eu

where=
if [ "$1" = --where ]; then
	where=1
	shift
fi
kdir=$1
top=$2
shift 2
kout=
for arg in "$@"; do
	case $arg in
	KOUT=*) kout=${arg#KOUT=} ;;
	esac
done

# Debian's kernel.release is not what its kernels call themselves.
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)".*/\1/p' \
	"${kout:-$kdir}/include/generated/utsrelease.h" 2>/dev/null) || :
if [ -z "$release" ]; then
	echo "build-module.sh: $kdir is no configured kernel or its headers" >&2
	exit 1
fi
dir=$top/build/$release
if [ -n "$where" ]; then
	echo "$dir"
	exit
fi

# The copy mirrors the tree: links to its files, and none to removed ones.
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
cp -rsf "$top/Kbuild" "$top/net" "$top/include" "$dir/"
find "$dir/net" "$dir/include" -xtype l -delete

for arg in "$@"; do
	shift
	case $arg in
	KOUT=*) [ -z "$kout" ] || set -- "$@" "O=$kout" ;;
	*) set -- "$@" "$arg" ;;
	esac
done
exec make --no-print-directory -C "$kdir" "M=$dir" "$@" modules
