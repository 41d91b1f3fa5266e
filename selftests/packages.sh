# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Sourced by the scripts that need something of Debian: packages installed,
# or the kernel source package unpacked into the cache.

: "${TETHER_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/tether}"
export TETHER_CACHE

LINUX_SOURCE=linux-source-6.12

tether_say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

tether_die()
{
	tether_say "$*"
	exit 1
}

tether_as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# A fresh machine has no package lists yet.
tether_apt_lists()
{
	apt-cache show "$1" >/dev/null 2>&1 && return
	tether_say "fetching the package lists"
	tether_as_root apt-get -q -o DPkg::Lock::Timeout=300 update >&2
}

# Install those of the named packages that are missing.
tether_need()
{
	_missing=
	for _package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$_package" \
			2>/dev/null)" = installed ] ||
			_missing="$_missing $_package"
	done
	[ -n "$_missing" ] || return 0
	tether_apt_lists "${_missing##* }"
	tether_say "installing packages:$_missing"
	# The names are separate words on purpose.
	# shellcheck disable=SC2086
	tether_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=300 --no-install-recommends \
		install -y $_missing >&2 ||
		tether_die "could not install:$_missing; do so and run it again"
}

# Print the version of the kernel source in use: the one the cache holds, so
# that a cache stays whole, else the newest that Debian offers.
tether_linux_version()
{
	for _tarball in "$TETHER_CACHE/$LINUX_SOURCE"_*.tar.xz; do
		[ -e "$_tarball" ] || continue
		_tarball=${_tarball##*/"$LINUX_SOURCE"_}
		printf '%s\n' "${_tarball%.tar.xz}"
		return
	done
	tether_apt_lists "$LINUX_SOURCE"
	apt-cache show --no-all-versions "$LINUX_SOURCE" |
		sed -n 's/^Version: //p'
}

# Print the path of the kernel source tarball, after fetching it if need be.
tether_linux_tarball()
{
	_version=$(tether_linux_version)
	[ -n "$_version" ] || tether_die "no package $LINUX_SOURCE: is this Debian 12 with its security archive?"
	_tarball=$TETHER_CACHE/${LINUX_SOURCE}_$_version.tar.xz
	if [ ! -e "$_tarball" ]; then
		mkdir -p "$TETHER_CACHE"
		_dir=$(mktemp -d "$TETHER_CACHE/fetch.XXXXXX")
		tether_say "downloading $LINUX_SOURCE $_version (150 MB) into $TETHER_CACHE"
		if (cd "$_dir" &&
			apt-get -q download "$LINUX_SOURCE=$_version" >&2 &&
			dpkg-deb -x ./*.deb unpacked) &&
			mv "$_dir/unpacked/usr/src/$LINUX_SOURCE.tar.xz" "$_tarball"
		then
			rm -rf "$_dir"
		else
			rm -rf "$_dir"
			tether_die "$LINUX_SOURCE could not be fetched; run the command again"
		fi
	fi
	printf '%s\n' "$_tarball"
}
