#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Put kselftest's harness, lib.mk, runner and shell helpers, and the kernel's
# style checkers, into build/: they belong to the kernel and are taken from
# its source package, not copied into this tree.
#
# usage: kselftest.sh            make build/kselftest and build/kernel-scripts
#        kselftest.sh --path     the same, and print the first one's path
#        kselftest.sh --scripts  the same, and print the second one's path
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=selftests/packages.sh
. "$top/selftests/packages.sh"

SELFTESTS="kselftest.h kselftest_harness.h lib.mk net/lib.sh
	kselftest/ktap_helpers.sh kselftest/ksft.py kselftest/module.sh
	kselftest/prefix.pl kselftest/runner.sh"
SCRIPTS="checkpatch.pl spelling.txt const_structs.checkpatch kernel-doc"

# Unpack the members into the cache, once for each version and list.
unpack()
{
	cached=$1
	tarball=$(tether_linux_tarball)
	new=$(mktemp -d "$TETHER_CACHE/unpack.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	set --
	for name in $SELFTESTS; do
		set -- "$@" "$LINUX_SOURCE/tools/testing/selftests/$name"
	done
	for name in $SCRIPTS; do
		set -- "$@" "$LINUX_SOURCE/scripts/$name"
	done
	tether_say "unpacking kselftest from $LINUX_SOURCE $version"
	tar -C "$new" --strip-components=1 --occurrence=1 -xf "$tarball" "$@"
	chmod 755 "$new"
	mv "$new/tools/testing/selftests" "$new/kselftest"
	mv "$new/scripts" "$new/kernel-scripts"
	rm -r "$new/tools"
	mv -T "$new" "$cached" 2>/dev/null || [ -d "$cached" ]
}

tether_need xz-utils
version=$(tether_linux_version)
list=$(printf '%s' "$SELFTESTS $SCRIPTS" | cksum | cut -d ' ' -f 1)
cached=$TETHER_CACHE/kselftest-$version-$list
stamp=$top/build/kselftest/version

mkdir -p "$top/build"
exec 9<"$top/build"
flock 9
if [ "$(cat "$stamp" 2>/dev/null)" != "$version-$list" ]; then
	[ -d "$cached" ] || unpack "$cached"
	rm -rf "$top/build/kselftest" "$top/build/kernel-scripts"
	cp -a "$cached/kernel-scripts" "$cached/kselftest" "$top/build/"
	printf '%s\n' "$version-$list" >"$stamp"
fi
case ${1:-} in
'') ;;
--path) printf '%s\n' "$top/build/kselftest" ;;
--scripts) printf '%s\n' "$top/build/kernel-scripts" ;;
*) tether_die "usage: kselftest.sh [--path | --scripts]" ;;
esac
