# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts here: two namespaces, TAP, counters and patience.
#
#	plan N			print the plan, once
#	check NAME COMMAND...	a subtest: the command must say 0
#	skip NAME REASON	a subtest that cannot be run here
#	skip_all REASON		none of them can; instead of plan
#	done_testing		the last line of a script
#
#	make_pair [IP-OPTION]..	NS1 and NS2 with v1 and v2, the ends of a veth
#	n1, n2 COMMAND...	run a command in NS1 or NS2
#	xfer_between FROM TO FILE OUT [OPTION]...
#
# A command that waits for something polls for it; nothing sleeps but where the
# time itself is what must pass.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Programs stand beside the scripts, or where make was told to put them.
bin=${OUTPUT:-$here}

NS1=tether-a$$
NS2=tether-b$$
MAC1=02:00:00:00:00:01
MAC2=02:00:00:00:00:02
# The peer of held sockets (peer.c): no device has it.
# shellcheck disable=SC2034
PEER_MAC=02:00:00:00:00:99
PORT=9000

tap_count=0
tap_failed=0
tap_skipped=0
tap_planned=0

plan()
{
	tap_planned=$1
	echo "TAP version 13"
	echo "1..$1"
}

note()
{
	sed 's/^/# /' <<<"$*"
}

# Show a file as comments.
note_file()
{
	[ ! -s "$1" ] || sed 's/^/# /' "$1"
}

result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count $2"
	fi
}

check()
{
	local name=$1 status
	shift
	"$@" >"$work/check" 2>&1
	status=$?
	if [ $status != 0 ]; then
		note "$* said $status"
		note_file "$work/check"
	fi
	result $status "$name"
	return $status
}

skip()
{
	tap_count=$((tap_count + 1))
	tap_skipped=$((tap_skipped + 1))
	echo "ok $tap_count $1 # SKIP $2"
}

# A script that cannot be run here at all, before it has a plan.
skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 4
}

done_testing()
{
	[ $tap_count = "$tap_planned" ] ||
		note "planned $tap_planned, ran $tap_count"
	echo "# Totals: pass:$((tap_count - tap_failed - tap_skipped))" \
		"fail:$tap_failed xfail:0 xpass:0 skip:$tap_skipped error:0"
	[ $tap_failed = 0 ] && [ $tap_count = "$tap_planned" ] || exit 1
	[ $tap_skipped != "$tap_planned" ] || exit 4
	exit 0
}

# What cannot go on without something ends here, as a failure.
bail()
{
	echo "Bail out! $*"
	exit 1
}

n1()
{
	nsenter --net="/run/netns/$NS1" -- "$@"
}

n2()
{
	nsenter --net="/run/netns/$NS2" -- "$@"
}

