#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fetch.sh image|headers|source 6.1|6.12: print the path of a stock Debian
# kernel (a folder with boot/ and lib/modules/), of its headers (a KDIR) or of
# the kernel source archive, unpacked in the cache and never installed.
# What is missing is downloaded with the machine's own package client.
#
# fetch.sh --offline ... prints what the cache holds, or fails.

set -u

here=$(dirname "$0")
offline=
# shellcheck source=selftests/packages.sh
. "$here/../packages.sh"
cache=$TETHER_CACHE

die()
{
	tether_die "$@"
}

# The newest stock kernel of a series that the package index offers.
newest_release()
{
	case $1 in
	6.1) pattern='^linux-image-(6\.1\.0-[0-9]+-amd64)$' ;;
	6.12) pattern='^linux-image-(6\.12\.[0-9]+\+deb12-amd64)$' ;;
	esac
	apt-cache pkgnames linux-image- | grep -E "$pattern" |
		sort -V | tail -n 1 | sed 's/^linux-image-//'
}

candidate()
{
	apt-cache policy "$1" | sed -n 's/^ *Candidate: //p' | grep -v none
}

# Download packages into a directory and unpack each into DEST.
unpack()
{
	dest=$1
	shift
	(cd "$dest" && mkdir debs && cd debs &&
		apt-get -q download "$@" >apt.log 2>&1) || {
		tail -n 2 "$dest/debs/apt.log" >&2
		die "download of $* failed; check the network, run" \
			"'apt-get update' as root and try again"
	}
	for deb in "$dest"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dest" ||
			die "$deb cannot be unpacked; is the disk full?"
	done
	rm -r "$dest/debs"
}

# 6.12's modules are compressed; guests load them before any userland runs.
mend_image()
{
	release=$(ls "$1/lib/modules" 2>/dev/null)
	if [ -z "$release" ]; then
		# merged /usr: the package may ship its modules there
		release=$(ls "$1/usr/lib/modules") || return 1
		ln -s usr/lib "$1/lib"
	fi
	/sbin/depmod -b "$1" "$release"
}

# The headers name each other by absolute path, and 6.12 points at a vmlinux
# whose BTF would need pahole; without it the build only skips BTF.
mend_headers()
{
	release=$2
	src=$1/usr/src
	final=$3
	kdir=$src/linux-headers-$release
	for file in Makefile .kernelvariables; do
		[ ! -f "$kdir/$file" ] ||
			sed -i "s,/usr/\(src\|lib\)/linux-,$final&,g" \
				"$kdir/$file" || return 1
	done
	rm -f "$kdir/vmlinux"
	# Any link that still leaves the tree would use the machine's files.
	find "$kdir" "$src" -maxdepth 2 -type l | while read -r link; do
		target=$(readlink "$link")
		case $target in
		/*) ln -sfn "$final$target" "$link" ;;
		esac
	done
}

# A package's folder appears in the cache complete or not at all.
fill()
{
	what=$1
	release=$2
	final=$3
	tmp=$(mktemp -d "$cache/unpack.XXXXXX") ||
		die "cannot write to the cache $cache; set TETHER_CACHE"
	trap 'rm -rf "$tmp"' EXIT
	case $what in
	image)
		unpack "$tmp" "linux-image-$release"
		mend_image "$tmp" || die "depmod failed for $release" ;;
	headers)
		# shellcheck disable=SC2046
		unpack "$tmp" $(header_packages "$release")
		mend_headers "$tmp" "$release" "$final" ||
			die "the headers of $release have an unknown layout" ;;
	esac
	chmod 755 "$tmp"
	mv -T "$tmp" "$final" || die "cannot rename $tmp to $final"
	trap - EXIT
}

header_packages()
{
	base=${1%-amd64}
	echo "linux-headers-$1" "linux-headers-$base-common"
	apt-cache depends "linux-headers-$1" |
		sed -n 's/^ *Depends: \(linux-kbuild-.*\|linux-compiler-.*\)/\1/p'
}

# What the folder offers, by kind.
answer()
{
	case $1 in
	image) echo "$3" ;;
	headers) echo "$3/usr/src/linux-headers-$2" ;;
	esac
}

newest_cached()
{
	case $2 in
	6.1) stem=6.1.0- ;;
	*) stem=$2. ;;
	esac
	find "$cache" -maxdepth 1 -name "$1-$stem*" 2>/dev/null |
		sort -V | tail -n 1
}

# Set release and final from what the package index offers.
look_up()
{
	release=$(newest_release "$series")
	[ -n "$release" ] || return 1
	package=linux-$what-$release
	version=$(candidate "$package")
	[ -n "$version" ] || return 1
	final=$cache/$what-$release-$(echo "$version" | tr '/:' '__')
}

# Set release and final from what the cache holds.
look_in_cache()
{
	final=$(newest_cached "$what" "$series")
	[ -n "$final" ] || return 1
	release=$(basename "$final")
	release=${release#"$what"-}
	release=${release%-amd64-*}-amd64
}

if [ "${1:-}" = --offline ]; then
	offline=1
	shift
fi
[ $# = 2 ] || die "usage: fetch.sh [--offline] image|headers|source 6.1|6.12"
what=$1
series=$2
case $what in
image|headers) ;;
source)
	[ "$series" = 6.12 ] || die "the source in use is that of 6.12"
	tether_linux_tarball
	exit ;;
*) die "no such thing to fetch: $what" ;;
esac
case $series in
6.1|6.12) ;;
*) die "no stock kernel $series; the choice is 6.1 or 6.12" ;;
esac

if [ -n "$offline" ]; then
	look_in_cache || die "no $what of $series in the cache $cache"
	answer "$what" "$release" "$final"
	exit
fi
"$here/packages.sh" fetch || exit 1
mkdir -p "$cache" || die "cannot create the cache $cache; set TETHER_CACHE"
tether_apt_lists linux-image-amd64
if ! look_up; then
	look_in_cache || die "the package index has no $what for $series;" \
		"run 'apt-get update' as root (Debian 12, bookworm-security)"
fi
exec 9>"$cache/.lock-$what-$series" || die "cannot write to $cache"
flock 9
if [ ! -d "$final" ]; then
	tether_say "downloading $package $version into $cache"
	fill "$what" "$release" "$final"
fi
answer "$what" "$release" "$final"
