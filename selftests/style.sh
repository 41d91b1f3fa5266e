#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The style gates, each one subtest of TAP, each at zero findings. A failing
# gate prints what it found as comments.
#
# usage: style.sh [GATE]...
#
# Files in use: all that git tracks, or would if they were added.
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=selftests/packages.sh
. "$top/selftests/packages.sh"
cd "$top" || exit 1

GATES="checkpatch module-6.1 module-6.12 kernel-doc kernel-doc-complete
	shellcheck codespell spdx file-length function-length kernel-version
	core-pure state-writer uapi-c uapi-c++ uapi-layout no-leftovers docs"

MAX_FILE=900
MAX_FUNCTION=100

list_files()
{
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -type f -printf '%P\n'
	fi | sort -u | while read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# files REGEX: those whose name matches.
files()
{
	grep -E "$1" <<<"$all" || true
}

shell_scripts()
{
	while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) ! head -n 1 "$file" | grep -qE '^#!.*\b(ba|da)?sh\b' ||
			echo "$file" ;;
		esac
	done <<<"$all"
}

# A C file without its comments and strings, line by line where it was.
without_comments()
{
	gcc -fpreprocessed -dD -E -x c - <"$1" 2>/dev/null |
		awk -v name="$1" '
			/^# [0-9]+ / { line = $2; next }
			{ gsub(/"([^"\\]|\\.)*"/, "\"\"")
			  print name ":" line++ ":" $0 }'
}

# code REGEX FILE...: lines of code, not comments, that match.
code()
{
	local regex=$1
	shift
	for file in "$@"; do
		without_comments "$file"
	done | grep -E -- "^[^:]*:[0-9]*:.*($regex)" || true
}

# Every gate prints its findings; none means that it holds.

# run_checkpatch IGNORED FILE...; IGNORED is a list with commas, or "none".
# What it said of a file is kept until the file changes.
run_checkpatch()
{
	local ignored=$1
	shift
	scripts=$("$top/selftests/kselftest.sh" --scripts) || exit 1
	mkdir -p build/style/root/include build/style/found
	export -f check_file
	export scripts ignored
	printf '%s\n' "$@" |
		xargs -r -d '\n' -n 1 -P "$(nproc)" bash -c 'check_file "$1"' -
}

# spelling.txt and const_structs.checkpatch lie beside checkpatch.pl. Its
# option --codespell takes five times as long as all the rest and finds
# nothing that the gate codespell, with the same dictionary, does not.
check_file()
{
	local found
	found=build/style/found/$(cat build/kselftest/version "$1" - \
		<<<"$ignored $1" | sha256sum | cut -d ' ' -f 1)
	if [ ! -e "$found" ]; then
		perl "$scripts/checkpatch.pl" --no-tree --strict \
			--root="$PWD/build/style/root" --terse --show-types \
			--no-summary --quiet --ignore "$ignored" \
			-f "$1" >"$found.$$" 2>&1
		mv "$found.$$" "$found"
	fi
	cat "$found"
}

