#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's part of the demo; starts in a folder with tether.ko, the example
# programs and kernel.tar, the file to carry. COLOUR=1 for a terminal, and
# NETEM="delay 5ms" for another link; on a good one the demo fails.

set -u

MAC1=02:00:00:00:00:01
MAC2=02:00:00:00:00:02
# A frame in 4 overtakes those before it, one in 100 is lost; both ways.
: "${NETEM:=delay 5ms reorder 25% 50% loss 1%}"
PORT=9000

failures=()
bold='' red='' green='' plain=''
if [ "${COLOUR:-}" = 1 ]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

title()
{
	printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"
}

# Say what is run, then run it.
show()
{
	printf '# %s\n' "$*"
	"$@"
}

failed()
{
	failures+=("$*")
	printf '%s%s%s\n' "$red" "$*" "$plain"
}

die()
{
	failed "$*"
	exit 1
}

n1()
{
	ip netns exec n1 "$@"
}

n2()
{
	ip netns exec n2 "$@"
}

wait_for()
{
	local tries=$(($1 * 50))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.02
	done
}

link_is_up()
{
	ip -n "$1" -o link show dev "$2" | grep -q 'state UP'
}

# counter NAMESPACE NAME
counter()
{
	ip netns exec "$1" awk -v name="$2" '$1 == name { print $2 }' \
		/proc/net/tether_stat
}

# The same counter of both namespaces.
both()
{
	echo $(($(counter n1 "$1") + $(counter n2 "$1")))
}

has_socket()
{
	ip netns exec "$1" grep -q "$2" /proc/net/tether
}

# What /proc/net/tether says, each line of it cut in two for 80 columns.
show_sockets()
{
	echo "/proc/net/tether in $1, $2:"
	ip netns exec "$1" awk '
		NR == 1 {
			for (i = 1; i <= NF; i++)
				name[i] = $i
			next
		}
		{
			print "  " $1, $2, $3, $4
			line = "     "
			for (i = 5; i <= 10; i++)
				line = line " " name[i] " " $i
			print line
		}' /proc/net/tether
}

# promise STATE TEXT: that what show_sockets printed has such a socket.
promise()
{
	grep -q " $1 " <<<"$2" || failed "No socket was in $1"
}

show_promised()
{
	local text
	text=$(show_sockets "$1" "$2")
	printf '%s\n' "$text"
	promise "$3" "$text"
}

show_counters()
{
	echo "/proc/net/tether_stat, the counters that are not zero, $1:"
	printf '  %-28s %14s %14s\n' "" n1 n2
	paste <(n1 cat /proc/net/tether_stat) <(n2 cat /proc/net/tether_stat) |
		awk '$2 + $4 > 0 { printf "  %-28s %14s %14s\n", $1, $2, $4 }'
}

join_namespaces()
{
	ip netns add n1 && ip netns add n2 || die "no namespaces"
	ip link add v1 netns n1 address $MAC1 type veth \
		peer name v2 netns n2 address $MAC2 || die "no veth"
	ip -n n1 link set v1 up
	ip -n n2 link set v2 up
	# The words of the fault are words of tc.
	# shellcheck disable=SC2086
	tc -n n1 qdisc add dev v1 root netem limit 10000 $NETEM &&
		tc -n n2 qdisc add dev v2 root netem limit 10000 $NETEM ||
		die "no netem"
	wait_for 5 link_is_up n1 v1 && wait_for 5 link_is_up n2 v2 ||
		die "the link does not come up"
}

# socat's form of an address: what follows the family in sockaddr_tether.
raw_address()
{
	local index
	index=$(ip -n "$1" -o link show dev "$2" | cut -d : -f 1)
	printf 'x%04xx%02x%02x%02x%02xx%sx0000' $PORT $((index & 255)) \
		$((index >> 8 & 255)) $((index >> 16 & 255)) \
		$((index >> 24 & 255)) "${3//:/}"
}

start_capture()
{
	: >/tmp/tcpdump.log
	# Without a function around it: $! shall be tcpdump.
	ip netns exec n1 tcpdump -i v1 -w /tmp/capture --immediate-mode -U \
		2>/tmp/tcpdump.log &
	capture=$!
	wait_for 10 grep -q 'listening on' /tmp/tcpdump.log ||
		die "tcpdump does not start"
}

say_hello()
{
	title "Hello: a server in n2, a client in n1"
	start_capture
	n2 strace -ttt -T -e trace=network,read,write -o /tmp/server.trace \
		./hello-server $PORT >/tmp/server.out 2>&1 &
	wait_for 10 has_socket n2 LISTEN || die "hello-server does not listen"
	show_promised n2 "the server waits" LISTEN
	echo
	n1 strace -ttt -T -e trace=network,read,write -o /tmp/client.trace \
		./hello-client v1 $MAC2 $PORT >/tmp/client.out 2>&1 ||
		failed "hello-client said $?"
	wait $!
	# A program is gone sooner than its last frames are acknowledged.
	wait_for 10 has_socket n2 TIME_WAIT
	afterwards=$(show_sockets n2 "afterwards")
	sed 's/^/server: /' /tmp/server.out
	sed 's/^/client: /' /tmp/client.out
	grep -q hello /tmp/client.out || failed "the client got no hello"
	# The last frames are still on the wire for a while.
	sleep 0.1
	kill $capture
	wait $capture
	draw_hello
}

