#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# gate.sh [--text] LOG...: look for a kernel's complaints in its logs, as printed
# on a console or as read from /dev/kmsg. The first complaint of each kind goes
# to stderr as "KIND: line"; the status is 1 if there is any, 2 without a log.
# With --text what the kernel said from the first one on, in the first log that
# has any, goes to stdout.

set -u

text=0
if [ "${1:-}" = --text ]; then
	text=60
	shift
fi
[ $# -gt 0 ] || { echo "usage: gate.sh [--text] LOG..." >&2; exit 2; }
for log in "$@"; do
	[ -r "$log" ] || { echo "no-log: $log cannot be read" >&2; exit 2; }
done

awk -v text=$text '
# What comes before a message: "[   1.234567][ T12] " or "4,12,345,-;".
function message(line)
{
	sub(/\r$/, "", line)
	sub(/^[0-9]+,[0-9]+,[0-9]+,[^;]*;/, "", line)
	while (sub(/^\[ *[0-9.CT]+\] */, "", line))
		;
	return line
}

function report(kind, line)
{
	if (!found) {
		where = FILENAME
		tell(line)
	}
	if (!seen[kind]++) {
		printf "%s: %s\n", kind, line >"/dev/stderr"
		found = 1
	}
}

function tell(line)
{
	if (text > 0 && text-- > 0)
		print line
}

{
	line = message($0)
	if (FILENAME == where)
		tell(line)
}

line ~ /^BUG: (KASAN|KFENCE|KMSAN|KCSAN)/ { report("sanitizer", line); next }
line ~ /^BUG: .*(soft lockup|workqueue lockup)/ { report("lockup", line); next }
line ~ /^BUG: (unable to handle|kernel NULL)/ { report("oops", line); next }
line ~ /^BUG: / { report("bug", line); next }
line ~ /^kernel BUG at / { report("bug", line); next }
line ~ /^(Oops|general protection fault|stack segment|divide error|invalid opcode)/ {
	report("oops", line); next }
line ~ /^Unable to handle kernel/ { report("oops", line); next }
line ~ /^(double fault|Internal error)/ { report("oops", line); next }
line ~ /^Kernel panic/ { report("panic", line); next }
line ~ /^WARNING: (possible|suspicious|inconsistent|bad unlock|held lock|.*lock)/ {
	report("lockdep", line); next }
line ~ /^WARNING: / { report("warning", line); next }
line ~ /^INFO: (rcu|.*detected stall)|^rcu: INFO: |self-detected stall on CPU/ {
	report("rcu-stall", line); next }
line ~ /^INFO: task .* blocked for more than / { report("hung-task", line); next }
line ~ /^INFO: (possible|suspicious|lockdep|trying to register)/ {
	report("lockdep", line); next }
line ~ /^(NMI watchdog|watchdog): .*(LOCKUP|lockup)/ { report("lockup", line); next }
line ~ /^UBSAN: / { report("ubsan", line); next }
line ~ /^ODEBUG: / { report("odebug", line); next }
line ~ /^DEBUG_LOCKS_WARN_ON/ { report("lockdep", line); next }
line ~ /^kmemleak: .*new suspected/ { report("kmemleak", line); next }
line ~ /^unreferenced object 0x/ { report("kmemleak", line); next }
line ~ /^refcount_t: / { report("refcount", line); next }
line ~ /^ref_tracker: / { report("refcount", line); next }
line ~ /^unregister_netdevice: waiting for / { report("netdev-leak", line); next }
line ~ /^(list_add|list_del) corruption/ { report("list", line); next }
line ~ /^SLUB: HWalign/ { next }
line ~ /^BUG .*: (Objects|Redzone|Poison)/ { report("slab", line); next }
line ~ /^=+ *BUG / { report("slab", line); next }
line ~ /kmem_cache_destroy .*: Slab cache still has objects/ {
	report("slab", line); next }
line ~ /^(Call Trace|RIP: 0010):?/ { report("trace", line); next }

# Whatever else a developer would have to look at, wherever it stands.
line ~ /(^|[^A-Z])BUG:|WARNING:|Oops|general protection fault|KASAN:/ ||
line ~ /refcount_t:|suspicious RCU|self-detected stall|leaked reference/ ||
line ~ /recursive locking|circular locking|lock state|held lock freed/ ||
line ~ /sleeping function called|scheduling while atomic|bad unlock/ ||
line ~ /Objects remaining|Out of memory:|segfault at|invoked oom-killer/ ||
line ~ /traps: .* (trap|general)|corruption|ref_tracker:/ {
	report("other", line)
}

END { exit found }
' "$@"
