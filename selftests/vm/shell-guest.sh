#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# shell-guest.sh [COMMAND...]: the guest's part of "make vm". It starts in a
# folder with tether.ko and the tools in bin/.

PATH=$(pwd)/bin:$PATH
export PATH

insmod ./tether.ko || exit 1
ip netns add n1
ip netns add n2
ip link add v1 netns n1 address 02:00:00:00:00:01 type veth \
	peer name v2 netns n2 address 02:00:00:00:00:02 || exit 1
ip -n n1 link set v1 up
ip -n n2 link set v2 up
ip -n n1 link set lo up
ip -n n2 link set lo up

cd /root || cd / || exit 1
if [ $# -gt 0 ]; then
	exec "$@"
fi

cat <<'GREETING'
Tether is loaded (family 18); v1 in n1 (02:..:01) and v2 in n2 (02:..:02) are joined by a veth.
Try:  ip netns exec n2 hello-server &    then:  ip netns exec n1 hello-client v1 02:00:00:00:00:02
See:  ip netns exec n2 cat /proc/net/tether /proc/net/tether_stat    and:  ip netns exec n1 tether-dump v1 &
GREETING
PS1='tether:\w# '
export PS1
exec bash --norc -i