draw_hello()
{
	cat <<-TEXT

	What happened, from the capture on v1 and the system calls. A frame
	is seen as it arrives; the link's 5 ms come before it. In brackets:

	TEXT
	echo "  1 connect()  2 SYN  3 SYN+ACK  4 ACK  5 accept() wakes  6 accept()"
	echo "  7 the connected socket  8 send(), recv()  9 data  10 data arrives"
	echo
	./tether-dump -e -r /tmp/capture >/tmp/frames
	./demo-diagram /tmp/client.trace /tmp/server.trace /tmp/frames $MAC1 ||
		failed "the exchange is incomplete"
	printf '\n%s\n' "$afterwards"
	promise TIME_WAIT "$afterwards"
}

half_is_there()
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt $((size / 2)) ]
}

# carry FROM TO DEVICE MAC: socat in both, the sender connects.
carry()
{
	local from=$1 to=$2 copy=/tmp/copy-$2 receiver sender began took
	title "A file of $size bytes from $from to $to, by socat"
	listen="SOCKET-LISTEN:$family:0:$(printf 'x%04x' $PORT)x$(printf \
		'%08d' 0)x$(printf '%012d' 0)x0000"
	connect="SOCKET-CONNECT:$family:0:$(raw_address "$from" "$3" "$4")"
	echo "$to# socat -u $listen \\"
	echo "        CREATE:copy"
	ip netns exec "$to" socat -u "$listen" "CREATE:$copy" &
	receiver=$!
	wait_for 10 has_socket "$to" LISTEN || die "socat does not listen"
	echo "$from# socat -u OPEN:kernel.tar \\"
	echo "        $connect"
	began=$(date +%s%N)
	ip netns exec "$from" socat -u OPEN:kernel.tar "$connect" &
	sender=$!
	wait_for 60 half_is_there "$copy" || failed "no progress"
	echo
	show_promised "$from" "half-way" ESTABLISHED
	echo
	show_counters "half-way"
	echo
	wait $sender || failed "socat in $from said $?"
	wait $receiver || failed "socat in $to said $?"
	took=$((($(date +%s%N) - began) / 1000000))
	wait_for 10 has_socket "$from" TIME_WAIT
	show_promised "$from" "at the end" TIME_WAIT
	compare "$copy" "$took"
}

compare()
{
	local sent received
	sent=$(sha256sum <kernel.tar)
	received=$(sha256sum <"$1")
	printf '\nsent      %s\nreceived  %s\n' "${sent%% *}" "${received%% *}"
	if [ "$sent" = "$received" ]; then
		printf '%sEqual by sha256%s: %d bytes in %d ms of the guest'\''s clock\n' \
			"$green" "$plain" "$size" "$2"
	else
		failed "The digests differ"
	fi
	rm -f "$1"
}

verdict()
{
	local again order lost
	again=$(both retrans_out)
	order=$(both did_out_of_order)
	lost=$(tc -n n1 -s qdisc show dev v1 | sed -n 's/.*dropped \([0-9]*\).*/\1/p')
	lost=$((lost + $(tc -n n2 -s qdisc show dev v2 |
		sed -n 's/.*dropped \([0-9]*\).*/\1/p')))
	title "Verdict"
	echo "frames lost by the link:       $lost"
	echo "segments sent again:           $again"
	echo "segments that overtook others: $order"
	[ "$again" -gt 0 ] || failed "Nothing was sent again"
	[ "$order" -gt 0 ] || failed "Nothing came out of order"
	if [ ${#failures[@]} = 0 ]; then
		printf '%sBoth files arrived intact.%s\n' "$green" "$plain"
		return 0
	fi
	printf '%sThe demo has failed:%s\n' "$red" "$plain"
	printf '  %s\n' "${failures[@]}"
	return 1
}

title "Linux $(uname -r), tether.ko, and two namespaces with a bad link between"
show insmod ./tether.ko || die "the module does not load"
family=$(cat /sys/module/tether/parameters/family)
dmesg | grep 'tether: family'
join_namespaces
cat <<EOT

  n1, v1 $MAC1  ======================  v2 $MAC2, n2
                        $NETEM
EOT
size=$(stat -c %s kernel.tar)
say_hello
carry n1 n2 v1 $MAC2
carry n2 n1 v2 $MAC1
echo
show_counters "at the end"
verdict