# Three sets of files have checks that cannot apply to them, by name:
# - the trace header: TRACE_EVENT is laid out like no other macro, its parts
#   open with a bracket at the end of the line and are indented by tabs;
# - programs: what the kernel has instead of C's types and volatile is not
#   theirs (checkpatch itself lets the first pass in the kernel's tools/), and
#   they, like the planted faults of the canary, are free to end at a BUG;
# - the shim, which defines for programs what checkpatch tells to use.
gate_checkpatch()
{
	local -a kernel traced program shim
	local user=PREFER_KERNEL_TYPES,VOLATILE,AVOID_BUG
	local shim_has=NEW_TYPEDEFS,PREFER_DEFINED_ATTRIBUTE_MACRO
	shim_has=$shim_has,MACRO_ARG_REUSE
	mapfile -t kernel < <(files '^(net|include)/.*\.[ch]$' |
		grep -vx net/tether/trace.h)
	mapfile -t traced < <(files '^net/tether/trace\.h$')
	mapfile -t program < <(files '\.[ch]$' |
		grep -vE '^(net|include|selftests/unit/shim)/')
	mapfile -t shim < <(files '^selftests/unit/shim/.*\.[ch]$')
	run_checkpatch none "${kernel[@]}"
	[ ${#traced[@]} = 0 ] || run_checkpatch \
		OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "${traced[@]}"
	[ ${#program[@]} = 0 ] || run_checkpatch $user "${program[@]}"
	[ ${#shim[@]} = 0 ] || run_checkpatch $user,$shim_has "${shim[@]}"
}

# The whole module anew, since a compiler warns only when it compiles. With
# make silent, whatever it says is a finding.
build_module()
{
	local kdir tree=build/style/$1
	kdir=$(selftests/vm/fetch.sh headers "$1" 2>build/style/fetch.log) || {
		cat build/style/fetch.log
		return
	}
	rm -rf "$tree"
	mkdir -p "$tree"
	cp -rs "$top/Kbuild" "$top/net" "$top/include" "$tree/"
	make -s -j"$(nproc)" -C "$kdir" M="$top/$tree" W=1 C=2 \
		CF=-D__CHECK_ENDIAN__ modules 2>&1 |
		grep -v 'Skipping BTF generation'
	[ -s "$tree/tether.ko" ] || echo "no tether.ko for $1"
}

gate_module_6_1()
{
	build_module 6.1
}

gate_module_6_12()
{
	build_module 6.12
}

module_files()
{
	files '^(net/tether|include/uapi)/.*\.[ch]$'
}

gate_kernel_doc()
{
	local scripts
	local -a list
	scripts=$("$top/selftests/kselftest.sh" --scripts) || exit 1
	mapfile -t list < <(module_files)
	perl "$scripts/kernel-doc" -none -Werror "${list[@]}" 2>&1
}

# Names that have a kernel-doc comment, a line each.
documented()
{
	module_files | xargs awk '
		/^\/\*\*$/ { first = 1; next }
		first {
			first = 0
			sub(/^ \* /, "")
			sub(/ - .*|:.*/, "")
			sub(/^(struct|union|enum|define) /, "")
			sub(/\(.*/, "")
			print
		}'
}

# Functions that one file offers to others, and the structures of the ABI.
gate_kernel_doc_complete()
{
	local -a headers abi
	mapfile -t headers < <(files '^net/tether/.*\.h$' |
		grep -v '/\(trace\|compat\)\.h$')
	mapfile -t abi < <(files '^include/uapi/.*\.h$')
	{
		ctags -x --kinds-C=p --_xformat='%N %F:%n' "${headers[@]}"
		ctags -x --kinds-C=s --_xformat='%N %F:%n' "${abi[@]}"
	} | sort -u | awk '
		NR == FNR { known[$1] = 1; next }
		!($1 in known) && $1 ~ /[a-z]/ { print $2 ": no kernel-doc for " $1 }
	' <(documented; echo) -
}

gate_shellcheck()
{
	local -a list
	mapfile -t list < <(shell_scripts)
	shellcheck -x -S warning -f gcc "${list[@]}"
}

gate_codespell()
{
	grep -vx COPYING <<<"$all" |
		xargs -d '\n' codespell --quiet-level 2
}

# Licence texts and the inputs of fuzzers carry none.
gate_spdx()
{
	grep -vE '^COPYING$|^selftests/fuzz/corpus/' <<<"$all" |
		while read -r file; do
			head -n 3 "$file" |
				grep -q 'SPDX-License-Identifier: ' ||
				echo "$file: no SPDX line"
		done
	files '^include/uapi/' | while read -r file; do
		head -n 1 "$file" | grep -qF \
			'SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note' ||
			echo "$file: not under the system call note"
	done
}

# A plan is a list of names, not something to read.
gate_file_length()
{
	grep -vxE 'COPYING|selftests/[a-z]+/plan' <<<"$all" | xargs -d '\n' wc -l |
		awk -v max=$MAX_FILE '$2 != "total" && $1 > max {
			print $2 ": " $1 " lines, more than " max }'
}

gate_function_length()
{
	files '\.[ch]$' | xargs -d '\n' ctags -x --kinds-C=f \
		--_xformat='%{end} %n %F %N' |
		awk -v max=$MAX_FUNCTION '$1 - $2 + 1 > max {
			print $3 ":" $2 ": " $4 " has " $1 - $2 + 1 \
				" lines, more than " max }'
}

gate_kernel_version()
{
	files '^(net|include)/.*\.[ch]$|^Kbuild$' |
		grep -vx net/tether/compat.h |
		xargs -d '\n' grep -nHE 'LINUX_VERSION_CODE|KERNEL_VERSION'
}

# The core computes: no socket, lock, device or clock, and no memory but
# through calls on buffers.
gate_core_pure()
{
	local -a core
	mapfile -t core < <(files '^net/tether/core/')
	local w='struct sock|lock_sock|release_sock|sock_[a-z]+|sk_[a-z]*mem'
	w="$w|spin_(un)?lock|mutex_|rcu_|local_bh|lockdep|atomic_"
	w="$w|jiffies|ktime|hrtimer|mod_timer|timer_setup|get_random"
	w="$w|prandom|net_device|netdev|dev_(get|put|hold|queue)"
	w="$w|struct net\>|k[mzc]alloc|kfree\>|kmem_cache|printk|pr_(err|info|warn)"
	code "\\<($w)" "${core[@]}"
	grep -nHE '#include.*(net/|linux/(netdevice|spinlock|timer|hrtimer|jiffies|ktime|slab|random|mutex))' \
		"${core[@]}" | grep -v '"'
}

# The state machine alone moves a connection; sk_state is its mirror and has
# one writer, too. A connection that is being made may say where it starts.
# Not meant: the state that struct socket has, a line of /proc, and sk_state of
# a datagram socket, which says whether it has a peer and has no machine.
gate_state_writer()
{
	local -a rest streams
	mapfile -t rest < <(files '^net/tether/.*\.[ch]$' |
		grep -vx net/tether/core/state.c)
	code '(->|\.)state [-+|&]?= |(->|\.)state(\+\+|--)|WRITE_ONCE\([^,]*[>.]state,' \
		"${rest[@]}" | grep -vE ':[[:space:]]+\.state = .*,' |
		grep -vE '\<((new)?sock|line)->state = '
	mapfile -t streams < <(printf '%s\n' "${rest[@]}" |
		grep -vx net/tether/dgram.c)
	code 'sk_state (=|[-+|&]=) |(WRITE_ONCE|smp_store_release)\([^,]*sk_state,|sk_state_store' \
		"${streams[@]}" | sed -n '2,$p'
}

# Each header stands alone, in either language, without the kernel's types.
compile_uapi()
{
	local compiler=$1
	shift
	files '^include/uapi/.*\.h$' | while read -r file; do
		printf '#include "%s"\nint main(void) { return 0; }\n' \
			"$top/$file" >build/style/uapi.c
		"$compiler" "$@" -Wall -Wextra -Wpadded -Werror \
			-fsyntax-only -I include/uapi build/style/uapi.c 2>&1
	done
}

gate_uapi_c()
{
	compile_uapi gcc -std=c99 -Wc++-compat -x c
}

gate_uapi_cxx()
{
	compile_uapi g++ -std=c++98 -x c++
}

# What the ABI promises: 16 bytes, pads that are named, no pointers.
gate_uapi_layout()
{
	files '^include/uapi/.*\.h$' | while read -r file; do
		code '\<(long|int|short|char|size_t|bool|time_t|u?int[0-9]+_t)\>' \
			"$file"
	done
	cat >build/style/uapi.c <<-'END'
		#include <linux/tether.h>
		_Static_assert(sizeof(struct sockaddr_tether) == 16, "address");
		_Static_assert(sizeof(struct sockaddr_tether) <= 128, "storage");
	END
	gcc -fsyntax-only -I include/uapi build/style/uapi.c 2>&1
}

gate_no_leftovers()
{
	local words='TO''DO|FIX''ME|X''XX|HA''CK|WI''P'
	# TAP has one of the words as a directive.
	grep -vx COPYING <<<"$all" |
		xargs -d '\n' grep -nHIE "\\b($words)\\b" |
		grep -v XFAIL
	grep -vx COPYING <<<"$all" |
		xargs -d '\n' grep -nHIE '[[:space:]]+$|^(<<<<<<<|>>>>>>>)'
	grep -vx COPYING <<<"$all" | while read -r file; do
		[ -s "$file" ] || echo "$file: empty"
	done
}

# What the documentation names exists, and what exists is documented.
gate_docs()
{
	/usr/bin/python3 selftests/docs.py
}

tether_need make gcc g++ perl python3 git sparse shellcheck codespell \
	universal-ctags >&2
mkdir -p build/style
exec 9>build/style/lock
flock 9
all=$(list_files)
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $GATES
failed=0
number=0
echo "TAP version 13"
echo "1..$#"
for gate in "$@"; do
	number=$((number + 1))
	name=gate_$(tr -c '[:alnum:]\n' _ <<<"${gate/c++/cxx}")
	if ! declare -F "$name" >/dev/null; then
		findings="there is no such gate"
	else
		findings=$("$name")
	fi
	if [ -z "$findings" ]; then
		echo "ok $number $gate"
	else
		sed 's/^/# /' <<<"$findings"
		echo "not ok $number $gate"
		failed=$((failed + 1))
	fi
done
[ $failed = 0 ]