# Run a command in a namespace given by name.
in_ns()
{
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

# in_ns in the background: $! is the command itself, not a shell around it.
# Its input is the caller's, which a shell takes away unless told to keep it.
in_ns_bg()
{
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@" <&0 3>&- &
}

jobs_started=()

# start NAMESPACE COMMAND...: in the background, until the script ends.
start()
{
	in_ns_bg "$@"
	jobs_started+=($!)
}

stop_jobs()
{
	local pid
	exec 3>&-
	for pid in "${jobs_started[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	jobs_started=()
}

# A process that does nothing in each namespace: by its folder in /proc the
# rest looks into a namespace without a program, which would cost more than
# what it looks at.
declare -A keepers

keep()
{
	in_ns_bg "$1" sleep infinity
	keepers[$1]=$!
	wait_for 10 test "/proc/$!/ns/net" -ef "/run/netns/$1" ||
		bail "no process in $1"
}

# A namespace without a name lives no longer than what is in it.
leave()
{
	[ -n "${keepers[$1]:-}" ] || return
	kill "${keepers[$1]}"
	wait "${keepers[$1]}" 2>/dev/null
	unset "keepers[$1]"
}

drop_pair()
{
	local ns
	for ns in "$NS1" "$NS2"; do
		leave "$ns"
		ip netns del "$ns" 2>/dev/null
	done
}

cleanup()
{
	stop_jobs
	drop_pair
	rm -rf "$work"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/tether-net.XXXXXX") || exit 1
trap cleanup EXIT
trap 'exit 1' INT TERM
mkfifo "$work/silence"

make_namespaces()
{
	ip netns add "$NS1" && ip netns add "$NS2" || bail "no namespaces"
	keep "$NS1"
	keep "$NS2"
	n1 ip link set lo up
	n2 ip link set lo up
}

make_pair()
{
	make_namespaces
	make_veth "$@"
}

make_veth()
{
	ip link add v1 netns "$NS1" address $MAC1 "$@" type veth \
		peer name v2 netns "$NS2" address $MAC2 "$@" ||
		bail "no veth"
	n1 ip link set v1 up
	n2 ip link set v2 up
	wait_for 5 link_is_up "$NS1" v1 && wait_for 5 link_is_up "$NS2" v2 ||
		bail "veth does not come up"
}

link_is_up()
{
	in_ns "$1" ip -o link show dev "$2" | grep -q 'state UP'
}

# wait_for SECONDS COMMAND...: until the command says 0. There is no fork but
# the command's: where many wait, a fork is what costs most. Who waits long looks
# less often: on the virtual clock looking is what takes time.
wait_for()
{
	local us=20000 end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
		nap $us
		us=$((us < 200000 ? us * 5 / 4 : us))
	done
}

# nap MICROSECONDS, less than a second, without a program: nobody writes there.
nap()
{
	local time
	printf -v time '0.%06d' "$1"
	read -r -t "$time" <>"$work/silence" || :
}

now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# net_file NAMESPACE NAME: the path of a file of its /proc/net; see keep.
net_file()
{
	echo "/proc/${keepers[$1]:?is no namespace}/net/$2"
}

# read_net NAMESPACE NAME: the same file, by lines, into lines.
read_net()
{
	mapfile -t lines <"/proc/${keepers[$1]:?is no namespace}/net/$2"
}

# sum_counters NAMESPACE PATTERN: sets sum to that of all whose names match.
sum_counters()
{
	local line lines
	sum=
	read_net "$1" tether_stat
	for line in "${lines[@]}"; do
		# shellcheck disable=SC2053
		[[ ${line% *} != $2 ]] || sum=$((sum + ${line#* }))
	done
	[ -n "$sum" ] || { echo "no counter $2" >&2; return 1; }
}

# counter NAMESPACE NAME: a line of tether_stat, or more by a pattern; no such
# line is an error.
counter()
{
	local sum
	sum_counters "$1" "$2" && echo "$sum"
}

counter_is()
{
	local sum
	sum_counters "$1" "$2" && [ "$sum" = "$3" ]
}

# count_sockets NAMESPACE STATE [PORT]: sets count to how many are in the state.
count_sockets()
{
	local line lines state address
	count=0
	read_net "$1" tether
	for line in "${lines[@]}"; do
		read -r _ state address _ <<<"$line"
		[ "$state" != "$2" ] || [[ $address != *:${3:-*} ]] ||
			count=$((count + 1))
	done
}

# The same, printed.
sockets()
{
	local count
	count_sockets "$@" && echo $count
}

has_sockets()
{
	local count
	count_sockets "$1" "$2" "${4:-}" && [ $count = "$3" ]
}

# hold NAMESPACE STATE[:CALL],... DEVICE PEER-NAMESPACE PEER-DEVICE: a program
# with sockets in these states (peer.c). It obeys tell, answers into a file and
# lives until release.
hold()
{
	local ns=$1
	shift
	rm -f "$work/orders"
	mkfifo "$work/orders"
	exec 3<>"$work/orders"
	in_ns_bg "$ns" "$bin/peer" hold "$@" <"$work/orders" \
		>"$work/answers" 2>"$work/error"
	holder=$!
	wait_for 10 grep -q ready "$work/answers" ||
		{ cat "$work/error"; return 1; }
}

tell()
{
	echo "$1" >&3
}

# at STATE: sets port, peer_port, seq and ack, what the peer's next segment to
# the socket in that state would say.
# shellcheck disable=SC2034
at()
{
	read -r _ _ port peer_port seq ack \
		< <(grep "^at $1 " "$work/answers")
}

release()
{
	exec 3>&-
	wait "$holder"
}

# Bytes that no compression or lucky zero makes right.
make_file()
{
	head -c "$2" /dev/urandom >"$1"
}

is_listening()
{
	grep -q listening "$1"
}

# The address by which the given namespace reaches the other.
remote_address()
{
	if [ "$1" = "$NS1" ]; then
		echo "${DEV1:-v1}/$MAC2"
	else
		echo "${DEV2:-v2}/$MAC1"
	fi
}

# xfer_between FROM TO FILE OUT [OPTION]...: the sender connects; OUT becomes
# a copy of FILE. Says 0 if both programs did.
xfer_between()
{
	local from=$1 to=$2 file=$3 out=$4 server status
	shift 4
	: >"$work/listening"
	in_ns_bg "$to" "$bin/xfer" listen receive any $PORT "$out" \
		>"$work/listening"
	server=$!
	if ! wait_for 10 is_listening "$work/listening"; then
		echo "the receiver does not listen"
		kill $server 2>/dev/null
		wait $server
		return 1
	fi
	in_ns "$from" timeout "${PATIENCE:-300}" "$bin/xfer" "$@" connect send \
		"$(remote_address "$from")" $PORT "$file"
	status=$?
	[ $status != 124 ] || echo "no end within ${PATIENCE:-300} seconds"
	[ $status = 0 ] || kill $server 2>/dev/null
	wait $server || status=1
	return $status
}

# intact FROM TO SIZE: carry a fresh file and compare.
intact()
{
	make_file "$work/in" "$3"
	rm -f "$work/out"
	xfer_between "$1" "$2" "$work/in" "$work/out" || return
	same_digest "$work/in" "$work/out"
}

same_digest()
{
	local a b
	a=$(sha256sum <"$1")
	b=$(sha256sum <"$2")
	[ "$a" = "$b" ] || {
		echo "the file has changed: $(stat -c %s "$1") bytes sent," \
			"$(stat -c %s "$2") received"
		return 1
	}
}

# watch NAMESPACE DEVICE FILE [OPTION]...: decode all that passes into FILE.
watch()
{
	local ns=$1 device=$2 file=$3
	shift 3
	in_ns_bg "$ns" "$bin/tether-dump" "$@" "$device" >"$file" \
		2>"$work/watch"
	watch_pid=$!
	wait_for 10 grep -q watching "$work/watch" ||
		bail "tether-dump does not start"
}

# Ends it; says 0 only if no frame was missed.
end_watch()
{
	kill $watch_pid
	wait $watch_pid || { cat "$work/watch"; return 1; }
}

# Of a decoded capture: the distinct stretches of payload of one sender. The
# awk program is left to the caller: $1 is the sequence number, $2 the length.
payloads()
{
	awk -v from="$2." 'index($2, from) == 1 {
		for (i = 5; i < NF; i++) {
			if ($i == "seq") seq = $(i + 1)
			if ($i == "len") len = $(i + 1)
		}
		if (len > 0) print seq, len
	}' "$1" | sort -u -n
}

# give_room NAMESPACE BYTES: a send buffer for all of it, each segment in memory
# of its own, which is charged by the page. A writer that waits for room may
# leave less than a segment behind, and once all before that is acknowledged
# Nagle's algorithm lets it go.
give_room()
{
	in_ns "$1" sysctl -q -w net.tether.wmem_default=$((8 * $2)) ||
		bail "no sysctl"
}

# segments_are_whole PAYLOADS MSS NUMBER: only the last one may be short.
segments_are_whole()
{
	is "$(wc -l <"$1")" "$3" && return
	awk -v mss="$2" '$2 != mss { print "at", $1, "there are", $2 }' "$1"
	return 1
}

is()
{
	[ "$1" = "$2" ] || { echo "is $1, should be $2"; return 1; }
}

above()
{
	[ "$1" -gt "$2" ] || { echo "is $1, should be above $2"; return 1; }
}

at_most()
{
	[ "$1" -le "$2" ] || { echo "is $1, should be at most $2"; return 1; }
}

# Counts of retransmissions mean something only where time is virtual: on a
# shared machine a guest may stand still for longer than the RTO.
virtual_clock()
{
	[ "${TETHER_CLOCK:-}" = virtual ] || [ "${TETHER_KERNEL:-}" = uml ]
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -e /proc/net/tether ] || skip_all "the module is not loaded"
